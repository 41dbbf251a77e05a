"""Haystack's adapter against Haystack: its packaged suites of document stores, pipelines, the contract of memories."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read at the import

from haystack import Document, Pipeline, component
from haystack.components.builders import ChatPromptBuilder
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import ByteStream, ChatMessage
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError
from haystack.telemetry import _telemetry
from haystack.testing.document_store import (
    CountDocumentsByFilterTest,
    CountUniqueMetadataByFilterTest,
    DocumentStoreBaseExtendedTests,
    GetMetadataFieldMinMaxTest,
    GetMetadataFieldsInfoTest,
    GetMetadataFieldUniqueValuesTest,
)
from haystack.testing.document_store_async import (
    CountDocumentsAsyncTest,
    CountDocumentsByFilterAsyncTest,
    CountUniqueMetadataByFilterAsyncTest,
    DeleteAllAsyncTest,
    DeleteByFilterAsyncTest,
    DeleteDocumentsAsyncTest,
    FilterDocumentsAsyncTest,
    GetMetadataFieldMinMaxAsyncTest,
    GetMetadataFieldsInfoAsyncTest,
    GetMetadataFieldUniqueValuesAsyncTest,
    UpdateByFilterAsyncTest,
    WriteDocumentsAsyncTest,
)
from memkit_adapters.haystack import (
    MemkitDocumentRetriever,
    MemkitDocumentStore,
    MemkitMemoryRetriever,
    MemkitMemoryWriter,
    StoredBank,
)

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.testing.adapters import AdapterContract, Shown

pytestmark = pytest.mark.frameworks
DEMOS = Path(__file__).parents[2] / "demos"
TEMPLATE = [ChatMessage.from_system("Be kind.\n{{ memory }}"), ChatMessage.from_user("{{ question }}")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
        yield opened


@pytest.fixture
def document_store(store: memkit.MemoryStore) -> MemkitDocumentStore:
    return MemkitDocumentStore(store.bank("acme", "handbook"))


class TestDocumentStore(
    DocumentStoreBaseExtendedTests, CountDocumentsByFilterTest, CountUniqueMetadataByFilterTest,
    GetMetadataFieldsInfoTest, GetMetadataFieldMinMaxTest, GetMetadataFieldUniqueValuesTest,
):  # fmt: skip
    """Haystack's own suite."""

    @pytest.fixture
    def document_store(self, store: memkit.MemoryStore) -> MemkitDocumentStore:
        return MemkitDocumentStore(store.bank("acme", "handbook"))

    def test_write_documents(self, document_store: MemkitDocumentStore) -> None:
        """Without a policy a document that is there already is an error."""
        document = Document(content="test doc")
        assert document_store.write_documents([document]) == 1
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents([document])
        assert document_store.filter_documents() == [document]


class TestAsyncDocumentStore(
    CountDocumentsAsyncTest, WriteDocumentsAsyncTest, DeleteDocumentsAsyncTest, FilterDocumentsAsyncTest,
    DeleteAllAsyncTest, DeleteByFilterAsyncTest, UpdateByFilterAsyncTest, CountDocumentsByFilterAsyncTest,
    CountUniqueMetadataByFilterAsyncTest, GetMetadataFieldsInfoAsyncTest, GetMetadataFieldMinMaxAsyncTest,
    GetMetadataFieldUniqueValuesAsyncTest,
):  # fmt: skip
    """Haystack's own suite, awaited."""

    @pytest.fixture
    def document_store(self, store: memkit.MemoryStore) -> MemkitDocumentStore:
        return MemkitDocumentStore(store.bank("acme", "handbook"))

    async def test_write_documents_async(self, document_store: MemkitDocumentStore) -> None:
        """Without a policy a document that is there already is an error."""
        document = Document(content="test doc")
        assert await document_store.write_documents_async([document]) == 1
        with pytest.raises(DuplicateDocumentError):
            await document_store.write_documents_async([document])


def test_a_document_comes_back_as_it_was_written(document_store: MemkitDocumentStore) -> None:
    document = Document(
        content="A\0B é", meta={"meta": 1, "id": "x", "deep": {"list": [1, None, 2.5]}}, embedding=[0.1, 1e-9],
        blob=ByteStream(b"\x00\xff", mime_type="image/png"),
    )  # fmt: skip
    document_store.write_documents([document])
    assert document_store.filter_documents() == [document]


def test_a_write_that_meets_a_duplicate_writes_nothing(document_store: MemkitDocumentStore) -> None:
    there = Document(content="there")
    document_store.write_documents([there])
    with pytest.raises(DuplicateDocumentError):
        document_store.write_documents([Document(content="new"), there], DuplicatePolicy.FAIL)
    assert document_store.filter_documents() == [there]


def test_a_document_that_stands_twice_in_one_write_is_written_once(document_store: MemkitDocumentStore) -> None:
    twice = [Document(id="1", content="first"), Document(id="1", content="second")]
    assert document_store.write_documents(twice, DuplicatePolicy.SKIP) == 1
    assert [each.content for each in document_store.filter_documents()] == ["first"]
    assert document_store.write_documents(twice, DuplicatePolicy.OVERWRITE) == 2
    assert [each.content for each in document_store.filter_documents()] == ["second"]


def test_of_many_writers_of_one_document_one_writes_it(store: memkit.MemoryStore) -> None:
    stores = [MemkitDocumentStore(store.bank("acme", "handbook")) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        document = [Document(content="Tea is at four.")]
        counts = threads.map(lambda each: each.write_documents(document, DuplicatePolicy.SKIP), stores)
        assert sorted(counts) == [0] * 7 + [1]


def test_documents_and_what_else_a_bank_holds_stay_apart(document_store: MemkitDocumentStore) -> None:
    bank = document_store.bank
    assert isinstance(bank, memkit.MemoryBank)
    bank.put("settings", {"theme": "dark nuts"})
    bank.observe([("ana", "I can't eat nuts.")])
    document_store.write_documents([Document(content="Nuts are kept in the cellar.")])
    assert [each.content for each in document_store.search("nuts", 5)] == ["Nuts are kept in the cellar."]
    assert [hit.memory.kind for hit in bank.recall("nuts", min_score=0)] == ["turn"]
    document_store.delete_all_documents()
    assert bank.get_item("settings") is not None


def test_the_retriever_finds_the_nearest_documents_that_match(document_store: MemkitDocumentStore) -> None:
    texts = ["Nuts are kept in the cellar.", "Where are the raisins?", "The printer is on the second floor."]
    document_store.write_documents([Document(content=text, meta={"floor": i}) for i, text in enumerate(texts)])
    retriever = MemkitDocumentRetriever(document_store, top_k=2)
    found = retriever.run("Where are the nuts kept?")["documents"]
    assert [each.meta["floor"] for each in found] == [0, 1]
    assert found[0].score is not None
    assert found[1].score is not None
    assert found[0].score >= found[1].score
    upstairs = {"field": "meta.floor", "operator": ">=", "value": 1}
    assert [
        d.meta["floor"] for d in retriever.run("Where are the nuts kept?", filters=upstairs, top_k=1)["documents"]
    ] == [1]
    with pytest.raises(FilterError):
        retriever.run("nuts", filters={"field": "meta.floor", "value": 1})
    assert asyncio.run(retriever.run_async("Where are the nuts kept?"))["documents"] == found


def test_paths_into_the_metadata_are_searched_where_asked(store: memkit.MemoryStore) -> None:
    documents = MemkitDocumentStore(store.bank("acme", "titles"), index=["content", "meta.title"])
    documents.write_documents([Document(content="...", meta={"title": "Cellar"}), Document(content="Attic")])
    assert documents.search("cellar", 1)[0].meta == {"title": "Cellar"}


def test_pipelines_write_and_find_documents_also_awaited(document_store: MemkitDocumentStore) -> None:
    writing = Pipeline()
    writing.add_component("writer", DocumentWriter(document_store, policy=DuplicatePolicy.SKIP))
    documents = [Document(content="Tea is at four.")]
    assert writing.run({"writer": {"documents": documents}}) == {"writer": {"documents_written": 1}}
    assert asyncio.run(writing.run_async({"writer": {"documents": documents}})) == {"writer": {"documents_written": 0}}
    asking = Pipeline()
    asking.add_component("retriever", MemkitDocumentRetriever(document_store))
    found = asyncio.run(asking.run_async({"retriever": {"query": "When is tea?"}}))["retriever"]["documents"]
    assert [each.content for each in found] == ["Tea is at four."]


def test_a_saved_pipeline_finds_its_documents_again(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        MemkitDocumentStore(store.bank("acme", "handbook")).write_documents([Document(content="Tea is at four.")])
    bank = StoredBank(str(path), ["acme", "handbook"])
    pipeline = Pipeline()
    pipeline.add_component("retriever", MemkitDocumentRetriever(MemkitDocumentStore(bank)))
    pipeline.add_component("memory", MemkitMemoryRetriever(bank, k=3))
    pipeline.add_component("writer", MemkitMemoryWriter(bank, session="first"))
    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=["memkit_adapters.*"])
    inputs = {"retriever": {"query": "tea"}, "memory": {"query": "tea"}, "writer": {"messages": []}}
    assert loaded.run(inputs)["retriever"]["documents"][0].content == "Tea is at four."
    loaded.close()
    assert loaded.run(inputs)["retriever"]["documents"][0].content == "Tea is at four."
    loaded.close()


def test_a_pipeline_with_an_open_bank_says_how_it_can_be_saved(document_store: MemkitDocumentStore) -> None:
    with pytest.raises(InputError, match="StoredBank"):
        document_store.to_dict()


@component
class ScriptedModel:
    """A chat model that answers as it is told, and notes what it was shown."""

    def __init__(self, asked: asyncio.Event | None = None) -> None:
        self.answer, self.shown, self.asked = "Noted.", list[str](), asked

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
        self.shown = [message.text or "" for message in messages]
        return {"replies": [ChatMessage.from_assistant(self.answer)]}

    @component.output_types(replies=list[ChatMessage])
    async def run_async(self, messages: list[ChatMessage]) -> dict[str, Any]:
        if self.asked is not None:
            self.asked.set()
            await asyncio.Event().wait()
        return self.run(messages)


def chat(bank: Any, model: Any) -> Pipeline:
    """A pipeline that recalls before its model and observes after it."""
    pipeline = Pipeline()
    pipeline.add_component("memory", MemkitMemoryRetriever(bank))
    pipeline.add_component("prompt", ChatPromptBuilder(template=TEMPLATE, required_variables="*"))
    pipeline.add_component("model", model)
    pipeline.add_component("writer", MemkitMemoryWriter(bank))
    pipeline.connect("memory.prompt", "prompt.memory")
    pipeline.connect("prompt", "model")
    pipeline.connect("prompt", "writer.messages")
    pipeline.connect("model", "writer.replies")
    return pipeline


class PipelineTalk:
    """People who talk with one pipeline, whose banks are chosen by its context; it keeps no messages itself."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        model = ScriptedModel()
        model.answer = answer
        given = self.chat(model).run(self.inputs(user, text, session), include_outputs_from={"model"})
        return Shown("\n".join(model.shown), given["model"]["replies"][0].text)

    def chat(self, model: ScriptedModel) -> Pipeline:
        return chat(lambda context: self.bank(context["user"]), model)

    def inputs(self, user: str, text: str, session: str) -> dict[str, Any]:
        return {
            "memory": {"query": text, "context": {"user": user}},
            "prompt": {"question": text},
            "writer": {"session": session, "speaker": user, "context": {"user": user}},
        }

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            asked = asyncio.Event()
            run = asyncio.create_task(self.chat(ScriptedModel(asked)).run_async(self.inputs(user, text, session)))
            await asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

        asyncio.run(break_off())

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        self.say(user, text, session=session)

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return []

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)


class TestMemoryInAPipeline(AdapterContract):
    """The components around a scripted model."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[PipelineTalk]:
        with memkit.open(path, **options) as store:
            yield PipelineTalk(store)


def said(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"])]


def test_a_whole_conversation_that_is_handed_in_at_each_turn_is_observed_once(store: memkit.MemoryStore) -> None:
    bank, history = store.bank("acme", "ana"), list[ChatMessage]()
    writer = MemkitMemoryWriter(bank, session="first")
    for number in range(5):
        history += [ChatMessage.from_user(f"question {number % 2}"), ChatMessage.from_assistant(f"answer {number}")]
        assert writer.run(history)["written"] == 2
    assert said(bank) == [message.text for message in history]


def test_what_was_erased_does_not_come_back_with_its_conversation(store: memkit.MemoryStore) -> None:
    bank, said = store.bank("app", "ana"), ["I keep a hamster.", "Noted.", "It is two years old."]
    messages = [
        ChatMessage.from_assistant(text) if i % 2 else ChatMessage.from_user(text) for i, text in enumerate(said)
    ]
    writer = MemkitMemoryWriter(bank, session="first")
    writer.run(messages)
    for erased in ("I keep a hamster.", "It is two years old."):
        bank.erase(ids=[turn.id for turn in bank.session("first") if turn.text == erased])
        assert writer.run(messages) == {"written": 0}
    assert [turn.text for turn in bank.session("first")] == ["Noted."]


def test_another_reply_to_the_last_message_takes_the_place_of_the_one_before(store: memkit.MemoryStore) -> None:
    bank = store.bank("acme", "ana")
    writer = MemkitMemoryWriter(bank, session="first")
    asked = [ChatMessage.from_user("What can I eat?")]
    writer.run(asked, [ChatMessage.from_assistant("Nuts.")])
    writer.run(asked, [ChatMessage.from_assistant("Rice.")])
    assert said(bank) == ["What can I eat?", "Rice."]


def test_a_message_is_observed_before_a_model_that_may_fail_and_not_again_with_its_reply(
    store: memkit.MemoryStore,
) -> None:
    bank = store.bank("acme", "ana")
    before, after = MemkitMemoryWriter(bank, session="first"), MemkitMemoryWriter(bank, session="first")
    asked = [ChatMessage.from_system("Be kind."), ChatMessage.from_user("I can't eat nuts.")]
    assert before.run(asked) == {"written": 1}
    assert before.run(asked) == {"written": 0}
    assert asyncio.run(after.run_async(asked, [ChatMessage.from_assistant("Noted.")])) == {"written": 1}
    assert said(bank) == ["I can't eat nuts.", "Noted."]


def test_tool_calls_are_kept_as_what_they_are_and_the_speaker_by_name(store: memkit.MemoryStore) -> None:
    from haystack.dataclasses import ToolCall

    bank, call = store.bank("acme", "ana"), ToolCall("weather", {"city": "Lisbon"}, id="1")
    messages = [
        ChatMessage.from_user("Is it raining?"),
        ChatMessage.from_assistant(tool_calls=[call]),
        ChatMessage.from_tool("sunny", origin=call),
        ChatMessage.from_assistant("No."),
    ]
    assert MemkitMemoryWriter(bank, session="first").run(messages, speaker="Ana") == {"written": 4}
    assert MemkitMemoryWriter(bank, session="first").run(messages, speaker="Ana") == {"written": 0}
    assert bank.list(kinds=["turn"])[0].speaker == "Ana"
    assert [m.role for m in bank.list(kinds=["turn"])] == ["user", "assistant", "tool", "assistant"]


def test_what_the_model_has_before_it_anyway_is_not_recalled(store: memkit.MemoryStore) -> None:
    bank = store.bank("acme", "ana")
    bank.observe([("ana", "I can't eat nuts.")])
    retriever = MemkitMemoryRetriever(bank)
    assert "nuts" in retriever.run("Can I eat nuts?")["prompt"]
    assert [d.content for d in retriever.run("Can I eat nuts?")["documents"]] == ["I can't eat nuts."]
    known = [ChatMessage.from_user("I can't eat nuts.")]
    assert retriever.run("Can I eat nuts?", messages=known) == {"prompt": "", "documents": []}


def test_telemetry_is_off_in_these_tests() -> None:
    assert _telemetry.telemetry is None


def test_the_demo_remembers_in_another_conversation_and_sends_nothing() -> None:
    script = str(DEMOS / "with_haystack.py")
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "telemetry off" in result.stdout
    assert "I can't eat nuts." in result.stdout
    assert "Nuts are kept in the cellar." in result.stdout
