"""Pipecat's pipelines with a memory: aggregators around a scripted model, interruptions, a recall that is late."""

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from adapter_pages import shown_and_printed
from loguru import logger
from memkit_adapters.pipecat import MemkitProcessor
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext, standard_message_text
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import run_test
from pipecat.workers.runner import WorkerRunner

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings
from memkit.testing.adapters import AdapterContract, Shown

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).parents[2]
PET_TEXT = "My hamster is called Quillfeather."
QUESTION_TEXT = "What is my hamster called?"
T = TypeVar("T")
AMPLE_MS = 10_000  # where a test is not about the budget


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> None:
    """Pipecat's log tells each message."""
    logger.remove()


class ScriptedModel(FrameProcessor):
    """A model that gives the answers that it was given, line by line, and keeps what it was shown.

    pauses: whether it speaks no further after its first line; spoken, answered: set once that, or all, is spoken
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers, self.shown = list[str](), list[list[str]]()
        self.pauses, self.spoken, self.answered = False, asyncio.Event(), asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            self.shown.append(list(map(standard_message_text, frame.context.messages)))
            await self._answer(self.answers.pop(0))
        else:
            await self.push_frame(frame, direction)

    async def _answer(self, answer: str) -> None:
        await self.push_frame(LLMFullResponseStartFrame())
        for line in answer.splitlines(keepends=True):
            await self.push_frame(LLMTextFrame(line))
            self.spoken.set()
            if self.pauses:
                await asyncio.Event().wait()
        await self.push_frame(LLMFullResponseEndFrame())
        self.answered.set()


class Call:
    """One conversation: a pipeline that runs. messages: those of its context.

    tells: whether the memory is given the context, before a turn brings it
    """

    def __init__(self, bank: Any, messages: list[Any] | None = None, *, tells: bool = False, **options: Any) -> None:
        self.context = LLMContext(messages or [])
        given = {"context": self.context} if tells else {}
        self.model, self.memory = ScriptedModel(), MemkitProcessor(bank, speaker="ana", **given, **options)
        aggregators = LLMContextAggregatorPair(self.context)
        pipeline = Pipeline([aggregators.user(), self.memory, self.model, aggregators.assistant()])
        self.worker, self.runner = PipelineWorker(pipeline, enable_rtvi=False), WorkerRunner(handle_sigint=False)

    async def begin(self) -> None:
        started = asyncio.Event()
        self.worker.add_event_handler("on_pipeline_started", lambda worker, frame: started.set())
        await self.runner.add_workers(self.worker)
        self.running = asyncio.create_task(self.runner.run())
        await started.wait()

    async def say(self, text: str, answer: str = "Noted.") -> Shown:
        self.model.answers.append(answer)
        self.model.answered.clear()
        count = len(self.context.messages)
        await self.hand_in(text)
        await self.model.answered.wait()
        await self.settled(count + 2)
        return Shown("\n".join(self.model.shown[-1]), self.messages[-1])

    async def hand_in(self, text: str) -> None:
        said: list[Any] = [{"role": "user", "content": text}]
        await self.worker.queue_frame(LLMMessagesAppendFrame(messages=said, run_llm=True))

    async def settled(self, count: int) -> None:
        """Wait until the context holds so many messages, and they are stored."""
        while len(self.context.messages) < count:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        await self.memory.written()

    async def break_into(self, text: str, answer: str) -> None:
        """Say something, and break into the answer after its first line."""
        self.model.answers.append(answer)
        self.model.pauses = True
        await self.hand_in(text)
        await self.model.spoken.wait()
        await asyncio.sleep(0.1)
        await self.worker.queue_frame(InterruptionFrame())
        await asyncio.sleep(0.1)
        self.model.pauses, self.model.spoken = False, asyncio.Event()
        await self.memory.written()

    async def end(self) -> None:
        await self.worker.queue_frame(EndFrame())
        await self.running
        await self.memory.written()

    @property
    def messages(self) -> list[str]:
        return list(map(standard_message_text, self.context.messages))


class PipelineTalk:
    """People who talk with pipelines, one for each conversation; their event loop runs in a thread."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.calls: dict[tuple[str, str], Call] = {}

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def close(self) -> None:
        for call in self.calls.values():
            self.run(call.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def call(self, user: str, name: str) -> Call:
        if (user, name) not in self.calls:
            self.calls[user, name] = Call(lambda: self.bank(user), conversation=name, budget_ms=AMPLE_MS)
            await self.calls[user, name].begin()
        return self.calls[user, name]

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        return self.run(self._say(user, text, session, answer))

    async def _say(self, user: str, text: str, name: str, answer: str) -> Shown:
        return await (await self.call(user, name)).say(text, answer)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        self.run(self._cancel(user, text, session))

    async def _cancel(self, user: str, text: str, name: str) -> None:
        await (await self.call(user, name)).break_into(text, " ")

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        self.run(self._repeat(user, session))

    async def _repeat(self, user: str, name: str) -> None:
        """The same context in the pipeline of the next process."""
        messages = [{**message} for message in self.calls[user, name].context.messages]
        call = Call(lambda: self.bank(user), messages, tells=True, conversation=name)
        await call.begin()
        await call.end()

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return self.calls[user, session].messages

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("app", user)


class TestProcessor(AdapterContract):
    """`MemkitProcessor` in pipelines, with a function to a bank."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[PipelineTalk]:
        with memkit.open(path, **options) as store:
            talk = PipelineTalk(store)
            try:
                yield talk
            finally:
                talk.close()


class SlowBank:
    """A bank whose recall takes a while; all else is a bank's."""

    def __init__(self, bank: memkit.MemoryBank, seconds: float) -> None:
        self._bank, self._seconds = bank, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bank, name)

    def recall(self, *arguments: Any, **options: Any) -> memkit.Recollection:
        time.sleep(self._seconds)
        return self._bank.recall(*arguments, **options)


@pytest.fixture
def bank() -> Iterator[memkit.MemoryBank]:
    settings = memkit.Settings(runtime=RuntimeSettings(encode_late=True))
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=settings) as store:
        yield store.bank("app", "ana")


def texts(bank: memkit.MemoryBank) -> list[str]:
    return [turn.text for turn in bank.list(kinds=["turn"])]


async def test_of_an_answer_that_is_broken_into_what_was_spoken_is_remembered(bank: memkit.MemoryBank) -> None:
    call = Call(bank)
    await call.begin()
    await call.break_into("When does it come?", "The tram is late.\nThe bus is not.")
    await call.end()
    assert texts(bank) == ["When does it come?", "The tram is late."]


async def test_a_turn_does_not_wait_for_memories_that_are_late(
    bank: memkit.MemoryBank, caplog: pytest.LogCaptureFixture
) -> None:
    bank.observe([("ana", PET_TEXT)])
    call = Call(SlowBank(bank, 0.5))
    await call.begin()
    with caplog.at_level(logging.WARNING, "memkit"):
        shown = await call.say(QUESTION_TEXT)
    assert "Quillfeather" not in shown.prompt
    lines = [record.getMessage() for record in caplog.records if record.name == "memkit"]
    assert lines == ["memkit: recall took more than 50 ms, the turn goes on without it (message 0 of the context)"]
    await call.end()


async def test_a_budget_that_is_enough_shows_them(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", PET_TEXT)])
    call = Call(SlowBank(bank, 0.1), budget_ms=AMPLE_MS)
    await call.begin()
    assert "Quillfeather" in (await call.say(QUESTION_TEXT)).prompt
    await call.end()


async def test_words_that_are_only_guessed_are_answered_and_not_remembered(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", PET_TEXT)])
    memory = MemkitProcessor(bank, budget_ms=AMPLE_MS)
    guessed = LLMContextFrame(LLMContext([{"role": "user", "content": QUESTION_TEXT}]), speculation=True)
    [frame], _ = await run_test(memory, frames_to_send=[guessed])
    assert isinstance(frame, LLMContextFrame)
    assert frame.speculation
    assert "Quillfeather" in standard_message_text(frame.context.messages[0])
    await memory.written()
    assert texts(bank) == [PET_TEXT]


async def test_a_summary_of_a_long_context_is_nobodys_words(bank: memkit.MemoryBank) -> None:
    call = Call(bank, conversation="first")
    await call.begin()
    for number in range(3):
        await call.say(f"Number {number}.")
    summary: list[Any] = [{"role": "user", "content": "Conversation summary: numbers."}]
    call.context.set_messages([*summary, *call.context.messages[-2:]])
    await call.say("Number 3.")
    await call.end()
    assert texts(bank) == [text for number in range(4) for text in (f"Number {number}.", "Noted.")]


async def test_a_context_of_an_earlier_process_is_known_and_what_was_erased_stays_away(bank: memkit.MemoryBank) -> None:
    call = Call(bank, conversation="first")
    await call.begin()
    await call.say(PET_TEXT)
    await call.end()
    bank.erase(ids=[bank.session("first")[0].id])
    later = Call(bank, list(call.context.messages), conversation="first")
    await later.begin()
    await later.say("It is two years old.")
    await later.end()
    assert texts(bank) == ["Noted.", "It is two years old.", "Noted."]


def test_the_page_shows_what_its_code_prints() -> None:
    shown, printed = shown_and_printed("pipecat")
    assert printed == shown


def test_the_demo_remembers_in_another_call() -> None:
    command = [sys.executable, str(ROOT / "demos/with_pipecat.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "I can't eat nuts" in done.stdout.partition("second call")[2]
