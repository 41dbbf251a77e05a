"""memkit in LangChain: LangChain's own retriever suite, streaming, cancellation, isolation, histories."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableGenerator, RunnableLambda
from langchain_tests.integration_tests import RetrieversIntegrationTests
from memkit_adapters.langchain import MemkitChatMessageHistory, MemkitRetriever, PostThinking, with_memory
from served_stores import open_served

import memkit
from memkit.banks import Store
from memkit.encoders import HashingEncoder


@pytest.fixture(params=[memkit.open, open_served], ids=["here", "over HTTP"])
def store(request: Any) -> Iterator[Store]:
    with request.param(":memory:", encoder=HashingEncoder()) as opened:
        yield opened


@pytest.fixture
def bank(store: Store) -> memkit.Bank:
    return store.bank("acme", "ana")


class TestStandardRetriever(RetrieversIntegrationTests):
    """LangChain's standard tests for retrievers."""

    @property
    def retriever_constructor(self) -> type[MemkitRetriever]:
        return MemkitRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        bank = memkit.open(":memory:", encoder=HashingEncoder()).bank("ana")
        bank.observe([("ana", f"An example query about topic number {n}") for n in range(10)])
        return {"bank": bank}

    @property
    def retriever_query_example(self) -> str:
        return "example query about a topic"


def seen(model_input: list[Any]) -> str:
    return "\n".join(str(message.content) for message in model_input)


def test_a_model_with_memory_is_told_what_was_said_and_its_answer_is_kept(bank: memkit.Bank) -> None:
    prompts: list[str] = []

    def answer(messages: list[Any]) -> AIMessage:
        prompts.append(seen(messages))
        return AIMessage("Try a curry without nuts.")

    bank.observe([("user", "I can't eat nuts, remember that about nuts")])
    chat = with_memory(RunnableLambda(answer), bank)
    chat.invoke("What can I eat, are nuts fine?")
    assert "can't eat nuts" in prompts[0]
    assert [m.text for m in bank.list()][-2:] == ["What can I eat, are nuts fine?", "Try a curry without nuts."]
    assert [m.role for m in bank.list()][-2:] == ["user", "assistant"]


def test_what_was_recalled_stands_after_the_systems_words_and_is_not_observed(bank: memkit.Bank) -> None:
    prompts: list[list[Any]] = []
    chat = with_memory(RunnableLambda(lambda m: prompts.append(m) or AIMessage("ok")), bank)
    bank.observe([("user", "The vault code is quetzal")])
    chat.invoke([SystemMessage("Be kind."), HumanMessage("What is the vault code quetzal?")])
    assert [m.type for m in prompts[0]] == ["system", "system", "human"]
    assert all("Quotes from the past" not in m.text for m in bank.list())


def test_a_stream_passes_through_chunk_by_chunk(bank: memkit.Bank) -> None:
    given: list[str] = []

    def model(inputs: Iterator[Any]) -> Iterator[AIMessageChunk]:
        for word in ("one ", "two ", "three"):
            given.append(word)
            yield AIMessageChunk(word)

    stream = with_memory(RunnableGenerator(model), bank).stream("count for me")
    assert next(stream).content == "one "
    assert given == ["one "]
    assert [chunk.content for chunk in stream] == ["two ", "three"]
    assert bank.list()[-1].text == "one two three"
    assert "partial" not in bank.list()[-1].metadata


def test_a_broken_off_answer_is_kept_as_partial(bank: memkit.Bank) -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three four")]))
    stream = with_memory(model, bank).stream("count for me")
    next(stream)
    stream.close()
    assert bank.list()[-1].text == "one"
    assert bank.list()[-1].metadata["partial"] is True


async def test_a_cancelled_task_keeps_what_came(bank: memkit.Bank) -> None:
    started = asyncio.Event()

    async def model(inputs: AsyncIterator[Any]) -> AsyncIterator[AIMessageChunk]:
        yield AIMessageChunk("half an ")
        yield AIMessageChunk("answer")
        started.set()
        await asyncio.sleep(60)

    async def consume() -> None:
        async for _ in with_memory(RunnableGenerator(model), bank).astream("talk to me"):
            pass

    task = asyncio.create_task(consume())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bank.list()[-1].text == "half an answer"
    assert bank.list()[-1].metadata["partial"] is True


def test_the_question_is_kept_even_when_the_model_fails(bank: memkit.Bank) -> None:
    def fail(_: Any) -> AIMessage:
        raise RuntimeError("no model")

    with pytest.raises(RuntimeError):
        with_memory(RunnableLambda(fail), bank).invoke("Are you there?")
    assert [m.text for m in bank.list()] == ["Are you there?"]


async def test_the_awaited_call_does_the_same(bank: memkit.Bank) -> None:
    chat = with_memory(FakeListChatModel(responses=["Noted."]), bank)
    answer = await chat.ainvoke([HumanMessage("My dog is called Pipo")])
    assert answer.content == "Noted."
    assert [m.text for m in bank.list()] == ["My dog is called Pipo", "Noted."]


def test_one_chain_serves_two_people_and_never_mixes_them(store: Store) -> None:
    prompts: list[str] = []
    model = RunnableLambda(lambda messages: prompts.append(seen(messages)) or AIMessage("ok"))
    chat = with_memory(model, lambda config: store.bank("app", config["configurable"]["user"]))
    ana, bob = ({"configurable": {"user": user, "speaker": user}} for user in ("ana", "bob"))
    chat.invoke("My secret word is quetzal", ana)
    chat.invoke("What is my secret word?", bob)
    assert "quetzal" not in prompts[1]
    chat.invoke("Say again, what is my secret word?", ana)
    assert "quetzal" in prompts[2]
    assert {m.speaker for m in store.bank("app", "ana").list() if m.role == "user"} == {"ana"}


def test_a_long_chat_is_not_observed_again_with_every_call(bank: memkit.Bank) -> None:
    chat = with_memory(FakeListChatModel(responses=["Hello!", "Fine."]), bank)
    chat.invoke([HumanMessage("Hi there")])
    chat.invoke([HumanMessage("Hi there"), AIMessage("Hello!"), HumanMessage("How are you today?")])
    assert [m.text for m in bank.list()] == ["Hi there", "Hello!", "How are you today?", "Fine."]


def test_the_updater_observes_and_thinks(bank: memkit.Bank) -> None:
    receipt = PostThinking(bank).invoke({"input": "I moved to Lisbon in May 2024.", "output": "How nice!"})
    assert receipt.count("added") == 1
    assert [m.kind for m in bank.list()] == ["turn", "turn", "thought"]
    assert PostThinking(bank).invoke(None).outcomes == ()


async def test_the_updater_is_awaitable(bank: memkit.Bank) -> None:
    receipt = await PostThinking(bank).ainvoke([HumanMessage("I moved to Lisbon in May 2024.")])
    assert receipt.count("added") == 1


def test_a_chat_history_gives_back_its_own_sessions_messages(bank: memkit.Bank) -> None:
    one, two = MemkitChatMessageHistory(bank, "one"), MemkitChatMessageHistory(bank, "two")
    call = {"name": "weather", "args": {"city": "Porto"}, "id": "c1", "type": "tool_call"}
    one.add_messages(
        [HumanMessage("Will it rain?"), AIMessage("", tool_calls=[call]), ToolMessage("yes", tool_call_id="c1")]
    )
    two.add_messages([HumanMessage("Something else")])
    assert [m.type for m in one.messages] == ["human", "ai", "tool"]
    assert one.messages[1].tool_calls[0]["args"] == {"city": "Porto"}  # type: ignore[attr-defined]
    assert [m.content for m in two.messages] == ["Something else"]
    one.clear()
    assert one.messages == []
    assert len(two.messages) == 1


def test_documents_carry_where_they_are_from(bank: memkit.Bank) -> None:
    bank.observe([memkit.Turn("The key lies under the flowerpot", "ana", id="t1", session="home")])
    [document] = MemkitRetriever(bank=bank).invoke("key under the flowerpot")
    assert document.id == "t1"
    assert document.metadata["speaker"] == "ana"
    assert document.metadata["session"] == "home"
