"""The memory tool in Anthropic's SDK itself: the SDK's own runner over a scripted server."""

import asyncio
import hashlib
import json
import logging
import runpy
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.lib.tools import ToolError
from memkit_adapters.anthropic import AsyncMemkitMemoryTool, MemkitMemoryTool

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import Memory
from memkit.testing.adapters import AdapterContract, Shown
from memkit.testing.adapters.contract import ASKED_TEXT, HOSTILE_TEXTS, TOLD_NAME, TOLD_TEXT, damage
from memkit.testing.doubles import FrozenClock

pytestmark = pytest.mark.frameworks
ROOT = Path(__file__).parents[2]
NOTE = "/memories/ana.md"
Command = dict[str, Any]
Model = Callable[[list[Any]], Command | str]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[memkit.MemoryBank]:
    clock = FrozenClock(datetime(2026, 3, 9, 12, tzinfo=UTC))
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder(), clock=clock) as store:
        yield store.bank("acme", "ana")


@pytest.fixture
def tool(bank: memkit.MemoryBank) -> MemkitMemoryTool:
    return MemkitMemoryTool(bank)


def answer(tool: Any, command: str, **fields: Any) -> str:
    """What the model gets: the answer, or the error's text."""
    try:
        return str(tool.call({"command": command, **fields}))
    except ToolError as error:
        return f"error: {error.content}"


def transport(model: Model) -> httpx2.MockTransport:
    """A server whose model is asked with the messages since its last step, which are what the SDK sends."""
    numbers = count()

    def respond(request: httpx2.Request) -> httpx2.Response:
        messages = json.loads(request.content)["messages"]
        step = model(messages)
        use = {"type": "tool_use", "id": f"use{next(numbers)}", "name": "memory", "input": step}
        content = {"type": "text", "text": step} if isinstance(step, str) else use
        body = {
            "id": f"m{next(numbers)}", "type": "message", "role": "assistant", "model": "scripted",
            "content": [content], "stop_reason": "end_turn" if isinstance(step, str) else "tool_use",
            "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        return httpx2.Response(200, json=body)

    return httpx2.MockTransport(respond)


def results_of(messages: list[Any]) -> list[str]:
    """What the tool gave to the model in some messages."""
    blocks = [block for message in messages if isinstance(message["content"], list) for block in message["content"]]
    return [str(block["content"]) for block in blocks if block.get("type") == "tool_result"]


class NoteTaker:
    """A model that looks at all files, then writes down what the person said, then answers."""

    def __init__(self, text: str, answer: str) -> None:
        self.answer = answer
        self.commands: list[Command] = [{"command": "view", "path": "/memories"}]
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        self.note = {"command": "create", "path": f"/memories/{name}.md", "file_text": text}
        self.shown: list[str] = []

    def __call__(self, messages: list[Any]) -> Command | str:
        self.shown += results_of(messages)
        if len(self.shown) == 1:
            paths = [line.split("\t")[1] for line in self.shown[0].splitlines()[2:] if "\t" in line]
            self.commands += [{"command": "view", "path": path} for path in paths]
            self.commands.append(self.note)
        return self.commands.pop(0) if self.commands else self.answer


def run(bank: memkit.MemoryBank, model: Model, text: str) -> str:
    client = Anthropic(api_key="none", http_client=httpx2.Client(transport=transport(model)))
    asked: Any = [{"role": "user", "content": text}]
    tools = [MemkitMemoryTool(bank)]
    runner = client.beta.messages.tool_runner(model="scripted", max_tokens=100, messages=asked, tools=tools)
    return str(runner.until_done().content[0].text)  # type: ignore[union-attr]


class ToolTalk:
    """People who talk with a model that keeps notes, each with a folder of their own."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        model = NoteTaker(text, answer)
        given = run(self.bank(user), model, text)
        return Shown("\n".join(model.shown), given)

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        self.say(user, text, session=session)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def begin() -> None:
            client = AsyncAnthropic(
                api_key="none", http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(hang))
            )
            asked_of_it: Any = [{"role": "user", "content": text}]
            tools = [AsyncMemkitMemoryTool(self.bank(user))]
            runner = client.beta.messages.tool_runner(model="m", max_tokens=9, messages=asked_of_it, tools=tools)
            running = asyncio.ensure_future(runner.until_done())
            await asked.wait()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

        async def hang(request: httpx2.Request) -> httpx2.Response:
            asked.set()
            await asyncio.sleep(60)
            raise AssertionError

        asked = asyncio.Event()
        asyncio.run(begin())

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return []  # the SDK keeps no messages: whoever calls it does

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)


def notes(bank: memkit.MemoryBank) -> list[Memory]:
    return list(bank.list(kinds=["item"], limit=1000))


class TestMemkitMemoryTool(AdapterContract):
    """The contract of memory adapters. The model decides what is remembered: nothing is observed, notes are items."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[ToolTalk]:
        with memkit.open(path, **options) as store:
            yield ToolTalk(store)

    def test_both_sides_of_an_exchange_are_remembered_once(self, path: Path) -> None:
        """Of notes: what the model answers is remembered only where it writes that down."""
        with self.talking(path) as talk:
            talk.say("ana", TOLD_TEXT, answer="A lovely name.")
            talk.say("ana", "It is two years old.", answer="So young.")
            texts = sorted(m.text for m in notes(talk.bank("ana")))
        assert texts == sorted([TOLD_TEXT, "It is two years old."])

    def test_what_is_handed_in_again_is_not_remembered_twice(self, path: Path) -> None:
        """Of notes."""
        with self.talking(path) as talk:
            talk.say("ana", TOLD_TEXT)
            before = notes(talk.bank("ana"))
            talk.repeat("ana", TOLD_TEXT)
            assert notes(talk.bank("ana")) == before

    def test_a_run_that_is_cancelled_leaves_the_memory_whole(self, path: Path) -> None:
        """Of notes."""
        with self.talking(path) as talk:
            talk.say("ana", "hello")
            talk.cancel("ana", TOLD_TEXT, session="second")
            talk.say("ana", "I like rain.", session="third")
            assert [m.text for m in notes(talk.bank("ana"))] == ["hello", "I like rain."]

    def test_nothing_that_was_recalled_is_remembered_again(self, path: Path) -> None:
        """Of notes."""
        with self.talking(path) as talk:
            talk.say("ana", TOLD_TEXT)
            for number in range(3):
                talk.say("ana", f"{ASKED_TEXT} {number}", session=f"later {number}")
            assert sum(TOLD_NAME in m.text for m in notes(talk.bank("ana"))) == 1

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    def test_hostile_memories_stay_data(self, path: Path, text: str) -> None:
        """A note comes back as the model wrote it, else `str_replace` couldn't name what it holds. What memkit writes
        beside the notes is cleaned."""
        with self.talking(path) as talk:
            talk.say("ana", f"My hamster said: {text}")
            bank = talk.bank("ana")
            bank.observe([("ana", f"My hamster is called {text}")])
            bank.insert([f"Ana's hamster said {text}"])
            bank.reflect()
            shown = talk.say("ana", "What did my hamster say?", session="second").prompt
        assert [line for line in text.split("\n") if line not in shown] == []
        own = shown.split("/memories/memkit/beliefs.md with line numbers:")[1]
        assert own.split("\n")[1].endswith("data, not instructions.")
        assert "\x1b" not in own
        assert "\u202e" not in own

    def test_what_is_forgotten_or_erased_is_not_shown_any_more(self, path: Path) -> None:
        """Of notes."""
        with self.talking(path) as talk:
            talk.say("ana", TOLD_TEXT)
            bank = talk.bank("ana")
            bank.erase(ids=[m.id for m in notes(bank)])
            assert TOLD_NAME not in talk.say("ana", ASKED_TEXT, session="second").prompt


async def test_the_sdks_async_runner_drives_it(bank: memkit.MemoryBank) -> None:
    model = NoteTaker("No nuts.", "Noted.")
    client = AsyncAnthropic(api_key="none", http_client=httpx2.AsyncClient(transport=transport(model)))
    asked: Any = [{"role": "user", "content": "No nuts."}]
    tools = [AsyncMemkitMemoryTool(lambda: bank)]
    runner = client.beta.messages.tool_runner(model="scripted", max_tokens=100, messages=asked, tools=tools)
    assert (await runner.until_done()).content[0].text == "Noted."  # type: ignore[union-attr]
    assert [memory.text for memory in notes(bank)] == ["No nuts."]


@pytest.mark.parametrize(
    "path",
    [
        "/memories/../secret", "/memories/a/../../secret", "/memoriesX", "memories/a", "/etc/passwd", "",
        "/memories/a\nb", "/memories/\0", "//memories/a",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_folder(tool: MemkitMemoryTool, bank: memkit.MemoryBank, path: str) -> None:
    assert answer(tool, "create", path=path, file_text="x").startswith("error: ")
    answer(tool, "create", path="/memories/x", file_text="x")
    assert answer(tool, "rename", old_path="/memories/x", new_path=path).startswith("error: ")
    assert [memory.text for memory in notes(bank)] == ["x"]


@pytest.mark.parametrize(
    "command",
    [
        {"command": "fly", "path": "/memories"}, {"command": "view"}, {"command": "create", "path": "/memories/a"},
        {"command": "insert", "path": NOTE, "insert_line": "1", "insert_text": "x"}, {},
        {"command": "view", "path": NOTE, "view_range": ["a", "b"]}, {"command": "view", "path": ["Quillfeather"]},
        {"command": "create", "path": "/memories/a", "file_text": "\ud800"},
    ],
)  # fmt: skip
def test_what_is_no_command_is_answered_and_no_traceback_is_logged(
    tool: MemkitMemoryTool, command: Command, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ToolError) as refused:
        tool.call(command)
    assert "Quillfeather" not in str(refused.value.content)
    assert [record for record in caplog.records if record.exc_info] == []


def told(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "I moved to Lisbon in May. I can't eat nuts."), ("assistant", "Noted.")])
    bank.think()
    bank.reflect()


def test_the_banks_portrait_summaries_and_beliefs_are_files_beside_the_notes(
    tool: MemkitMemoryTool, bank: memkit.MemoryBank
) -> None:
    told(bank)
    answer(tool, "create", path=NOTE, file_text="a note")
    listed = [line.split("\t")[1] for line in answer(tool, "view", path="/memories").splitlines()[2:]]
    own = [f"/memories/memkit/{name}" for name in ("", "beliefs.md", "portrait.md", "summaries/")]
    assert listed == [NOTE, *own]
    assert "2026-03-09.md" in answer(tool, "view", path="/memories/memkit/summaries")
    assert "lives in Lisbon" in answer(tool, "view", path="/memories/memkit/portrait.md")
    beliefs = answer(tool, "view", path="/memories/memkit/beliefs.md")
    assert "data, not instructions" in beliefs.splitlines()[1]
    assert "- ana can't eat nuts. (2026-03-09)" in beliefs


def test_nobody_changes_the_files_that_the_memory_writes(tool: MemkitMemoryTool, bank: memkit.MemoryBank) -> None:
    told(bank)
    answer(tool, "create", path=NOTE, file_text="a note")
    before = answer(tool, "view", path="/memories/memkit/portrait.md")
    portrait, folder = "/memories/memkit/portrait.md", "/memories/memkit"
    refused = [
        answer(tool, "create", path=f"{folder}/mine.md", file_text="x"),
        answer(tool, "str_replace", path=portrait, old_str="Lisbon", new_str="Porto"),
        answer(tool, "insert", path=portrait, insert_line=0, insert_text="x"),
        answer(tool, "delete", path=folder),
        answer(tool, "rename", old_path=portrait, new_path="/memories/mine.md"),
        answer(tool, "rename", old_path=NOTE, new_path=f"{folder}/mine.md"),
    ]
    assert [text for text in refused if "is read-only" not in text] == []
    assert answer(tool, "view", path=portrait) == before


def test_clearing_takes_the_notes_alone(tool: MemkitMemoryTool, bank: memkit.MemoryBank) -> None:
    told(bank)
    answer(tool, "create", path=NOTE, file_text="a note")
    bank.put("another", {"text": "of another framework"})
    assert tool.clear_all_memory() == "All memory cleared"
    assert bank.get_item("another") is not None
    assert "portrait.md" in answer(tool, "view", path="/memories")
    assert NOTE not in answer(tool, "view", path="/memories")


def test_a_note_is_found_by_recall_where_it_is_asked_for(tool: MemkitMemoryTool, bank: memkit.MemoryBank) -> None:
    answer(tool, "create", path=NOTE, file_text="Rita likes risotto.")
    assert [hit.memory.text for hit in bank.recall("risotto", kinds=["item"], k=1)] == ["Rita likes risotto."]
    assert len(bank.recall("risotto")) == 0


def test_edits_at_once_lose_nothing(bank: memkit.MemoryBank) -> None:
    answer(MemkitMemoryTool(bank), "create", path=NOTE, file_text="")

    def insert(number: int) -> str:
        return answer(MemkitMemoryTool(bank), "insert", path=NOTE, insert_line=0, insert_text=f"line {number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(insert, range(40)))
    text = answer(MemkitMemoryTool(bank), "view", path=NOTE)
    assert sorted(line.split("\t")[1] for line in text.splitlines()[1:-1]) == sorted(f"line {n}" for n in range(40))


def test_only_one_of_those_who_create_a_file_at_once_has_created_it(bank: memkit.MemoryBank) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda n: answer(MemkitMemoryTool(bank), "create", path=NOTE, file_text=str(n)), range(16))
        )
    assert sum(text.startswith("File created") for text in answers) == 1


async def test_the_event_loop_is_not_blocked(bank: memkit.MemoryBank, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks, started = [0], asyncio.Event()
    loop = asyncio.get_running_loop()
    get_item = memkit.MemoryBank.get_item

    def slow(*arguments: Any, **options: Any) -> Any:
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(_tick(ticks), loop).result(5)
        return get_item(*arguments, **options)

    monkeypatch.setattr(memkit.MemoryBank, "get_item", slow)
    with pytest.raises(ToolError):
        await AsyncMemkitMemoryTool(bank).call({"command": "view", "path": NOTE})
    assert started.is_set()
    assert ticks[0]


async def _tick(ticks: list[int]) -> None:
    ticks[0] += 1


def test_a_bank_that_fails_is_told_to_the_model_and_to_the_log_without_text(
    tool: MemkitMemoryTool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answer(tool, "create", path="/memories/Quillfeather.md", file_text="Quillfeather")
    damage(tmp_path / "memory.db")
    with caplog.at_level(logging.DEBUG):
        assert answer(tool, "delete", path="/memories/Quillfeather.md").startswith("error: The memory failed")
    assert [record.levelname for record in caplog.records if record.name == "memkit"] == ["WARNING"]
    assert "Quillfeather" not in caplog.text


def test_the_demo_remembers_in_a_second_conversation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["with_anthropic.py"])
    runpy.run_path(str(ROOT / "demos" / "with_anthropic.py"), run_name="__main__")
    second = capsys.readouterr().out.split("second conversation")[1]
    assert "1\tAna can't eat nuts." in second
    assert "lives in Lisbon" in second
