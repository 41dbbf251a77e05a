"""Agent Framework's adapter against it: agents over a scripted client, and the contract of memories."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agent_framework import (
    Agent,
    AgentSession,
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    ContextProvider,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
    SessionContext,
    tool,
)
from memkit_adapters.agent_framework import MemkitContextProvider, MemkitHistoryProvider

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing.adapters import AdapterContract, Shown

pytestmark = pytest.mark.frameworks
DEMOS = Path(__file__).parents[2] / "demos"


class ScriptedClient(BaseChatClient):
    """A client that gives one answer after the other, or raises it, and notes what it was shown.

    An event instead of an answer is set, and then there is no answer ever.
    """

    def __init__(self, *answers: str | Exception | Message | asyncio.Event) -> None:
        super().__init__()
        self.answers, self.shown = list(answers), list[str]()

    def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **kwargs: Any) -> Awaitable[Any]:
        async def answer() -> ChatResponse:
            self.shown.append("\n".join([options.get("instructions") or "", *(each.text for each in messages)]))
            given = self.answers.pop(0)
            if isinstance(given, asyncio.Event):
                given.set()
                await asyncio.Event().wait()
            if isinstance(given, Exception):
                raise given
            return ChatResponse(messages=[given if isinstance(given, Message) else Message("assistant", [given])])

        return answer()


class StreamingClient(FunctionInvocationLayer, ChatMiddlewareLayer, BaseChatClient):
    """A client that calls a tool, then answers, whole or in pieces; each run anew."""

    def __init__(self) -> None:
        super().__init__()
        self.call_count = 0

    def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **kwargs: Any) -> Any:
        self.call_count += 1
        contents = [Content.from_text(text=piece) for piece in ("It ", "is.")]
        if self.call_count % 2:
            contents = [
                Content.from_function_call(f"call {self.call_count}", "weather", arguments='{"city": "Lisbon"}')
            ]

        async def pieces() -> AsyncIterator[ChatResponseUpdate]:
            for each in contents:
                yield ChatResponseUpdate(contents=[each], role="assistant", message_id="m1")

        answer = ResponseStream(pieces(), finalizer=ChatResponse.from_updates)
        return answer if stream else answer.get_final_response()


@tool(approval_mode="never_require")
def weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


class ContextWitness(ContextProvider):
    """Notes the contexts of runs."""

    def __init__(self) -> None:
        super().__init__("witness")
        self.contexts = dict[str | None, SessionContext]()

    async def before_run(self, *, context: SessionContext, **call: Any) -> None:
        self.contexts[context.session_id] = context


class FrameworkTalk:
    """People who talk with agents that have a history and a memory in one bank, chosen by the session's id."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store, self.witness = store, ContextWitness()
        self.history = MemkitHistoryProvider(self.bank_of)
        self.memory = MemkitContextProvider(self.bank_of)

    def bank_of(self, call: Any) -> memkit.MemoryBank:
        return self.bank(call["session_id"].split()[0])

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        client = ScriptedClient(answer)
        given = asyncio.run(self.run(client, user, text, session))
        return Shown("\n".join(client.shown), given.text)

    async def run(self, client: ScriptedClient, user: str, text: str, session: str) -> Any:
        agent = Agent(client, context_providers=[self.history, self.memory, self.witness])
        return await agent.run(text, session=AgentSession(session_id=f"{user} {session}"))

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            asked = asyncio.Event()
            run = asyncio.create_task(self.run(ScriptedClient(asked), user, text, session))
            await asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

        asyncio.run(break_off())

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        own = AgentSession(session_id=f"{user} {session}")
        context = self.witness.contexts[own.session_id]
        for provider in (self.memory, self.history):
            asyncio.run(provider.after_run(agent=None, session=own, context=context, state={}))

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [message.text for message in asyncio.run(self.history.get_messages(f"{user} {session}"))]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)


class TestProviders(AdapterContract):
    """Agents with both providers."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[FrameworkTalk]:
        with memkit.open(path, **options) as store:
            yield FrameworkTalk(store)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[memkit.MemoryBank]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
        yield store.bank("acme", "ana")


def said(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"])]


def session(id: str = "first") -> AgentSession:
    return AgentSession(session_id=id)


@pytest.mark.parametrize("memory_first", [True, False])
async def test_history_and_memory_in_one_bank_remember_each_message_once_in_either_order(
    bank: memkit.MemoryBank, memory_first: bool
) -> None:
    providers = [MemkitContextProvider(bank), MemkitHistoryProvider(bank)][:: 1 if memory_first else -1]
    agent = Agent(ScriptedClient("ok", "ok"), context_providers=providers)
    await agent.run("yes", session=session())
    await agent.run("yes", session=session())
    assert said(bank) == ["yes", "ok", "yes", "ok"]
    stored = await MemkitHistoryProvider(bank).get_messages("first")
    assert [(message.role, message.text) for message in stored] == [("user", "yes"), ("assistant", "ok")] * 2


async def test_the_history_is_there_in_the_next_run_and_is_not_recalled_beside_it(bank: memkit.MemoryBank) -> None:
    client = ScriptedClient("Noted.", "Rice.")
    agent = Agent(
        client, instructions="Be kind.", context_providers=[MemkitHistoryProvider(bank), MemkitContextProvider(bank)]
    )
    await agent.run("I can't eat nuts.", session=session())
    await agent.run("Can I eat nuts?", session=session())
    assert client.shown[1].count("I can't eat nuts.") == 1
    assert "<memory" not in client.shown[1]


async def test_what_a_person_said_before_a_model_failed_is_remembered_once_though_the_run_is_tried_again(
    bank: memkit.MemoryBank,
) -> None:
    client = ScriptedClient(ConnectionError("down"), ConnectionError("down"), "Noted.")
    agent = Agent(client, context_providers=[MemkitHistoryProvider(bank), MemkitContextProvider(bank)])
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await agent.run("I can't eat nuts.", session=session())
    assert said(bank) == ["I can't eat nuts."]
    assert await MemkitHistoryProvider(bank).get_messages("first") == []
    await agent.run("I can't eat nuts.", session=session())
    assert said(bank) == ["I can't eat nuts.", "Noted."]
    assert len(await MemkitHistoryProvider(bank).get_messages("first")) == 2


async def test_a_message_that_is_given_again_later_is_in_the_history_again(bank: memkit.MemoryBank) -> None:
    history, yes = MemkitHistoryProvider(bank), Message("user", ["yes"])
    await history.save_messages("first", [yes, Message("assistant", ["ok"])])
    await history.save_messages("first", [yes, Message("assistant", ["fine"])])
    assert [message.text for message in await history.get_messages("first")] == ["yes", "ok", "yes", "fine"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("at_each_call", [False, True])
async def test_tools_and_streams_are_remembered_once_also_where_history_is_stored_at_each_call_of_the_service(
    bank: memkit.MemoryBank, stream: bool, at_each_call: bool
) -> None:
    providers = [MemkitHistoryProvider(bank), MemkitContextProvider(bank)]
    agent = Agent(
        StreamingClient(), tools=[weather], context_providers=providers,
        require_per_service_call_history_persistence=at_each_call,
    )  # fmt: skip
    for question in ("Is it sunny?", "Really?"):
        if stream:
            assert [update async for update in agent.run(question, session=session(), stream=True)]
        else:
            await agent.run(question, session=session())
    exchange = ["", "sunny in Lisbon", "It is."]
    assert said(bank) == ["Is it sunny?", *exchange, "Really?", *exchange]
    roles = [message.role for message in await MemkitHistoryProvider(bank).get_messages("first")]
    assert roles == ["user", "assistant", "tool", "assistant"] * 2


async def test_what_several_write_into_one_session_at_once_is_all_there(bank: memkit.MemoryBank) -> None:
    texts = [f"message {number}" for number in range(20)]
    saved = (MemkitHistoryProvider(bank).save_messages("first", [Message("user", [text])]) for text in texts)
    await asyncio.gather(*saved)
    stored = await MemkitHistoryProvider(bank).get_messages("first")
    assert sorted(message.text for message in stored) == sorted(texts)
    assert sorted(said(bank)) == sorted(texts)


async def test_a_history_keeps_what_fades_from_memory(bank: memkit.MemoryBank) -> None:
    history = MemkitHistoryProvider(bank)
    await history.save_messages("first", [Message("user", ["It rained."])])
    bank.decay(datetime.now(UTC) + timedelta(days=20_000))
    assert bank.session("first").last() == []
    assert [message.text for message in await history.get_messages("first")] == ["It rained."]


async def test_messages_come_back_as_they_were_given(bank: memkit.MemoryBank) -> None:
    history = MemkitHistoryProvider(bank)
    messages = [
        Message("system", ["Be kind."]),
        Message(
            "user", ["Look:", Content.from_uri("https://example.com/a.png", media_type="image/png")], author_name="Ana"
        ),
        Message("assistant", [Content.from_function_call("1", "weather", arguments={"city": "Lisbon"})]),
        Message("tool", [Content.from_function_result("1", result="sunny")], message_id="m1"),
        Message("assistant", ["A\0B"], additional_properties={"mood": "kind"}),
        Message("system", ["The end."]),
    ]
    expected = [message.to_dict() for message in messages]
    await history.save_messages("first", messages)
    await history.save_messages("first", messages)  # as where a run is tried again
    stored = await history.get_messages("first")
    assert [message.to_dict() for message in stored] == expected
    turns = bank.session("first").last()
    assert [(turn.role, turn.speaker) for turn in turns] == [
        ("user", "Ana"), ("assistant", "assistant"), ("tool", "tool"),
    ]  # fmt: skip
    assert turns[2].text == "sunny"


async def test_erasing_a_turn_erases_its_message(bank: memkit.MemoryBank) -> None:
    agent = Agent(
        ScriptedClient("Noted."), context_providers=[MemkitHistoryProvider(bank), MemkitContextProvider(bank)]
    )
    await agent.run("I can't eat nuts.", session=session())
    bank.erase(ids=[bank.list(kinds=["turn"])[0].id])
    assert [message.text for message in await MemkitHistoryProvider(bank).get_messages("first")] == ["Noted."]
    assert "nuts" not in str([memory.metadata for memory in bank.list(kinds=["item"])])


async def test_sessions_stay_apart_and_as_many_messages_are_loaded_as_asked(bank: memkit.MemoryBank) -> None:
    history = MemkitHistoryProvider(bank, last=2)
    for number in range(3):
        await history.save_messages("first", [Message("user", [f"first {number}"])])
        await history.save_messages("second", [Message("user", [f"second {number}"])])
    assert [message.text for message in await history.get_messages("first")] == ["first 1", "first 2"]
    assert await history.get_messages(None) == []


async def test_the_state_of_a_session_holds_nothing_that_was_said(bank: memkit.MemoryBank) -> None:
    own = session()
    agent = Agent(
        ScriptedClient("Noted."), context_providers=[MemkitHistoryProvider(bank), MemkitContextProvider(bank)]
    )
    await agent.run("I can't eat nuts.", session=own)
    assert "nuts" not in str(own.to_dict())


async def test_a_cancelled_run_leaves_the_memory_whole(bank: memkit.MemoryBank) -> None:
    agent = Agent(ScriptedClient("Noted.", "Rice."), context_providers=[MemkitContextProvider(bank)])
    run = asyncio.create_task(agent.run("I can't eat nuts.", session=session()))
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await agent.run("What can I eat?", session=session("second"))
    assert [text for text in said(bank) if text != "I can't eat nuts."] == ["What can I eat?", "Noted."]


def test_the_demo_remembers_in_another_session() -> None:
    script = str(DEMOS / "with_agent_framework.py")
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "I can't eat nuts." in result.stdout.split("session second")[1]
