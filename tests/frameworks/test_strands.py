"""Strands' memory store on memkit, under its memory manager and agents with a scripted model."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from adapter_pages import shown_and_printed
from memkit_adapters.strands import MemkitMemoryStore
from strands import Agent
from strands.memory import AddMessagesContext, MemoryManager
from strands.models import Model

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import MemkitError
from memkit.testing.adapters import AdapterContract, Shown
from memkit.testing.adapters.contract import damage

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).parents[2]
PET_TEXT = "My hamster is called Quillfeather."
QUESTION_TEXT = "What is my hamster called?"


class ScriptedModel(Model):
    """A model that gives the texts and tool calls that it was given, and keeps what it was shown."""

    def __init__(self, *steps: str | dict[str, str]) -> None:
        self.steps, self.shown = list(steps), list[str]()

    def update_config(self, **config: Any) -> None:
        """It has none."""

    def get_config(self) -> dict[str, Any]:
        return {"model_id": "scripted"}

    async def structured_output(self, *args: Any, **kwargs: Any) -> AsyncIterable[Any]:
        raise NotImplementedError
        yield

    async def stream(
        self, messages: Any, tool_specs: Any = None, system_prompt: str | None = None, **kwargs: Any
    ) -> AsyncIterable[Any]:
        self.shown += [system_prompt or "", *(f"{block}" for message in messages for block in message["content"])]
        step = self.steps.pop(0)
        is_call = isinstance(step, dict)
        yield {"messageStart": {"role": "assistant"}}
        if isinstance(step, dict):
            yield {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t1", "name": step["name"]}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": step["input"]}}}}
        else:
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": step}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if is_call else "end_turn"}}


class HangingModel(ScriptedModel):
    """A model that never answers. `asked`: set once it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterable[Any]:
        self.asked.set()
        await asyncio.Event().wait()
        yield {}


class RecordingStore(MemkitMemoryStore):
    """A store that keeps the batch that it was given last."""

    async def add_messages(self, messages: Any, context: AddMessagesContext | None = None) -> None:
        self.batch = (messages, context)
        await super().add_messages(messages, context)


class AgentTalk:
    """People who talk with agents, one for each conversation."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store
        self.agents: dict[tuple[str, str], Agent] = {}
        self.stores: dict[tuple[str, str], RecordingStore] = {}

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        return self.run(user, text, session, answer)

    def run(self, user: str, text: str, session: str, *steps: Any) -> Shown:
        agent = self.agent(user, session)
        agent.model = model = ScriptedModel(*steps)
        answer = str(agent(text)).strip()
        return Shown("\n".join(model.shown), answer)

    def agent(self, user: str, session: str) -> Agent:
        if (user, session) not in self.agents:
            self.stores[user, session] = store = RecordingStore(self.bank(user))
            self.agents[user, session] = agent_of(store)
        return self.agents[user, session]

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            agent = self.agent(user, session)
            agent.model = model = HangingModel()
            run = asyncio.create_task(agent.invoke_async(text))
            await model.asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await agent.memory_manager.flush()

        asyncio.run(break_off())

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        store = self.stores[user, session]
        asyncio.run(store.add_messages(*store.batch))

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [f"{block}" for message in self.agent(user, session).messages for block in message["content"]]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("app", user)


def agent_of(store: MemkitMemoryStore, *steps: str | dict[str, str]) -> Agent:
    manager = MemoryManager(stores=[store], add_tool_config=True)
    return Agent(model=ScriptedModel(*steps), memory_manager=manager, callback_handler=None)


class TestMemoryStore(AdapterContract):
    """`MemkitMemoryStore` under a memory manager that injects."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[AgentTalk]:
        with memkit.open(path, **options) as store:
            yield AgentTalk(store)


@pytest.fixture
def store() -> Iterator[memkit.MemoryStore]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        yield store


@pytest.fixture
def bank(store: memkit.MemoryStore) -> memkit.MemoryBank:
    return store.bank("app", "ana")


def texts(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"])]


def message(text: str, role: str = "user") -> Any:
    return {"role": role, "content": [{"text": text}]}


def numbered(*numbers: int) -> AddMessagesContext:
    return AddMessagesContext(sequence_numbers=list(numbers))


async def test_a_batch_that_comes_again_with_more_is_observed_once(bank: memkit.MemoryBank) -> None:
    store = MemkitMemoryStore(bank)
    await store.add_messages([message("ok"), message("ok")], numbered(0, 1))
    await store.add_messages([message("ok"), message("ok"), message(PET_TEXT)], numbered(0, 1, 5))
    assert texts(bank) == ["ok", "ok", PET_TEXT]


async def test_the_same_words_of_the_next_agent_are_said_again(bank: memkit.MemoryBank) -> None:
    store = MemkitMemoryStore(bank)
    for _ in range(2):
        await store.initialize()
        await store.add_messages([message(PET_TEXT)], numbered(0))
    turns = bank.list(kinds=["turn"])
    assert [turn.text for turn in turns] == [PET_TEXT, PET_TEXT]
    assert len({turn.session for turn in turns}) == 2


async def test_agents_that_share_a_store_at_the_same_time_lose_nothing(bank: memkit.MemoryBank) -> None:
    store = MemkitMemoryStore(bank)
    await store.add_messages([message("I have two cats.")], numbered(0))
    await store.add_messages([message("I have two dogs.")], numbered(0))
    assert texts(bank) == ["I have two cats.", "I have two dogs."]


async def test_messages_without_numbers_are_observed(bank: memkit.MemoryBank) -> None:
    await MemkitMemoryStore(bank).add_messages([message(PET_TEXT)])
    assert texts(bank) == [PET_TEXT]


async def test_a_turn_has_the_stores_session_and_speaker(bank: memkit.MemoryBank) -> None:
    store = MemkitMemoryStore(bank, session="chat 7", speaker="Ana")
    await store.add_messages([message(PET_TEXT), message("Noted.", "assistant")], numbered(0, 1))
    turns = bank.list(kinds=["turn"])
    assert [(turn.speaker, turn.role, turn.session) for turn in turns] == [
        ("Ana", "user", "chat 7"),
        ("assistant", "assistant", "chat 7"),
    ]


async def test_reasoning_tools_and_media_are_not_observed_and_cited_words_are(bank: memkit.MemoryBank) -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "She may mean cats."}}},
        {"toolUse": {"toolUseId": "t", "name": "look", "input": {}}},
        {"image": {"format": "png", "source": {"bytes": b"x"}}},
        {"text": "Two cats."},
        {"citationsContent": {"content": [{"text": "Cats purr."}], "citations": []}},
    ]
    silent: Any = {"role": "assistant", "content": content[:3]}
    spoken: Any = {"role": "assistant", "content": content}
    await MemkitMemoryStore(bank).add_messages([silent, spoken], numbered(0, 1))
    assert texts(bank) == ["Two cats.\nCats purr."]


async def test_a_message_that_cant_be_stored_is_named_and_not_tried_for_ever(
    bank: memkit.MemoryBank, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemkitMemoryStore(bank)
    with caplog.at_level(logging.WARNING, "memkit"):
        await store.add_messages([message("bad\0")], numbered(0))
        await store.add_messages([message("bad\0"), message(PET_TEXT)], numbered(0, 1))
    assert texts(bank) == [PET_TEXT]
    assert sum("remembered" in record.getMessage() for record in caplog.records) == 2


async def test_an_entry_is_one_dated_line_and_names_its_memory(bank: memkit.MemoryBank) -> None:
    bank.observe([memkit.Turn("The hamster\nruns.", "Ana", "user", "2025-06-02T10:00:00Z", id="t1")])
    [entry] = await MemkitMemoryStore(bank).search("Does the hamster run?")
    assert entry.content == '2025-06-02 Monday 10:00 Ana: "The hamster\\nruns."'
    assert entry.metadata is not None
    assert entry.metadata["id"] == "t1"


async def test_a_search_gives_no_more_than_is_asked_for_or_than_its_budget(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", f"{PET_TEXT} It ran {n} times.") for n in range(8)])
    assert len(await MemkitMemoryStore(bank).search(QUESTION_TEXT, {"max_search_results": 2})) == 2
    assert len(await MemkitMemoryStore(bank, max_search_results=3).search(QUESTION_TEXT)) == 3
    assert len(await MemkitMemoryStore(bank, max_tokens=100).search(QUESTION_TEXT)) < 3


async def test_a_fact_is_a_thought_that_is_stored_once(bank: memkit.MemoryBank) -> None:
    for _ in range(2):
        await MemkitMemoryStore(bank).add("Ana can't eat nuts.", {"source": "form"})
    [thought] = bank.list(kinds=["thought"])
    assert (thought.text, thought.metadata) == ("Ana can't eat nuts.", {"source": "form"})


async def test_a_bank_may_be_chosen_by_a_context_variable(store: memkit.MemoryStore) -> None:
    user: ContextVar[str] = ContextVar("user")
    memory = MemkitMemoryStore(lambda: store.bank("app", user.get()))
    user.set("bo")
    await memory.add_messages([message(PET_TEXT)], numbered(0))
    assert texts(store.bank("app", "bo")) == [PET_TEXT]
    assert len(await memory.search(QUESTION_TEXT)) == 1


async def test_the_event_loop_goes_on_while_the_memory_works(bank: memkit.MemoryBank) -> None:
    messages = [message(f"This is hamster number {n}.") for n in range(300)]
    adding = asyncio.create_task(MemkitMemoryStore(bank).add_messages(messages, numbered(*range(300))))
    ticks = 0
    while not adding.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 10


def test_what_fails_twice_is_handed_in_again_and_observed_once(
    store: memkit.MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    failing = [True, True, True]
    bank = store.bank("app", "ana")
    memory = MemkitMemoryStore(lambda: store.bank("" if failing and failing.pop() else "app", "ana"))
    agent = agent_of(memory, "One.", "Two.", "Three.")
    with caplog.at_level(logging.WARNING):
        for text in ("My hamster runs.", "It eats.", "It sleeps."):
            agent(text)
    assert texts(bank) == ["My hamster runs.", "One.", "It eats.", "Two.", "It sleeps.", "Three."]
    assert "hamster" not in caplog.text


def test_a_model_may_search_and_add_by_strands_tools(bank: memkit.MemoryBank) -> None:
    bank.observe([("user", PET_TEXT)])
    search = {"name": "search_memory", "input": '{"query": "What is my hamster called?"}'}
    add = {"name": "add_memory", "input": '{"entries": ["Ana likes hamsters."]}'}
    agent = agent_of(MemkitMemoryStore(bank), search, add, "Done.")
    agent("Think of my pets.")
    assert "Quillfeather" in "\n".join(agent.model.shown)
    assert [memory.text for memory in bank.list(kinds=["thought"])] == ["Ana likes hamsters."]
    assert texts(bank) == [PET_TEXT, "Think of my pets.", "Done."]


def test_what_cant_be_added_by_a_tool_is_told_to_the_model_without_text(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("app", "ana")
        bank.observe([("user", "hello")])
        damage(path)
        with pytest.raises(MemkitError):
            asyncio.run(MemkitMemoryStore(bank).add(PET_TEXT))
        agent = agent_of(MemkitMemoryStore(bank), {"name": "add_memory", "input": '{"entries": ["Pip."]}'}, "Sorry.")
        assert str(agent("Note it.")).strip() == "Sorry."


def test_a_store_that_is_only_read_observes_nothing(bank: memkit.MemoryBank) -> None:
    manager = MemoryManager(stores=[MemkitMemoryStore(bank, writable=False)])
    Agent(model=ScriptedModel("Noted."), memory_manager=manager, callback_handler=None)(PET_TEXT)
    assert texts(bank) == []


async def test_an_awaited_agent_observes_after_each_invocation(bank: memkit.MemoryBank) -> None:
    agent = agent_of(MemkitMemoryStore(bank), "Noted.", "So young.")
    await agent.invoke_async(PET_TEXT)
    while len(texts(bank)) < 2:  # beside the loop; the test's time is limited
        await asyncio.sleep(0.01)
    await agent.invoke_async("It is two years old.")
    await agent.memory_manager.flush()
    assert texts(bank) == [PET_TEXT, "Noted.", "It is two years old.", "So young."]


async def test_what_a_cancelled_call_observed_is_no_double_when_it_comes_again(bank: memkit.MemoryBank) -> None:
    store, messages = MemkitMemoryStore(bank), [message(f"This is hamster number {n}.") for n in range(100)]
    adding = asyncio.create_task(store.add_messages(messages, numbered(*range(100))))
    await asyncio.sleep(0.005)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    await store.add_messages(messages, numbered(*range(100)))
    assert len(bank.session(bank.list(kinds=["turn"])[0].session)) == 100


def test_the_page_shows_what_its_code_prints() -> None:
    shown, printed = shown_and_printed("strands")
    assert printed == shown


def test_the_demo_knows_in_the_second_process_what_it_was_told_in_the_first(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "demos/with_strands.py"), "--db", str(tmp_path / "memory.db")]
    told = subprocess.run([*command, "I can't eat nuts."], capture_output=True, text=True, check=True, timeout=120)
    asked = subprocess.run([*command, "What can't I eat?"], capture_output=True, text=True, check=True, timeout=120)
    assert "shown    nothing of the past" in told.stdout
    assert "I can't eat nuts." in asked.stdout.partition("shown")[2]
