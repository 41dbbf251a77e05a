"""LiveKit's agents with a memory: sessions in text over a scripted model, interruptions and a recall that is late."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "false"  # read at the import

from adapter_pages import shown_and_printed
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, AgentSession, ConversationItemAddedEvent, llm, stt
from livekit.agents.telemetry import gen_ai
from livekit.agents.voice import io
from memkit_adapters.livekit import MemkitAgent

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


class ScriptedModel(llm.LLM):
    """A model that gives the answers that it was given, line by line, and keeps what it was shown.

    pauses: whether it speaks no further after its first line; asked: set once that is spoken
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers, self.shown = list[str](), list[list[str]]()
        self.pauses, self.asked = False, asyncio.Event()

    def chat(self, *, chat_ctx: llm.ChatContext, tools: Any = None, **options: Any) -> llm.LLMStream:
        self.shown.append([item.text_content or "" for item in chat_ctx.items if item.type == "message"])
        return ScriptedStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=DEFAULT_API_CONNECT_OPTIONS)


class ScriptedStream(llm.LLMStream):
    """The next answer of a scripted model."""

    async def _run(self) -> None:
        model = self._llm
        assert isinstance(model, ScriptedModel)
        for piece in model.answers.pop(0).splitlines(keepends=True):
            delta = llm.ChoiceDelta(role="assistant", content=piece)
            self._event_ch.send_nowait(llm.ChatChunk(id="answer", delta=delta))
            await asyncio.sleep(0.05)
            model.asked.set()
            if model.pauses:
                await asyncio.Event().wait()


class LiveTalk:
    """People who talk with agents, each conversation an AgentSession; their event loop runs in a thread."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.sessions: dict[tuple[str, str], AgentSession[Any]] = {}

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def close(self) -> None:
        for session in self.sessions.values():
            self.run(session.aclose())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def session(self, user: str, name: str) -> AgentSession[Any]:
        if (user, name) not in self.sessions:
            bank_of = lambda session: self.store.bank("app", session.userdata)  # noqa: E731
            self.sessions[user, name] = await started(bank_of, user=user, conversation=name, budget_ms=AMPLE_MS)
        return self.sessions[user, name]

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        return self.run(self._say(user, text, session, answer))

    async def _say(self, user: str, text: str, name: str, answer: str) -> Shown:
        return await said(await self.session(user, name), text, answer)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        self.run(self._cancel(user, text, session))

    async def _cancel(self, user: str, text: str, name: str) -> None:
        session = await self.session(user, name)
        model_of(session).answers.append("\nNever said.")
        await broken_into(session, text)

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        self.run(self._repeat(self.sessions[user, session]))

    async def _repeat(self, session: AgentSession[Any]) -> None:
        for item in session.current_agent.chat_ctx.items[-2:]:
            session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))
        await agent_of(session).written()

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return texts_in(self.sessions[user, session].current_agent.chat_ctx)

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("app", user)


async def started(bank: Any, *, user: str = "ana", **options: Any) -> AgentSession[Any]:
    """A session of an agent that remembers."""
    session: AgentSession[Any] = AgentSession(userdata=user, llm=ScriptedModel())
    await session.start(MemkitAgent(bank, instructions="Be kind.", speaker=user, **options))
    return session


def agent_of(session: AgentSession[Any]) -> MemkitAgent:
    agent = session.current_agent
    assert isinstance(agent, MemkitAgent)
    return agent


def model_of(session: AgentSession[Any]) -> ScriptedModel:
    assert isinstance(session.llm, ScriptedModel)
    return session.llm


def texts_in(chat_ctx: llm.ChatContext) -> list[str]:
    return [item.text_content or "" for item in chat_ctx.items if item.type == "message"]


async def said(session: AgentSession[Any], text: str, answer: str = "Noted.") -> Shown:
    """What a person says to the session's agent, and what it answers; returns when it is written."""
    model = model_of(session)
    model.answers.append(answer)
    result = await session.run(user_input=text)
    await agent_of(session).written()
    answers = [event.item.text_content for event in result.events if event.type == "message"]
    return Shown("\n".join(model.shown[-1]), answers[-1] or "")


async def broken_into(session: AgentSession[Any], text: str) -> None:
    """What a person says, who breaks into the answer after its first line."""
    model = model_of(session)
    model.pauses = True
    handle = session.generate_reply(user_input=text)
    await model.asked.wait()
    await session.interrupt()
    await handle
    model.pauses, model.asked = False, asyncio.Event()
    await agent_of(session).written()


class TestAgent(AdapterContract):
    """`MemkitAgent` in an AgentSession, with a function from the session to a bank."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[LiveTalk]:
        with memkit.open(path, **options) as store:
            talk = LiveTalk(store)
            try:
                yield talk
            finally:
                talk.close()


class Ear(io.AudioInput):
    """A microphone in a quiet room."""

    def __init__(self) -> None:
        super().__init__(label="ear")

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(0.02)
        return rtc.AudioFrame(bytes(960), sample_rate=24_000, num_channels=1, samples_per_channel=480)


class ScriptedHearing(stt.STT):
    """Speech recognition that hears what it is told; it is sure of the words a while before it is sure of the end."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.spoken: asyncio.Queue[str] = asyncio.Queue()

    async def _recognize_impl(self, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError

    def stream(self, **options: Any) -> stt.RecognizeStream:
        return ScriptedHearingStream(stt=self, conn_options=DEFAULT_API_CONNECT_OPTIONS)


class ScriptedHearingStream(stt.RecognizeStream):
    """What a scripted hearing hears."""

    async def _run(self) -> None:
        hearing = self._stt
        assert isinstance(hearing, ScriptedHearing)
        while True:
            words = stt.SpeechData(language="en", text=await hearing.spoken.get())
            self._tell(stt.SpeechEventType.START_OF_SPEECH)
            self._tell(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, words)
            await asyncio.sleep(0.3)
            self._tell(stt.SpeechEventType.FINAL_TRANSCRIPT, words)
            self._tell(stt.SpeechEventType.END_OF_SPEECH)

    def _tell(self, kind: stt.SpeechEventType, *words: stt.SpeechData) -> None:
        self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=list(words)))


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


def turns(bank: memkit.MemoryBank) -> list[tuple[str | None, str]]:
    return [(turn.speaker, turn.text) for turn in bank.list(kinds=["turn"])]


async def test_of_an_answer_that_is_broken_into_what_was_spoken_is_remembered(bank: memkit.MemoryBank) -> None:
    session = await started(bank)
    model_of(session).answers.append("The tram is late. \nThe bus is not.")
    await broken_into(session, "When does it come?")
    await session.aclose()
    assert turns(bank) == [("ana", "When does it come?"), ("assistant", "The tram is late.")]
    assert [turn.metadata.get("interrupted") for turn in bank.list(kinds=["turn"])] == [None, True]


async def test_a_turn_does_not_wait_for_memories_that_are_late(
    bank: memkit.MemoryBank, caplog: pytest.LogCaptureFixture
) -> None:
    bank.observe([("ana", PET_TEXT)])
    session = await started(SlowBank(bank, 0.5))
    with caplog.at_level(logging.WARNING, "memkit"):
        shown = await said(session, QUESTION_TEXT)
    assert "Quillfeather" not in shown.prompt
    [line] = [record.getMessage() for record in caplog.records if record.name == "memkit"]
    assert line.startswith("memkit: recall took more than 50 ms, the turn goes on without it (message item_")
    assert "hamster" not in line
    await session.aclose()


async def test_a_budget_that_is_enough_shows_them(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", PET_TEXT)])
    session = await started(SlowBank(bank, 0.1), budget_ms=AMPLE_MS)
    assert "Quillfeather" in (await said(session, QUESTION_TEXT)).prompt
    await session.aclose()


async def test_a_spoken_turn_is_answered_with_what_was_generated_ahead_and_remembered(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", PET_TEXT)])
    hearing, model = ScriptedHearing(), ScriptedModel()
    model.answers.append("Quillfeather.")
    turns_are_told_by: Any = {"turn_detection": "stt", "preemptive_generation": {"enabled": True}}
    session: AgentSession[Any] = AgentSession(stt=hearing, llm=model, turn_handling=turns_are_told_by)
    session.input.audio = Ear()
    agent = MemkitAgent(bank, instructions="Be kind.", speaker="ana", budget_ms=AMPLE_MS)
    await session.start(agent)
    hearing.spoken.put_nowait(QUESTION_TEXT)
    while len(texts_in(agent.chat_ctx)) < 3:
        await asyncio.sleep(0.05)
    await agent.written()
    await session.aclose()
    [shown] = model.shown  # asked once, before the turn's end was told
    assert "Quillfeather" in shown[1]
    assert turns(bank)[1:] == [("ana", QUESTION_TEXT), ("assistant", "Quillfeather.")]


async def test_a_subclass_speaks_for_itself_and_remembers(bank: memkit.MemoryBank) -> None:
    class Cook(MemkitAgent):
        async def on_enter(self) -> None:
            await super().on_enter()
            await self.session.say("Hello, I am the cook.")

    session: AgentSession[Any] = AgentSession(llm=ScriptedModel())
    result = await session.start(Cook(bank, instructions="Cook."), capture_run=True)
    await result
    await said(session, "I can't eat nuts.")
    await session.aclose()
    assert [text for _, text in turns(bank)] == ["Hello, I am the cook.", "I can't eat nuts.", "Noted."]


async def test_what_was_recalled_is_in_no_item_that_the_session_keeps(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", PET_TEXT)])
    session = await started(bank, budget_ms=AMPLE_MS)
    assert "Quillfeather" in (await said(session, QUESTION_TEXT)).prompt
    assert [text for text in texts_in(session.history) if "Quillfeather" in text] == []
    await session.aclose()


def test_contents_are_in_no_trace_of_these_tests() -> None:
    assert not gen_ai.capture_content_enabled()


def test_the_page_shows_what_its_code_prints() -> None:
    shown, printed = shown_and_printed("livekit")
    assert printed == shown


def test_the_demo_remembers_in_another_call() -> None:
    command = [sys.executable, str(ROOT / "demos/with_livekit.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "I can't eat nuts" in done.stdout.partition("second call")[2]
