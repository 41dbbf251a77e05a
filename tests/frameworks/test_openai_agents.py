"""MemkitSession in the Agents SDK itself: a scripted model, real runs, items and turns beside each other."""

import asyncio
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner, function_tool, set_tracing_disabled
from agents.items import ModelResponse
from agents.memory import Session, SessionSettings
from agents.models.interface import Model
from agents.tracing import TracingProcessor, set_trace_processors
from agents.usage import Usage
from memkit_adapters.openai_agents import MemkitSession
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseUsage,
)

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, StorageError
from memkit.testing.adapters import AdapterContract, Shown
from memkit.testing.adapters.contract import damage, turns

pytestmark = pytest.mark.frameworks
ROOT = Path(__file__).parents[2]
ITEMS: list[Any] = [
    {"role": "user", "content": "ok"},
    {"role": "user", "content": "ok"},
    {"zulu": None, "role": "assistant", "alpha": [1, {"b": 2.5, "a": "é\0\u0301"}], "type": "message", "content": []},
    {
        "type": "function_call",
        "call_id": "c1",
        "name": "weather",
        "arguments": '{"city":  "Lisbon"}',
        "id": "__fake_id__",
    },
    {"type": "function_call_output", "call_id": "c1", "output": "sun"},
    {"type": "reasoning", "id": "__fake_id__", "summary": [{"type": "summary_text", "text": "She is cold."}]},
]


@pytest.fixture(autouse=True)
def _no_tracing() -> None:
    set_tracing_disabled(True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
        yield opened


@pytest.fixture
def ana(store: memkit.MemoryStore) -> memkit.MemoryBank:
    return store.bank("acme", "ana")


class ScriptedModel(Model):
    """A model that gives what it was told to, and notes what it was shown."""

    def __init__(self, *outputs: Any) -> None:
        self.outputs, self.shown = list(outputs), list[str]()

    async def get_response(self, system_instructions: Any, input: Any, *rest: Any, **options: Any) -> ModelResponse:
        self.shown.append(f"{system_instructions or ''}\n{input}")
        output = self.outputs.pop(0)
        if isinstance(output, Exception):
            raise output
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *rest: Any, **options: Any) -> Any:
        raise NotImplementedError


class HangingModel(ScriptedModel):
    """A model that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def get_response(self, system_instructions: Any, input: Any, *rest: Any, **options: Any) -> ModelResponse:
        self.asked.set()
        await asyncio.sleep(60)
        raise AssertionError


def saying(text: str) -> ResponseOutputMessage:
    content = [ResponseOutputText(annotations=[], text=text, type="output_text")]
    return ResponseOutputMessage(id="m1", role="assistant", status="completed", type="message", content=content)


CALL = ResponseFunctionToolCall(arguments='{"city": "Lisbon"}', call_id="c1", name="weather", type="function_call")


@function_tool
def weather(city: str) -> str:
    """The weather."""
    return "sun"


def run(model: ScriptedModel, text: str, session: MemkitSession, **options: Any) -> Any:
    agent = Agent(name="helper", instructions="Help.", model=model, tools=[weather])
    return asyncio.run(Runner.run(agent, text, session=session, **options))


def texts_of(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"], limit=1000)]


class AgentTalk:
    """People who talk with one agent, each in sessions of their own."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        model, own = ScriptedModel(saying(answer)), self.session(user, session)
        result = run(model, text, own, run_config=own.run_config())
        return Shown("\n".join(model.shown), result.final_output)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def begin() -> None:
            own = self.session(user, session)
            agent = Agent(name="helper", model=model)
            running = asyncio.ensure_future(Runner.run(agent, text, session=own, run_config=own.run_config()))
            await model.asked.wait()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

        model = HangingModel()
        asyncio.run(begin())

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        """What the runner does when it retries a conversation: it takes its own items back and saves them again."""

        async def rewind() -> None:
            own = self.session(user, session)
            popped = [await own.pop_item(), await own.pop_item()]
            await own.add_items([item for item in reversed(popped) if item is not None])

        asyncio.run(rewind())

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [str(item) for item in asyncio.run(self.session(user, session).get_items())]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)

    def session(self, user: str, session: str) -> MemkitSession:
        return MemkitSession(self.bank(user), session, speaker=user)


class TestMemkitSession(AdapterContract):
    """The contract of memory adapters, over runs of an agent."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[AgentTalk]:
        with memkit.open(path, **options) as store:
            yield AgentTalk(store)

    def test_what_is_handed_in_again_is_not_remembered_twice(self, path: Path) -> None:
        """By its texts: the runner hands in again what it popped before, which erased the turns with their ids."""
        with self.talking(path) as talk:
            talk.say("ana", "My hamster is called Quillfeather.")
            before = [m.text for m in turns(talk, "ana")]
            talk.repeat("ana", "My hamster is called Quillfeather.")
            assert [m.text for m in turns(talk, "ana")] == before


def test_it_is_a_session_of_the_sdk(ana: memkit.MemoryBank) -> None:
    assert isinstance(MemkitSession(ana, "s"), Session)


async def test_items_come_back_as_they_were_given_in_order_duplicates_too(ana: memkit.MemoryBank) -> None:
    session = MemkitSession(ana, "s")
    await session.add_items(ITEMS[:2])
    await session.add_items(ITEMS[2:])
    given = await MemkitSession(ana, "s").get_items()
    assert [list(item.items()) for item in given] == [list(item.items()) for item in ITEMS]


async def test_the_newest_items_are_given_where_a_limit_says_how_many(ana: memkit.MemoryBank) -> None:
    session = MemkitSession(ana, "s", session_settings=SessionSettings(limit=2))
    await session.add_items(ITEMS)
    assert await session.get_items() == ITEMS[-2:]
    assert await session.get_items(limit=4) == ITEMS[-4:]
    assert await session.get_items(limit=0) == []


async def test_more_items_than_a_page_come_in_order(ana: memkit.MemoryBank) -> None:
    session = MemkitSession(ana, "s")
    items: list[Any] = [{"type": "function_call_output", "call_id": str(n), "output": ""} for n in range(2_500)]
    await session.add_items(items)
    assert await session.get_items() == items
    assert await session.get_items(limit=1_700) == items[-1_700:]


async def test_sessions_of_one_bank_stand_apart(ana: memkit.MemoryBank) -> None:
    first, second = MemkitSession(ana, "one"), MemkitSession(ana, "two")
    await first.add_items(ITEMS[:1])
    assert await second.get_items() == []
    await second.clear_session()
    assert await first.get_items() == ITEMS[:1]


async def test_popping_takes_the_newest_item_and_what_was_observed_for_it(ana: memkit.MemoryBank) -> None:
    session = MemkitSession(ana, "s", speaker="Ana")
    said: list[Any] = [{"role": "user", "content": "No nuts."}, {"role": "user", "content": "I mean no milk."}]
    await session.add_items([*said, ITEMS[4]])
    assert await session.pop_item() == ITEMS[4]
    assert texts_of(ana) == ["No nuts.", "I mean no milk."]
    assert await session.pop_item() == said[1]
    assert texts_of(ana) == ["No nuts."]
    assert await session.get_items() == said[:1]


async def test_an_empty_session_pops_none(ana: memkit.MemoryBank) -> None:
    assert await MemkitSession(ana, "s").pop_item() is None


async def test_clearing_leaves_neither_items_nor_turns_and_no_bytes(store: memkit.MemoryStore, tmp_path: Path) -> None:
    ana = store.bank("acme", "ana")
    session = MemkitSession(ana, "s")
    await session.add_items([{"role": "user", "content": "My hamster is Quillfeather."}, *ITEMS])
    await session.clear_session()
    assert await session.get_items() == []
    assert texts_of(ana) == []
    assert all(b"Quillfeather" not in file.read_bytes() for file in tmp_path.iterdir())


async def test_erasing_a_turn_takes_its_item_out_of_the_session(ana: memkit.MemoryBank) -> None:
    session = MemkitSession(ana, "s")
    await session.add_items([{"role": "user", "content": "My hamster is Quillfeather."}, *ITEMS[3:5]])
    ana.erase(ids=[memory.id for memory in ana.list(kinds=["turn"])])
    assert await session.get_items() == ITEMS[3:5]


async def test_only_what_was_said_is_observed(ana: memkit.MemoryBank) -> None:
    parts: list[Any] = [{"type": "input_text", "text": "Look."}, {"type": "input_text", "text": "A dog."}]
    await MemkitSession(ana, "s", speaker="Ana").add_items(
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": parts}, *ITEMS[3:]]
    )
    assert [(m.speaker, m.text, m.session) for m in ana.list(kinds=["turn"])] == [("Ana", "Look.\nA dog.", "s")]


async def test_items_that_are_no_json_are_refused_without_their_text(ana: memkit.MemoryBank) -> None:
    with pytest.raises(InputError) as refused:
        await MemkitSession(ana, "s").add_items([{"role": "user", "content": {"Quillfeather"}}])  # type: ignore[list-item]
    assert "Quillfeather" not in str(refused.value)


async def test_what_cannot_be_stored_is_kept_and_stored_with_the_next_items_once(
    ana: memkit.MemoryBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = MemkitSession(ana, "s")
    with monkeypatch.context() as broken:
        broken.setattr(memkit.MemoryBank, "put_many", _failing)
        await session.add_items([{"role": "user", "content": "No nuts."}])
        assert await session.get_items() == [{"role": "user", "content": "No nuts."}]
    await session.add_items([{"role": "user", "content": "No milk."}])
    assert [item.get("content") for item in await MemkitSession(ana, "s").get_items()] == ["No nuts.", "No milk."]
    assert texts_of(ana) == ["No nuts.", "No milk."]


def _failing(*arguments: Any, **options: Any) -> Any:
    raise StorageError("put: no room left.")


async def test_a_session_that_cannot_be_cleared_says_so(store: memkit.MemoryStore, tmp_path: Path) -> None:
    session = MemkitSession(store.bank("acme", "ana"), "s")
    await session.add_items(ITEMS)
    damage(tmp_path / "memory.db")
    with pytest.raises(StorageError):
        await session.clear_session()


async def test_a_cancelled_write_is_whole(ana: memkit.MemoryBank) -> None:
    session = MemkitSession(ana, "s")
    writing = asyncio.ensure_future(session.add_items([{"role": "user", "content": "No nuts."}]))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    items = await session.get_items()
    assert [item.get("content") for item in items] == texts_of(ana)


def test_a_tool_loop_is_shown_the_same_memories_and_leaves_none_in_the_session(ana: memkit.MemoryBank) -> None:
    ana.observe([("Ana", "I moved to Lisbon in May.")])
    session, model = MemkitSession(ana, "s"), ScriptedModel(CALL, saying("It is sunny."))
    run(model, "How is the weather in Lisbon?", session, run_config=session.run_config())
    assert ["moved to Lisbon" in shown for shown in model.shown] == [True, True]
    assert all(shown.startswith("Help.") for shown in model.shown)
    assert "moved" not in str(asyncio.run(session.get_items()))


class StreamingModel(ScriptedModel):
    """A scripted model whose answers come as a stream of one event."""

    async def stream_response(self, *rest: Any, **options: Any) -> Any:  # type: ignore[override]
        answer = await self.get_response(*rest, **options)
        usage = ResponseUsage.model_construct(input_tokens=1, output_tokens=1, total_tokens=2)
        response = Response.model_construct(id="r", output=answer.output, usage=usage)
        yield ResponseCompletedEvent.model_construct(type="response.completed", sequence_number=0, response=response)


async def test_a_streamed_run_is_shown_memories_and_is_stored_as_any_other(ana: memkit.MemoryBank) -> None:
    ana.observe([("Ana", "I moved to Lisbon in May.")])
    session, model = MemkitSession(ana, "s"), StreamingModel(saying("It is sunny."))
    agent = Agent(name="helper", model=model)
    asked = "How is the weather in Lisbon?"
    result = Runner.run_streamed(agent, asked, session=session, run_config=session.run_config())
    async for _ in result.stream_events():
        pass
    assert "moved to Lisbon" in model.shown[0]
    assert texts_of(ana)[1:] == [asked, "It is sunny."]


def test_a_run_that_fails_leaves_what_was_said(ana: memkit.MemoryBank) -> None:
    session = MemkitSession(ana, "s")
    with pytest.raises(ConnectionError):
        run(ScriptedModel(CALL, ConnectionError("down")), "Weather?", session)
    assert texts_of(ana) == ["Weather?"]
    assert len(asyncio.run(session.get_items())) == 3


def test_the_runs_context_says_whose_bank_it_is(store: memkit.MemoryStore) -> None:
    session = MemkitSession(lambda context: store.bank("acme", context["user"] if context else "nobody"), "s")
    config = session.run_config()
    run(ScriptedModel(saying("Noted.")), "I like tea.", session, run_config=config, context={"user": "ana"})
    run(ScriptedModel(saying("Noted.")), "I like milk.", session, run_config=config, context={"user": "bo"})
    assert texts_of(store.bank("acme", "ana")) == ["I like tea.", "Noted."]
    assert texts_of(store.bank("acme", "bo")) == ["I like milk.", "Noted."]


def test_a_runs_own_limit_is_kept(ana: memkit.MemoryBank) -> None:
    session, model = MemkitSession(ana, "s"), ScriptedModel(saying("a"), saying("b"))
    run(model, "I like tea.", session)
    run(model, "And you?", session, run_config=RunConfig(session_settings=SessionSettings(limit=1)))
    assert "I like tea." not in model.shown[1]


def test_an_agent_knows_in_the_next_process_what_it_was_told(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import with_openai_agents as demo\n"
        "print(demo.answer_of(sys.argv[2], sys.argv[3], sys.argv[4]))\n"
    )
    shown = ""
    for session, text in (("monday", "My hamster is called Quillfeather."), ("friday", "What is my hamster called?")):
        command = [sys.executable, "-c", script, str(ROOT / "demos"), str(tmp_path / "ana.db"), session, text]
        shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "Quillfeather" in shown


class TraceRecorder(TracingProcessor):
    """A processor of traces that counts what it is given."""

    def __init__(self) -> None:
        self.count = 0

    def _note(self, given: Any) -> None:
        self.count += 1

    on_trace_start = on_trace_end = on_span_start = on_span_end = _note

    def shutdown(self) -> None:
        pass

    def force_flush(self) -> None:
        pass


def test_the_demo_remembers_from_one_session_to_the_next_and_traces_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = TraceRecorder()
    set_trace_processors([recorder])
    set_tracing_disabled(False)  # the SDK's default; the demo turns it off
    monkeypatch.setattr(sys, "argv", ["with_openai_agents.py"])
    runpy.run_path(str(ROOT / "demos" / "with_openai_agents.py"), run_name="__main__")
    assert 'Ana: "I can\'t eat nuts."' in capsys.readouterr().out.split("friday")[1]
    assert recorder.count == 0
