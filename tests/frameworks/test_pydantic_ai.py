"""Pydantic AI with memory: the capability keeps the contract of adapters, the store that of conversations."""

import asyncio
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from memkit_adapters.pydantic_ai import MemkitConversationStore, MemkitMemory
from pydantic_ai import Agent, models
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict, ConversationStore, InMemoryConversationStore
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import (
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai_talks import RunTalk, Script, run_sync

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing.adapters import AdapterContract

pytestmark = pytest.mark.frameworks
models.ALLOW_MODEL_REQUESTS = False
DEMO = Path(__file__).parents[2] / "demos" / "with_pydantic_ai.py"


def texts(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"], limit=100)]


@pytest.fixture
def bank() -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        yield store.bank("acme", "ana")


class TestMemory(AdapterContract):
    """The capability under the contract of adapters."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[RunTalk]:
        with memkit.open(path, **options) as store:
            yield RunTalk(store)


class TestRuns:
    """What is special to runs of Pydantic AI."""

    def test_what_is_recalled_stands_after_the_own_instructions_and_in_no_message(
        self, bank: memkit.MemoryBank
    ) -> None:
        bank.observe([("ana", "I can't eat nuts.")])
        script = Script("Rice.", "Rice.")
        for instructions in ("Be kind.", None):
            agent = Agent(script.model, instructions=instructions, capabilities=[MemkitMemory(bank)])
            result = run_sync(agent, "Can I eat nuts?")
            assert script.prompts[-1].startswith("Be kind.\n\n<memory>" if instructions else "<memory>")
            assert "memory" not in str(result.all_messages())

    def test_a_run_recalls_once_however_many_tools_it_calls(
        self, bank: memkit.MemoryBank, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bank.observe([("ana", "I can't eat nuts.")])
        asked: list[str] = []
        recall = bank.recall
        monkeypatch.setattr(bank, "recall", lambda query, **options: (asked.append(query), recall(query, **options))[1])
        script = Script([ToolCallPart("look_up", {})], [ToolCallPart("look_up", {})], "Rice.")
        agent = Agent(script.model, capabilities=[MemkitMemory(bank)])
        agent.tool_plain(look_up)
        run_sync(agent, "Can I eat nuts?")
        assert asked == ["Can I eat nuts?"]
        assert [prompt.count("<memory>") for prompt in script.prompts] == [1, 1, 1]

    def test_both_sides_and_tools_are_turns_of_the_conversation_and_thinking_is_not(
        self, bank: memkit.MemoryBank
    ) -> None:
        script = Script([ThinkingPart("hm"), ToolCallPart("look_up", {})], [ThinkingPart("so"), TextPart("Rice.")])
        agent = Agent(script.model, capabilities=[MemkitMemory(bank, speaker="Ana")])
        agent.tool_plain(look_up)
        run_sync(agent, ["What is", ImageUrl("https://example.org/a.png"), "this?"], conversation_id="c")
        turns = [(m.role, m.speaker, m.text) for m in bank.session("c")]
        assert turns == [
            ("user", "Ana", "What is\nthis?"),
            ("assistant", "assistant", ""),
            ("tool", "look_up", "nothing"),
            ("assistant", "assistant", "Rice."),
        ]

    def test_what_was_said_is_kept_where_the_model_fails_and_once_where_it_is_asked_again(
        self, bank: memkit.MemoryBank
    ) -> None:
        script = Script(ConnectionError("out of reach"), "Rice.")
        agent = Agent(script.model, capabilities=[MemkitMemory(bank)])
        with pytest.raises(ConnectionError):
            run_sync(agent, "I can't eat nuts.", conversation_id="c")
        assert texts(bank) == ["I can't eat nuts."]
        run_sync(agent, "I can't eat nuts.", conversation_id="c")
        assert texts(bank) == ["I can't eat nuts.", "Rice."]

    def test_another_answer_takes_the_place_of_the_one_before(self, bank: memkit.MemoryBank) -> None:
        agent = Agent(Script("A nut cake.", "Rice.").model, capabilities=[MemkitMemory(bank)])
        for _ in range(2):
            run_sync(agent, "What can I eat?", conversation_id="c")
        assert texts(bank) == ["What can I eat?", "Rice."]

    def test_the_same_words_said_twice_in_a_conversation_are_two_turns(self, bank: memkit.MemoryBank) -> None:
        agent = Agent(Script("Ok.", "Fine.").model, capabilities=[MemkitMemory(bank)])
        first = run_sync(agent, "yes", conversation_id="c")
        run_sync(agent, "yes", message_history=first.all_messages(), conversation_id="c")
        assert [m.text for m in bank.session("c")] == ["yes", "Ok.", "yes", "Fine."]

    def test_a_stream_is_observed_once_it_is_whole(self, bank: memkit.MemoryBank) -> None:
        async def run() -> str:
            agent = Agent(Script("Ri ce.").model, capabilities=[MemkitMemory(bank)])
            async with agent.run_stream("What can I eat?") as stream:
                return await stream.get_output()

        assert asyncio.run(run()) == "Rice."
        assert texts(bank) == ["What can I eat?", "Rice."]

    async def test_a_run_that_is_cancelled_keeps_what_was_said(self, bank: memkit.MemoryBank) -> None:
        async def slow(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            await asyncio.sleep(60)
            raise AssertionError

        agent = Agent(FunctionModel(slow), capabilities=[MemkitMemory(bank)])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(agent.run("I can't eat nuts."), 1)
        assert texts(bank) == ["I can't eat nuts."]

    async def test_the_memory_never_runs_in_the_event_loops_thread(
        self, bank: memkit.MemoryBank, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        threads: set[int] = set()

        def noted(name: str) -> None:
            verb = getattr(bank, name)
            monkeypatch.setattr(bank, name, lambda *a, **k: (threads.add(threading.get_ident()), verb(*a, **k))[1])

        for name in ("observe", "recall", "repeated", "rename_speaker", "insert"):
            noted(name)
        script = Script([ToolCallPart("save_memory", {"text": "Ana drinks tea."})], "Ok.")
        await Agent(script.model, capabilities=[MemkitMemory(bank, tools=True)]).run("hi")
        assert threads
        assert threading.get_ident() not in threads

    def test_runs_think_unless_told_to_leave_it_to_maintenance(self, bank: memkit.MemoryBank) -> None:
        memory = MemkitMemory(bank, think=False)
        run_sync(Agent(Script("Ok.").model, capabilities=[memory]), "I moved to Lisbon in May.")
        assert len(bank.list(kinds=["thought"])) == 0
        run_sync(Agent(Script("Ok.").model, capabilities=[MemkitMemory(bank)]), "I have a dog called Pipo.")
        assert len(bank.list(kinds=["thought"])) > 0


def look_up() -> str:
    """Look something up."""
    return "nothing"


class TestTools:
    """Tools by which an agent uses its memory."""

    def use(self, bank: memkit.MemoryBank, name: str, **args: str) -> str:
        """What a tool answered."""
        script = Script([ToolCallPart(name, args)], "Done.")
        agent = Agent(script.model, capabilities=[MemkitMemory(bank, tools=True, think=False)])
        result = run_sync(agent, "go on")
        return str(result.all_messages()[2].parts[0].content)

    def test_what_is_saved_is_found_corrected_and_forgotten(self, bank: memkit.MemoryBank) -> None:
        assert self.use(bank, "save_memory", text="Ana drinks tea.").startswith("added: ")
        line = self.use(bank, "search_memory", query="What does Ana drink?").splitlines()[1]
        assert '"Ana drinks tea."' in line
        self.use(bank, "correct_memory", id=line.split(":")[0], text="Ana drinks coffee.")
        now = self.use(bank, "search_memory", query="What does Ana drink?").splitlines()[1]
        assert '"Ana drinks coffee."' in now
        self.use(bank, "forget_memory", id=now.split(":")[0])
        assert "coffee" not in self.use(bank, "search_memory", query="What does Ana drink?")

    def test_what_a_search_found_is_not_remembered_again(self, bank: memkit.MemoryBank) -> None:
        bank.observe([("ana", "My hamster is called Quillfeather.")])
        assert "Quillfeather" in self.use(bank, "search_memory", query="What is the hamster called?")
        assert sum("Quillfeather" in text for text in texts(bank)) == 1

    def test_a_tool_that_fails_tells_the_model_so_and_the_run_goes_on(self, bank: memkit.MemoryBank) -> None:
        assert self.use(bank, "forget_memory", id="nobody").startswith("The memory failed to forget: ")

    def test_an_agent_has_no_tools_unless_they_are_wanted(self, bank: memkit.MemoryBank) -> None:
        seen: list[int] = []

        def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            seen.append(len(info.function_tools))
            return ModelResponse(parts=[TextPart("ok")])

        for is_wanted in (False, True):
            run_sync(Agent(FunctionModel(answer), capabilities=[MemkitMemory(bank, tools=is_wanted)]), "hi")
        assert seen == [0, 4]


def exchange(said: str, answer: str) -> list[ModelMessage]:
    return [ModelRequest(parts=[UserPromptPart(said)]), ModelResponse(parts=[TextPart(answer)])]


@pytest.fixture(params=["in memory", "memkit"])
def store(request: pytest.FixtureRequest, bank: memkit.MemoryBank) -> ConversationStore:
    return InMemoryConversationStore() if request.param == "in memory" else MemkitConversationStore(bank)


class TestConversations:
    """What Pydantic AI's own store of conversations does, and memkit's does alike."""

    async def saved(self, store: ConversationStore, id: str, *exchanges: str, scope: str | None = None) -> Conversation:
        messages = [message for said in exchanges for message in exchange(said, f"re {said}")]
        conversation = Conversation(messages=messages, conversation_id=id)
        await store.save(conversation, scope=scope)
        return conversation

    async def test_a_conversation_comes_back_as_it_was_saved(self, store: ConversationStore) -> None:
        saved = await self.saved(store, "c", "a\0é😀", "b", scope="ana")
        loaded = await store.load("c")
        assert loaded is not None
        assert (loaded.messages, loaded.revision, loaded.usage) == (saved.messages, saved.revision, saved.usage)
        assert await store.load("c", scope="bo") is None
        assert await store.load("nobody") is None
        part = await store.load("c", limit=3)
        assert part is not None
        assert part.messages == saved.messages[-3:]

    async def test_a_save_stores_what_is_new_alone(self, store: ConversationStore) -> None:
        await self.saved(store, "c", "a")
        loaded = await store.load("c")
        assert loaded is not None
        loaded.messages.extend(exchange("b", "re b"))
        assert len(await store.save(loaded)) == 2
        assert len(await store.save(loaded)) == 0

    async def test_of_two_that_began_alike_the_second_is_a_conflict(self, store: ConversationStore) -> None:
        await self.saved(store, "c", "a")
        first, second = await store.load("c"), await store.load("c")
        assert first is not None
        assert second is not None
        first.messages.extend(exchange("b", "re b"))
        second.messages.extend(exchange("x", "re x"))
        await store.save(first)
        with pytest.raises(ConversationConflict):
            await store.save(second)
        with pytest.raises(ConversationConflict):
            await store.save(Conversation(conversation_id="c"))
        loaded = await store.load("c")
        assert loaded is not None
        assert loaded.messages == first.messages

    async def test_of_many_that_save_at_once_one_does(self, store: ConversationStore) -> None:
        await self.saved(store, "c", "a")
        copies = [await store.load("c") for _ in range(8)]
        for number, copy in enumerate(copies):
            assert copy is not None
            copy.messages.extend(exchange(f"b{number}", "re b"))
        outcomes = await asyncio.gather(*(store.save(copy) for copy in copies if copy), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConversationConflict"] * 7 + ["list"]
        loaded = await store.load("c")
        assert loaded is not None
        assert len(loaded.messages) == 4

    async def test_a_branch_leaves_a_history_that_it_can_go_back_to(self, store: ConversationStore) -> None:
        saved = await self.saved(store, "c", "a", "b")
        branched = await store.branch("c", at=2, expected_revision=saved.revision)
        branched.messages.extend(exchange("x", "re x"))
        await store.save(branched)
        record = await store.read_record("c")
        assert record is not None
        back = await store.branch("c", from_entry=record.branches[0], expected_revision=branched.revision)
        assert back.messages == saved.messages
        with pytest.raises(UserError):
            await store.branch("c", at=99, expected_revision=back.revision)

    async def test_a_deleted_conversation_leaves_what_its_forks_reach_and_nothing_else(
        self, store: ConversationStore
    ) -> None:
        await self.saved(store, "c", "a", "b")
        fork = await store.fork("c", at=2)
        entries = await store.load_entries("c")
        assert entries is not None
        await store.delete("c")
        assert await store.load("c") is None
        loaded = await store.load(fork.conversation_id)
        assert loaded is not None
        assert loaded.messages == [entry.message for entry in entries[:2]]
        for entry in entries[2:]:
            with pytest.raises(KeyError):
                await store.read_entry(entry.id)
        await store.delete(fork.conversation_id)
        for entry in entries:
            with pytest.raises(KeyError):
                await store.read_entry(entry.id)

    async def test_conversations_are_listed_by_scope_the_last_saved_first(self, store: ConversationStore) -> None:
        for id, scope in (("1", "ana"), ("2", "bo"), ("3", "ana")):
            await self.saved(store, id, "a", scope=scope)
        again = await store.load("1")
        assert again is not None
        again.messages.extend(exchange("b", "re b"))
        await store.save(again)
        assert [r.conversation_id for r in await store.list_conversations(scope="ana")] == ["1", "3"]
        assert [r.conversation_id for r in await store.list_conversations(limit=2)] == ["1", "3"]
        assert len(await store.list_conversations()) == 3

    async def test_a_run_goes_on_from_what_was_loaded(self, store: ConversationStore) -> None:
        agent = Agent(Script("Noted.", "Rice.").model)
        await store.save(await agent.run("No nuts.", conversation=Conversation(conversation_id="c")))
        loaded = await store.load("c")
        assert loaded is not None
        result = await agent.run("What can I eat?", conversation=loaded)
        assert len(await store.save(result)) == 2
        assert len(result.all_messages()) == 4


async def test_nothing_of_a_deleted_conversation_is_left_in_the_bank(bank: memkit.MemoryBank) -> None:
    store, own = MemkitConversationStore(bank), bank.put("mine", 1)
    for id in ("a", "b"):
        await store.save(Conversation(messages=exchange("x", "y"), conversation_id=id))
    fork = await store.fork("a")
    await asyncio.gather(*(store.delete(id) for id in ("a", "b", fork.conversation_id)))
    assert [memory.id for memory in bank.list(kinds=["item"])] == own.ids


async def test_a_fork_that_is_made_while_its_origin_is_deleted_is_whole_or_a_conflict(bank: memkit.MemoryBank) -> None:
    store = MemkitConversationStore(bank)
    for number in range(20):
        id = f"c{number}"
        await store.save(Conversation(messages=exchange("x", "y"), conversation_id=id))
        forks = await asyncio.gather(store.fork(id), store.delete(id), return_exceptions=True)
        if isinstance(forks[0], Conversation):
            loaded = await store.load(forks[0].conversation_id)
            assert loaded is not None
            assert len(loaded.messages) == 2
        else:
            assert isinstance(forks[0], ConversationConflict | UserError)


def test_what_an_agent_was_told_in_one_process_is_known_in_the_next(tmp_path: Path) -> None:
    run = """
import asyncio, sys, memkit
from memkit.encoders.hashing import HashingEncoder
from memkit_adapters.pydantic_ai import MemkitConversationStore, MemkitMemory
from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models.function import FunctionModel

def answer(messages, info):
    print(len(messages), info.instructions)
    return ModelResponse(parts=[TextPart("Noted.")])

async def main(store, id, said):
    conversations = MemkitConversationStore(store.bank("conversations"))
    agent = Agent(FunctionModel(answer), capabilities=[MemkitMemory(store.bank("ana"))])
    conversation = await conversations.load(id) or Conversation(conversation_id=id)
    await conversations.save(await agent.run(said, conversation=conversation))

with memkit.open(sys.argv[1], encoder=HashingEncoder()) as store:
    asyncio.run(main(store, *sys.argv[2:]))
"""
    told = (("c", "My hamster is called Quillfeather."), ("d", "What is my hamster called?"), ("c", "Go on."))
    commands = [[sys.executable, "-c", run, str(tmp_path / "m.db"), *words] for words in told]
    shown = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands]
    assert "Quillfeather" in shown[1]
    assert [text.split()[0] for text in shown] == ["1", "1", "3"]


def test_the_demo_shows_what_was_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(DEMO), run_name="__main__")
    shown = capsys.readouterr().out
    assert "I can't eat nuts" in shown
