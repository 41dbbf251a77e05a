"""MemkitMemory in AutoGen itself: AssistantAgents with a scripted model."""

import asyncio
import logging
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import MemoryQueryEvent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken, Image
from autogen_core.memory import MemoryContent, MemoryMimeType
from autogen_core.model_context import BufferedChatCompletionContext, UnboundedChatCompletionContext
from autogen_core.models import (
    AssistantMessage,
    ChatCompletionClient,
    CreateResult,
    ModelInfo,
    RequestUsage,
    SystemMessage,
    UserMessage,
)
from memkit_adapters.autogen import MemkitMemory

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.testing.adapters import AdapterContract, Shown
from memkit.testing.adapters.contract import ASKED_TEXT, TOLD_NAME, TOLD_TEXT, turns

pytestmark = pytest.mark.frameworks
ROOT = Path(__file__).parents[2]
WITHOUT_USAGE = RequestUsage(0, 0)


class ScriptedModel(ChatCompletionClient):
    """A model that says what it was told to, and notes what it was shown."""

    component_type, component_config_schema = "model", None  # type: ignore[assignment]

    def __init__(self, *answers: str) -> None:
        self.answers, self.shown = list(answers), list[str]()

    async def create(self, messages: Any, **options: Any) -> CreateResult:
        self.shown.append("\n".join(str(message.content) for message in messages))
        answer = self.answers.pop(0)
        return CreateResult(finish_reason="stop", content=answer, usage=WITHOUT_USAGE, cached=False)

    def create_stream(self, *rest: Any, **options: Any) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        pass

    def actual_usage(self) -> RequestUsage:
        return WITHOUT_USAGE

    def total_usage(self) -> RequestUsage:
        return WITHOUT_USAGE

    def count_tokens(self, *rest: Any, **options: Any) -> int:
        return 0

    def remaining_tokens(self, *rest: Any, **options: Any) -> int:
        return 0

    @property
    def capabilities(self) -> Any:
        return self.model_info

    @property
    def model_info(self) -> ModelInfo:
        return ModelInfo(
            vision=False, function_calling=True, json_output=False, family="unknown", structured_output=False
        )


class HangingModel(ScriptedModel):
    """A model that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def create(self, messages: Any, **options: Any) -> CreateResult:
        self.asked.set()
        await asyncio.sleep(60)
        raise AssertionError


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[memkit.MemoryBank]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
        yield store.bank("acme", "ana")


def texts_of(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"], limit=1000)]


def own_messages(messages: list[Any]) -> list[str]:
    """What a memory wrote into a context."""
    return [message.content for message in messages if isinstance(message, SystemMessage)]


class AgentTalk:
    """People who talk with agents, each conversation with a context of its own."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store
        self.contexts: dict[tuple[str, str], UnboundedChatCompletionContext] = {}

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        async def run() -> Any:
            memory, context = self.memory(user, session), self.context(user, session)
            agent = AssistantAgent("helper", model_client=model, memory=[memory], model_context=context)
            result = await agent.run(task=text)
            await memory.observe(agent.model_context)
            return result.messages[-1]

        model = ScriptedModel(answer)
        last = asyncio.run(run())
        return Shown("\n".join(model.shown), last.content)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def run() -> None:
            memory, context = self.memory(user, session), self.context(user, session)
            agent = AssistantAgent("helper", model_client=model, memory=[memory], model_context=context)
            running = asyncio.ensure_future(agent.run(task=text))
            await model.asked.wait()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

        model = HangingModel()
        asyncio.run(run())

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        asyncio.run(self.memory(user, session).update_context(self.context(user, session)))

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [str(message.content) for message in asyncio.run(self.context(user, session).get_messages())]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)

    def memory(self, user: str, session: str) -> MemkitMemory:
        return MemkitMemory(self.bank(user), session=session, people={"user": user})

    def context(self, user: str, session: str) -> UnboundedChatCompletionContext:
        return self.contexts.setdefault((user, session), UnboundedChatCompletionContext())


class TestMemkitMemory(AdapterContract):
    """The contract of memory adapters, over runs of an agent."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[AgentTalk]:
        with memkit.open(path, **options) as store:
            yield AgentTalk(store)

    def test_the_frameworks_own_messages_hold_nothing_that_was_recalled(self, path: Path) -> None:
        """But for one block: a memory reaches the model through the agent's context alone. The next run takes it out,
        whatever it recalls itself, so that there is never more than one."""
        with self.talking(path) as talk:
            talk.say("ana", TOLD_TEXT)
            talk.say("ana", ASKED_TEXT, session="second")
            talk.say("ana", ASKED_TEXT, session="second")
            assert sum(TOLD_NAME in text for text in talk.messages("ana", session="second")) == 1
            talk.bank("ana").erase(ids=[m.id for m in turns(talk, "ana")])
            talk.say("ana", "Thanks.", session="second")
            assert [text for text in talk.messages("ana", session="second") if TOLD_NAME in text] == []


async def test_the_last_answer_is_observed_with_the_next_question_where_nobody_asks_for_it(
    bank: memkit.MemoryBank,
) -> None:
    agent = AssistantAgent("helper", model_client=ScriptedModel("Noted.", "Rice."), memory=[MemkitMemory(bank)])
    await agent.run(task="I can't eat nuts.")
    assert texts_of(bank) == ["I can't eat nuts."]
    await agent.run(task="What can I eat?")
    assert texts_of(bank) == ["I can't eat nuts.", "Noted.", "What can I eat?"]


async def test_what_is_said_twice_is_observed_twice_and_a_loaded_state_is_not(bank: memkit.MemoryBank) -> None:
    context = UnboundedChatCompletionContext()
    for text in ("ok", "ok"):
        await context.add_message(UserMessage(content=text, source="user"))
    await MemkitMemory(bank, session="s").observe(context)
    loaded = UnboundedChatCompletionContext()
    await loaded.load_state(await context.save_state())
    await MemkitMemory(bank, session="s").observe(loaded)
    assert texts_of(bank) == ["ok", "ok"]


async def test_after_a_reset_the_same_words_are_said_anew(bank: memkit.MemoryBank) -> None:
    memory = MemkitMemory(bank)
    agent = AssistantAgent("helper", model_client=ScriptedModel("Hi.", "Hi."), memory=[memory])
    for _ in range(2):
        await agent.run(task="Hello.")
        await memory.observe(agent.model_context)
        await agent.on_reset(CancellationToken())
    assert [text for text in texts_of(bank) if text == "Hello."] == ["Hello.", "Hello."]
    assert len({memory.session for memory in bank.list(kinds=["turn"])}) == 2


async def test_a_team_that_shares_a_memory_observes_each_message_once(bank: memkit.MemoryBank) -> None:
    memory = MemkitMemory(bank, session="s", people={"user": "Ana"})
    agents: Any = [
        AssistantAgent(name, model_client=ScriptedModel(f"I am {name}.", "Yes."), memory=[memory])
        for name in ("cook", "critic")
    ]
    team = RoundRobinGroupChat(agents, max_turns=3)
    await team.run(task="What can I eat?")
    said = [(memory.speaker, memory.role, memory.text) for memory in bank.list(kinds=["turn"])]
    assert said == [
        ("Ana", "user", "What can I eat?"),
        ("cook", "assistant", "I am cook."),
        ("critic", "assistant", "I am critic."),
    ]


async def test_nothing_recalled_is_among_a_runs_messages_unless_it_is_asked_for(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", TOLD_TEXT)])
    for shows_events in (False, True):
        memory = MemkitMemory(bank, shows_events=shows_events)
        agent = AssistantAgent("helper", model_client=ScriptedModel("Hm."), memory=[memory])
        result = await agent.run(task=ASKED_TEXT)
        assert any(isinstance(message, MemoryQueryEvent) for message in result.messages) == shows_events


async def test_a_context_that_shows_its_end_alone_is_observed_whole_and_keeps_one_block(
    bank: memkit.MemoryBank,
) -> None:
    bank.observe([("Ana", TOLD_TEXT)])
    context, memory = BufferedChatCompletionContext(buffer_size=2), MemkitMemory(bank)
    for number in range(5):
        await context.add_message(UserMessage(content=f"{ASKED_TEXT} {number}", source="user"))
        await context.add_message(AssistantMessage(content=f"Hm {number}.", source="helper", thought="a secret"))
        await memory.update_context(context)
    whole = (await context.save_state())["messages"]
    assert sum(message["type"] == "SystemMessage" for message in whole) == 1
    assert len(texts_of(bank)) == 11
    assert "secret" not in "".join(texts_of(bank))


async def test_an_applications_own_system_messages_stay(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", TOLD_TEXT)])
    context, memory = UnboundedChatCompletionContext(), MemkitMemory(bank)
    await context.add_message(SystemMessage(content="Be kind."))
    await context.add_message(UserMessage(content=ASKED_TEXT, source="user"))
    await memory.update_context(context)
    await memory.update_context(context)
    kept = own_messages(await context.get_messages())
    assert kept[0] == "Be kind."
    assert len(kept) == 2
    assert "Be kind." not in texts_of(bank)


async def test_what_is_added_is_found_by_a_query_once_and_gone_when_it_is_cleared(bank: memkit.MemoryBank) -> None:
    memory = MemkitMemory(lambda: bank)
    for _ in range(2):
        await memory.add(MemoryContent(content="Ana can't eat nuts.", mime_type=MemoryMimeType.TEXT))
    await memory.add(MemoryContent(content={"colour": "verdigris"}, mime_type=MemoryMimeType.JSON))
    results = (await memory.query("What can't Ana eat?", min_score=0)).results
    assert sorted(str(result.content) for result in results) == ["Ana can't eat nuts.", '{"colour": "verdigris"}']
    assert results[0].metadata is not None
    assert bank.get(results[0].metadata["id"]) is not None
    asked = MemoryContent(content="verdigris", mime_type=MemoryMimeType.TEXT)
    assert "verdigris" in str((await memory.query(asked, k=1, min_score=0)).results)
    assert (await memory.query("")).results == []
    await memory.clear()
    assert (await memory.query("nuts", min_score=0)).results == []
    await memory.close()


async def test_an_image_is_refused_with_the_remedy(bank: memkit.MemoryBank) -> None:
    with pytest.raises(InputError, match="as text"):
        await MemkitMemory(bank).add(MemoryContent(content=b"\x89PNG", mime_type=MemoryMimeType.IMAGE))


async def test_pictures_are_left_out_of_what_is_observed(bank: memkit.MemoryBank) -> None:
    from PIL import Image as Picture

    context = UnboundedChatCompletionContext()
    picture = Image(Picture.new("RGB", (1, 1)))
    await context.add_message(UserMessage(content=["Look at this.", picture], source="user"))
    await context.add_message(UserMessage(content=[picture], source="user"))
    await MemkitMemory(bank).observe(context)
    assert texts_of(bank) == ["Look at this."]


async def test_a_cancelled_query_is_cancelled(bank: memkit.MemoryBank) -> None:
    token = CancellationToken()
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await MemkitMemory(bank).query("nuts", cancellation_token=token)


def test_the_demo_remembers_in_a_second_conversation_and_logs_no_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["with_autogen.py"])
    with caplog.at_level(logging.INFO):
        runpy.run_path(str(ROOT / "demos" / "with_autogen.py"), run_name="__main__")
    assert 'Ana: "I can\'t eat nuts."' in capsys.readouterr().out.split("friday")[1]
    assert "nuts" not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("memkit"))
