"""LlamaIndex's memory block on memkit, under Memory, chat engines and agents with a scripted model."""

import asyncio
import gc
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from adapter_pages import shown_and_printed
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.base.llms.types import ChatMessage, CompletionResponse, CompletionResponseGen, LLMMetadata
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import CustomLLM
from llama_index.core.memory import InsertMethod, Memory
from memkit_adapters.llama_index import MemkitMemoryBlock
from pydantic import Field

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing.adapters import AdapterContract, Shown
from memkit.testing.adapters.contract import damage

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).parents[2]
PET_TEXT = "My hamster is called Quillfeather."
QUESTION_TEXT = "What is my hamster called?"
AGE_TEXT = "It is two years old."


@pytest.fixture(autouse=True)
def _leave_open_connections() -> Iterator[None]:
    """LlamaIndex's own chat store doesn't close its connections, and warns of it when they are collected."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


class ScriptedModel(CustomLLM):
    """A model that gives the answers that it was given, and keeps what it was shown."""

    answers: list[str] = Field(default_factory=list)
    shown: list[str] = Field(default_factory=list)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="scripted")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self.shown.append(prompt)
        return CompletionResponse(text=self.answers.pop(0))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        answer = self.complete(prompt)
        yield CompletionResponse(text=answer.text, delta=answer.text)


class HangingModel(ScriptedModel):
    """A model that never answers. `asked`: set once it was asked."""

    asked: Any = Field(default_factory=asyncio.Event)

    async def achat(self, messages: Any, **kwargs: Any) -> Any:
        self.asked.set()
        await asyncio.Event().wait()


class EngineTalk:
    """People who talk with chat engines; each conversation has a Memory with the block of its person."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store
        self.memories: dict[tuple[str, str], Memory] = {}

    def memory(self, user: str, session: str) -> Memory:
        if (user, session) not in self.memories:
            block = MemkitMemoryBlock(self.bank(user))
            self.memories[user, session] = Memory.from_defaults(session_id=session, memory_blocks=[block])
        return self.memories[user, session]

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        model, memory = ScriptedModel(answers=[answer]), self.memory(user, session)
        given = SimpleChatEngine.from_defaults(llm=model, memory=memory).chat(text)
        block_of(memory).observe(memory)
        return Shown("\n".join(model.shown), given.response)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            model = HangingModel()
            engine = SimpleChatEngine.from_defaults(llm=model, memory=self.memory(user, session))
            run = asyncio.create_task(engine.achat(text))
            await model.asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

        asyncio.run(break_off())

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        memory = self.memory(user, session)
        memory.get()
        block_of(memory).observe(memory)

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [message.content or "" for message in self.memory(user, session).get_all()]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("app", user)


class TestMemoryBlock(AdapterContract):
    """`MemkitMemoryBlock` in the Memory of a chat engine."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[EngineTalk]:
        with memkit.open(path, **options) as store:
            yield EngineTalk(store)


@pytest.fixture
def store() -> Iterator[memkit.MemoryStore]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        yield store


@pytest.fixture
def bank(store: memkit.MemoryStore) -> memkit.MemoryBank:
    return store.bank("app", "ana")


def block_of(memory: Memory) -> MemkitMemoryBlock:
    [block] = memory.memory_blocks
    assert isinstance(block, MemkitMemoryBlock)
    return block


def memory_of(block: MemkitMemoryBlock, session_id: str = "first", **options: Any) -> Memory:
    return Memory.from_defaults(session_id=session_id, memory_blocks=[block], **options)


def history(*texts: str) -> list[ChatMessage]:
    """Messages of a person and an assistant in turns."""
    return [ChatMessage(role="assistant" if n % 2 else "user", content=text) for n, text in enumerate(texts)]


def texts(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"])]


async def seen(block: MemkitMemoryBlock, *said: str) -> None:
    """The block is shown a history of these texts."""
    await block.aget(history(*said), session_id="first")


async def test_a_history_that_grows_is_observed_without_doubles(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    await seen(block, "Go on.")
    await seen(block, "Go on.")
    await seen(block, "Go on.", "Done.", "Go on.", "Done.", "Go on.")
    assert texts(bank) == ["Go on.", "Done.", "Go on.", "Done.", "Go on."]


async def test_another_block_on_the_same_session_goes_on_where_the_first_ended(bank: memkit.MemoryBank) -> None:
    await seen(MemkitMemoryBlock(bank), PET_TEXT, "Noted.")
    await seen(MemkitMemoryBlock(bank), PET_TEXT, "Noted.", AGE_TEXT)
    assert texts(bank) == [PET_TEXT, "Noted.", AGE_TEXT]


async def test_a_session_that_begins_anew_is_observed_anew(bank: memkit.MemoryBank) -> None:
    await seen(MemkitMemoryBlock(bank), "Hi.", "Hello!", PET_TEXT)
    await seen(MemkitMemoryBlock(bank), "Hi.")
    await seen(MemkitMemoryBlock(bank), "Hi.", "Hello!", AGE_TEXT)
    assert texts(bank) == ["Hi.", "Hello!", PET_TEXT, "Hi.", "Hello!", AGE_TEXT]


async def test_what_was_erased_doesnt_come_back_with_its_history(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    await seen(block, PET_TEXT, "Noted.", AGE_TEXT)
    for erased in (PET_TEXT, AGE_TEXT):
        bank.erase(ids=[memory.id for memory in bank.list(kinds=["turn"]) if memory.text == erased])
    await seen(block, PET_TEXT, "Noted.", AGE_TEXT, "So young.")
    assert texts(bank) == ["Noted.", "So young."]


async def test_a_history_without_its_first_messages_is_known(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    await seen(block, PET_TEXT, "Noted.", AGE_TEXT, "So young.")
    await seen(block, AGE_TEXT, "So young.", "Good night.")
    assert texts(bank) == [PET_TEXT, "Noted.", AGE_TEXT, "So young.", "Good night."]


async def test_a_question_that_was_only_looked_up_leaves_the_history_known(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    memory = memory_of(block)
    await memory.aput_messages(history(PET_TEXT, "Noted."))
    await memory.aget("What do I feed it?")
    await memory.aput_messages(history("Good night.", "Sleep well."))
    await memory.aget()
    await block.aobserve(memory)
    assert sorted(texts(bank)) == sorted([PET_TEXT, "Noted.", "What do I feed it?", "Good night.", "Sleep well."])


async def test_what_falls_out_of_a_long_history_is_observed_once(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    options = {"token_limit": 60, "chat_history_token_ratio": 0.5, "token_flush_size": 10}
    memory = memory_of(block, **options)
    said = [f"Number {n} is told to the other." for n in range(12)]
    for number, text in enumerate(said):
        await memory.aput(ChatMessage(role="assistant" if number % 2 else "user", content=text))
        if number % 3 == 0:
            await memory.aget()
    await block.aobserve(memory)
    assert texts(bank) == said


async def test_repeated_words_that_fall_out_are_counted(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    memory = memory_of(block, token_limit=30, chat_history_token_ratio=0.5, token_flush_size=4)
    for _ in range(6):
        await memory.aput_messages(history("Go on.", "Done."))
        await memory.aget()
    assert texts(bank) == ["Go on.", "Done."] * 6


STEPS = st.lists(st.sampled_from(["Go on.", "Done.", "look", "flush", "restart"]), max_size=30)


@given(STEPS)
@settings(max_examples=60)
def test_whatever_is_said_looked_at_and_flushed_is_observed_once_in_order(steps: list[str]) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("app", "ana")
        asyncio.run(take_steps(bank, steps))
        assert texts(bank) == [step for step in steps if step.endswith(".")]


async def take_steps(bank: memkit.MemoryBank, steps: list[str]) -> None:
    """A history of few words, which is shown to the block now and then, and whose beginning falls out of it."""
    block, window = MemkitMemoryBlock(bank), list[ChatMessage]()
    for step in [*steps, "look"]:
        if step.endswith("."):
            window.append(ChatMessage(role="user" if step == "Go on." else "assistant", content=step))
        elif step == "flush":
            flushed, window = window[:3], window[3:]
            await block.aput(flushed, from_short_term_memory=True, session_id="first")
        elif step == "restart":
            block = MemkitMemoryBlock(bank)
        else:
            await block.aget([*window, ChatMessage(role="system", content="Be kind.")], session_id="first")


async def test_messages_are_left_as_they_are(bank: memkit.MemoryBank) -> None:
    block, messages = MemkitMemoryBlock(bank), history(PET_TEXT, "Noted.")
    await block.aput(messages, from_short_term_memory=True, session_id="first")
    await block.aput(messages, session_id="first")
    assert messages == history(PET_TEXT, "Noted.")


async def test_what_could_not_be_observed_as_it_fell_out_is_observed_with_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
        bank = store.bank("app", "ana")
        broken: list[bool] = [True]
        block = MemkitMemoryBlock(lambda session_id: store.bank("", "ana") if broken else bank)
        with caplog.at_level(logging.WARNING, "memkit"):
            await block.aput(history(PET_TEXT, "Noted."), from_short_term_memory=True, session_id="first")
        broken.clear()
        assert "observe failed (messages first, the last 2)" in caplog.text
        assert PET_TEXT not in caplog.text
        await seen(block, AGE_TEXT)
        await seen(block, AGE_TEXT, "So young.")
        assert texts(bank) == [PET_TEXT, "Noted.", AGE_TEXT, "So young."]


async def test_a_block_that_takes_nothing_from_the_history_still_knows_what_it_saw(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank, accept_short_term_memory=False)
    await block.aput(history(PET_TEXT), from_short_term_memory=True, session_id="first")
    assert texts(bank) == []


async def test_what_stands_in_the_history_is_not_recalled(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    await seen(block, PET_TEXT, "Noted.")
    assert "Quillfeather" not in await block.aget(history(PET_TEXT, "Noted.", QUESTION_TEXT), session_id="first")
    assert "Quillfeather" in await block.aget(history(QUESTION_TEXT), session_id="second")


async def test_without_a_question_the_portrait_is_shown(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    assert await block.aget([], session_id="first") == ""
    bank.observe([("Ana", "I live in Lisbon. I love risotto."), ("Ana", "Always answer in Spanish.")])
    bank.think()
    bank.reflect()
    portrait = await block.aget(None)
    assert "Spanish" in portrait
    assert await block.atruncate(portrait, 1) not in (None, portrait)


async def test_a_block_gets_shorter_by_what_memory_asks_and_goes_where_nothing_is_left(
    bank: memkit.MemoryBank,
) -> None:
    bank.observe([("Ana", f"{PET_TEXT} It ran {n} times round the garden of the neighbours.") for n in range(8)])
    block = MemkitMemoryBlock(bank)
    whole = await block.aget(history(QUESTION_TEXT), session_id="first")
    tokens = len(block.tokenizer_fn(whole))
    shorter = await block.atruncate(whole, tokens // 2)
    assert shorter is not None
    assert len(block.tokenizer_fn(shorter)) <= tokens - tokens // 2
    assert shorter.startswith("<memory>")
    assert shorter.endswith("</memory>")
    assert await block.atruncate(whole, tokens) is None
    assert await block.atruncate("a block of another", 1) is None


async def test_a_memory_that_is_too_small_shows_a_shorter_block(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", f"{PET_TEXT} It ran {n} times round the garden of the neighbours.") for n in range(8)])
    memory = memory_of(MemkitMemoryBlock(bank), token_limit=150)
    await memory.aput(ChatMessage(role="user", content=QUESTION_TEXT))
    shown = "\n".join(message.content or "" for message in await memory.aget())
    assert "Quillfeather" in shown
    assert shown.count("Quillfeather") < 8


async def test_tools_system_words_and_reasoning_are_not_observed(bank: memkit.MemoryBank) -> None:
    said = [
        ChatMessage(role="system", content="Be kind."),
        ChatMessage(role="user", content=PET_TEXT),
        ChatMessage(role="assistant", content="Thought: I look.\nAction: look\nObservation: x\nAnswer: A fine name."),
        ChatMessage(role="tool", content="a result"),
        ChatMessage(role="assistant", content="<think>Hm.</think>So it is."),
        ChatMessage(role="assistant", content="Thought: what next?"),
    ]
    block = MemkitMemoryBlock(bank)
    for _ in range(2):
        await block.aget(said, session_id="first")
    assert texts(bank) == [PET_TEXT, "A fine name.", "So it is."]


async def test_a_message_that_cant_be_stored_is_named_and_the_rest_is_observed(
    bank: memkit.MemoryBank, caplog: pytest.LogCaptureFixture
) -> None:
    block = MemkitMemoryBlock(bank)
    with caplog.at_level(logging.WARNING, "memkit"):
        await seen(block, "bad\0", "Noted.")
    await seen(block, "bad\0", "Noted.", PET_TEXT)
    assert texts(bank) == ["Noted.", PET_TEXT]
    assert "message first, 1 of 2 was not remembered" in caplog.text


async def test_a_message_that_cant_be_stored_doesnt_hide_the_memory(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", PET_TEXT)])
    bad = ChatMessage(role="user", content="bad\0", additional_kwargs={"name": "x" * 1000})
    assert "Quillfeather" in await MemkitMemoryBlock(bank).aget([bad, *history(QUESTION_TEXT)], session_id="first")


async def test_a_person_has_the_name_of_the_block_or_of_the_message(bank: memkit.MemoryBank) -> None:
    named = ChatMessage(role="user", content="I am Bo.", additional_kwargs={"name": "Bo"})
    await MemkitMemoryBlock(bank, speaker="Ana").aget([*history(PET_TEXT, "Noted."), named], session_id="first")
    turns = bank.list(kinds=["turn"])
    assert [(turn.speaker, turn.role, turn.session) for turn in turns] == [
        ("Ana", "user", "first"),
        ("assistant", "assistant", "first"),
        ("Bo", "user", "first"),
    ]


async def test_a_bank_may_be_chosen_by_session(store: memkit.MemoryStore) -> None:
    block = MemkitMemoryBlock(lambda session_id: store.bank(f"of {session_id}"))
    await seen(block, PET_TEXT)
    assert texts(store.bank("of first")) == [PET_TEXT]


async def test_a_history_that_was_being_observed_when_its_call_was_cancelled_is_observed_once(
    bank: memkit.MemoryBank,
) -> None:
    block, said = MemkitMemoryBlock(bank), [f"This is hamster number {n}." for n in range(100)]
    getting = asyncio.create_task(seen(block, *said))
    await asyncio.sleep(0.005)
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting
    await seen(block, *said)
    assert [memory.text for memory in bank.session("first")] == said


async def test_the_event_loop_goes_on_while_the_memory_works(bank: memkit.MemoryBank) -> None:
    block = MemkitMemoryBlock(bank)
    getting = asyncio.create_task(seen(block, *(f"This is hamster number {n}." for n in range(200))))
    ticks = 0
    while not getting.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 10


async def test_an_agent_remembers_its_answers_once_and_knows_them_in_another_session(bank: memkit.MemoryBank) -> None:
    thought = "Thought: I can answer without using any more tools.\nAnswer: "
    model = ScriptedModel(answers=[f"{thought}Noted.", f"{thought}Quillfeather."])
    agent = ReActAgent(llm=model, tools=[], streaming=False)
    for session, text in (("first", PET_TEXT), ("second", QUESTION_TEXT)):
        await agent.run(text, memory=memory_of(MemkitMemoryBlock(bank), session, insert_method=InsertMethod.USER))
    assert "Quillfeather" in model.shown[-1]
    assert texts(bank) == [PET_TEXT, "Noted.", QUESTION_TEXT, "Quillfeather."]


async def test_an_agent_goes_on_where_its_memory_fails(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        block = MemkitMemoryBlock(store.bank("app", "ana"))
        await seen(block, "hello")
        damage(path)
        model = ScriptedModel(answers=["Thought: I can answer.\nAnswer: Still here."])
        given = await ReActAgent(llm=model, tools=[], streaming=False).run(PET_TEXT, memory=memory_of(block))
        assert str(given) == "Still here."


def test_a_block_can_be_written_down_without_its_bank(bank: memkit.MemoryBank) -> None:
    assert set(MemkitMemoryBlock(bank, k=3).model_dump()) == {
        "name", "description", "priority", "accept_short_term_memory", "k", "max_tokens", "speaker",
    }  # fmt: skip


def test_the_page_shows_what_its_code_prints() -> None:
    shown, printed = shown_and_printed("llama_index")
    assert printed == shown


def test_the_demo_knows_in_the_second_process_what_it_was_told_in_the_first(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "demos/with_llama_index.py"), "--db", str(tmp_path / "memory.db")]
    told = subprocess.run([*command, "I can't eat nuts."], capture_output=True, text=True, check=True, timeout=120)
    asked = subprocess.run([*command, "What can't I eat?"], capture_output=True, text=True, check=True, timeout=120)
    assert "shown    nothing of the past" in told.stdout
    assert "I can't eat nuts." in asked.stdout.partition("shown")[2]
