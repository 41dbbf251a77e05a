"""memkit in LangChain: a retriever, the post-thinking updater, a chat history, and memory around any model.

    from memkit_adapters.langchain import with_memory

    chat = with_memory(model, store.bank("acme", "ana"))
    chat.invoke("What can I cook when Rita comes?")   # recalls before, observes after

One chain may serve many people: give a function from the call's config to a bank.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from pydantic import ConfigDict

import memkit
from memkit.errors import InputError
from memkit_adapters.langchain_messages import (
    UNNAMED_PERSON,
    exchange_of,
    message_of,
    messages_of,
    speaker_of,
    turns_of,
)
from memkit_adapters.sparing import spared

BankOf = Callable[[RunnableConfig], memkit.MemoryBank]


class MemkitRetriever(BaseRetriever):
    """A bank as a retriever: memories as Documents, best first. `k` may also be given to `invoke`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    bank: memkit.MemoryBank
    k: int = 10
    options: dict[str, Any] = {}
    """Further options of `bank.recall`, for example {"speaker": "ana"}."""

    def _asked(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"k": self.k, **self.options, **options}

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        recollection = self.bank.recall(query, **self._asked(options))
        recollection.use()
        return recollection.documents()

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        recollection = await self.bank.aio.recall(query, **self._asked(options))
        recollection.use()
        return recollection.documents()


class PostThinking(Runnable[Any, memkit.Receipt]):
    """The post-thinking updater (TiM): observes what it is given, thinks about it, gives the receipt.

    Takes messages, {"input": ..., "output": ...} or None (then it only thinks). Put it beside the answer,
    not before it: it may ask a model.
    """

    def __init__(self, bank: memkit.MemoryBank | BankOf, *, session: str | None = None) -> None:
        self._bank_of, self._session = _function(bank), session

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> memkit.Receipt:
        """Observe and think."""
        bank, turns = self._read(input, ensure_config(config))
        if turns:
            bank.rename_speaker(UNNAMED_PERSON, speaker_of(turns))
            bank.observe(_answered_again(turns, bank.repeated(turns[:-1])))
        return bank.think()

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> memkit.Receipt:
        """The same, awaited."""
        bank, turns = self._read(input, ensure_config(config))
        if turns:
            await bank.aio.rename_speaker(UNNAMED_PERSON, speaker_of(turns))
            await bank.aio.observe(_answered_again(turns, await bank.aio.repeated(turns[:-1])))
        return await bank.aio.think()

    def _read(self, input: Any, config: RunnableConfig) -> tuple[memkit.MemoryBank, list[memkit.Turn]]:
        bank = self._bank_of(config)
        return bank, turns_of(bank, exchange_of(input), config, self._session)


def _answered_again(turns: list[memkit.Turn], question: Sequence[memkit.Memory]) -> list[memkit.Turn]:
    """The answer alone, where what it answers is stored."""
    is_answer = question and turns[-1].role == "assistant"
    return [replace(turns[-1], reply_to=question[0].id)] if is_answer else turns


class MemkitChatMessageHistory(BaseChatMessageHistory):
    """The messages of one session, kept in a bank.

    `clear` takes them out of the history and of recall; what is to be gone for good is erased with
    `bank.erase(bank.plan_erase(session=...))`.
    """

    def __init__(self, bank: memkit.MemoryBank, session: str) -> None:
        self.bank, self.session = bank, session

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """The session's messages, oldest first."""
        return [message_of(memory) for memory in self.bank.session(self.session)]

    async def aget_messages(self) -> list[BaseMessage]:
        """The same, awaited."""
        return [message_of(memory) for memory in await self.bank.aio.session(self.session).last()]

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Observe messages as turns of this session."""
        self.bank.observe(turns_of(self.bank, messages, {}, self.session))

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """The same, awaited."""
        await self.bank.aio.observe(turns_of(self.bank, messages, {}, self.session))

    def clear(self) -> None:
        """Forget the session's turns."""
        ids = [memory.id for memory in self.bank.session(self.session)]
        if ids:
            self.bank.forget(ids, reason="the chat history was cleared")


def with_memory(
    model: Runnable[Any, Any],
    bank: memkit.MemoryBank | BankOf,
    *,
    k: int = 10,
    max_tokens: int = 1000,
    session: str | None = None,
) -> "WithMemory":
    """A chat model or chain that recalls before it answers and observes after.

    `bank`: one bank, or a function from the call's config to the bank of whoever is calling. The session
    is `session`, or `session_id` in the config's "configurable"; the person's name is `speaker` there. What the
    call's messages hold is left out of what is recalled. An answer to the same last message of the same session
    takes the place of the one before. `bind_tools` and `with_structured_output` work as they do on the model.
    """
    return WithMemory(model, _function(bank), RecallBudget(k, max_tokens), session)


class RecallBudget(NamedTuple):
    """Budget of what is recalled into a prompt: results, and tokens of the block."""

    k: int
    max_tokens: int


class WithMemory(Runnable[Any, Any]):
    """A model with memory: takes text or messages, gives what the model gives."""

    def __init__(self, model: Runnable[Any, Any], bank_of: BankOf, budget: RecallBudget, session: str | None) -> None:
        self._model, self._bank_of, self._budget, self._session = model, bank_of, budget, session

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> "WithMemory":
        """The model with tools that it may call, and with the same memory."""
        return WithMemory(self._bound("bind_tools", tools, **kwargs), self._bank_of, self._budget, self._session)

    def with_structured_output(self, schema: Any, *, include_raw: bool = False, **kwargs: Any) -> "WithMemory":
        """The model answering in a schema, with the same memory, which keeps the message that holds the answer."""
        model = self._bound("with_structured_output", schema, include_raw=True, **kwargs)
        return StructuredWithMemory(model, self._bank_of, self._budget, self._session, include_raw=include_raw)

    def _bound(self, name: str, *args: Any, **kwargs: Any) -> Runnable[Any, Any]:
        bind = getattr(self._model, name, None)
        if bind is None:
            kind = type(self._model).__name__
            raise InputError(f"{name}: a {kind} has no such method. Bind the chat model before it goes into a chain.")
        bound: Runnable[Any, Any] = bind(*args, **kwargs)
        return bound

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Recall, observe what was asked, answer, observe the answer."""
        call, prompt = self._begun(input, config)
        answer = self._model.invoke(prompt, config, **kwargs)
        call.observe(self._message_of(answer))
        return self._given(answer)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The same, awaited."""
        call, prompt = await self._abegun(input, config)
        answer = await self._model.ainvoke(prompt, config, **kwargs)
        await call.aobserve(self._message_of(answer))
        return self._given(answer)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """The model's chunks as they come; what came is kept, as partial where the answer broke off."""
        call, prompt = self._begun(input, config)
        chunks: list[Any] = []
        try:
            for chunk in self._model.stream(prompt, config, **kwargs):
                chunks.append(chunk)
                yield chunk
            call.done = True
        finally:
            call.observe(*chunks)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """The same, awaited. A cancelled answer is kept before the cancellation goes on."""
        call, prompt = await self._abegun(input, config)
        chunks: list[Any] = []
        try:
            async for chunk in self._model.astream(prompt, config, **kwargs):
                chunks.append(chunk)
                yield chunk
            call.done = True
        finally:
            if call.done:
                await call.aobserve(*chunks)
            else:
                call.observe(*chunks)  # nothing may be awaited in a cancelled task

    def _message_of(self, answer: Any) -> Any:
        """Message of an answer, which is observed."""
        return answer

    def _given(self, answer: Any) -> Any:
        """Answer as the caller gets it."""
        return answer

    def _begun(self, input: Any, config: RunnableConfig | None) -> "tuple[_Call, list[BaseMessage]]":
        call = self._call(input, config)
        prompt = call.prompt(None)
        with spared("recall"):
            call.bank.rename_speaker(UNNAMED_PERSON, speaker_of(call.turns))
            call.repeats = call.bank.repeated(call.turns)
            prompt = call.prompt(call.bank.recall(call.question, k=self._budget.k, without=call.before_the_model))
        with spared("observe", call.message_ids):
            call.heard(call.bank.observe(call.new_turns))
        return call, prompt

    async def _abegun(self, input: Any, config: RunnableConfig | None) -> "tuple[_Call, list[BaseMessage]]":
        call = self._call(input, config)
        bank, prompt = call.bank.aio, call.prompt(None)
        with spared("recall"):
            await bank.rename_speaker(UNNAMED_PERSON, speaker_of(call.turns))
            call.repeats = await bank.repeated(call.turns)
            prompt = call.prompt(await bank.recall(call.question, k=self._budget.k, without=call.before_the_model))
        with spared("observe", call.message_ids):
            call.heard(await bank.observe(call.new_turns))
        return call, prompt

    def _call(self, input: Any, config: RunnableConfig | None) -> "_Call":
        return _Call(self._bank_of, ensure_config(config), messages_of(input), self._budget.max_tokens, self._session)


class StructuredWithMemory(WithMemory):
    """A model with memory that answers in a schema; a stream of it is its one answer."""

    def __init__(self, *args: Any, include_raw: bool) -> None:
        super().__init__(*args)
        self._include_raw = include_raw

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """The answer, once it is whole."""
        yield self.invoke(input, config, **kwargs)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """The same, awaited."""
        yield await self.ainvoke(input, config, **kwargs)

    def _message_of(self, answer: Any) -> Any:
        return answer["raw"]

    def _given(self, answer: Any) -> Any:
        if self._include_raw:
            return answer
        if answer["parsing_error"] is not None:
            raise answer["parsing_error"]
        return answer["parsed"]


class _Call:
    """One call of a model with memory: what was asked, and by whom.

    `repeats`: the stored turn that is answered again, and what came after it; empty for a new one.
    """

    def __init__(
        self,
        bank_of: BankOf,
        config: RunnableConfig,
        messages: list[BaseMessage],
        max_tokens: int,
        session: str | None,
    ) -> None:
        self.bank = bank_of(config)
        self.done = False
        self.repeats: list[memkit.Memory] = []
        self._config, self._messages, self._max_tokens, self._session = config, messages, max_tokens, session
        said = [message for message in messages if not isinstance(message, SystemMessage)]
        self.turns = turns_of(self.bank, said, config, session)
        self._reply_to: str | None = None

    @property
    def question(self) -> str:
        """Words that the person said last."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")

    @property
    def before_the_model(self) -> list[memkit.Turn]:
        """Turns that need not be recalled: the call's own, and an answer that is about to be replaced."""
        return [*self.turns, *(memkit.Turn(m.text, m.speaker or "assistant") for m in self.repeats[1:])]

    @property
    def new_turns(self) -> list[memkit.Turn]:
        """The turns since the last answer: what came before was observed with earlier calls."""
        start = max((i for i, turn in enumerate(self.turns, start=1) if turn.role == "assistant"), default=0)
        return [] if self.repeats else self.turns[start:]

    @property
    def message_ids(self) -> list[str]:
        """Ids of the new turns' messages, of those that have one."""
        ids = ((turn.metadata or {}).get("message_id") for turn in self.new_turns)
        return [str(id) for id in ids if id is not None]

    def observe(self, *chunks: Any) -> None:
        """Observe the answer; the agent goes on where that fails."""
        with spared("observe", [str(chunk.id) for chunk in chunks[:1] if getattr(chunk, "id", None)]):
            self.bank.observe(self.answered(*chunks))

    async def aobserve(self, *chunks: Any) -> None:
        """The same, awaited."""
        with spared("observe", [str(chunk.id) for chunk in chunks[:1] if getattr(chunk, "id", None)]):
            await self.bank.aio.observe(self.answered(*chunks))

    def heard(self, receipt: memkit.Receipt) -> None:
        """Note the turn that the answer will answer."""
        if self.turns and self.turns[-1].role == "user":
            self._reply_to = self.repeats[0].id if self.repeats else receipt.outcomes[-1].id

    def prompt(self, recollection: memkit.Recollection | None) -> list[BaseMessage]:
        """The messages for the model: what was recalled, if anything, stands after the system's words."""
        block = recollection.prompt(max_tokens=self._max_tokens) if recollection is not None and self.question else ""
        head = [message for message in self._messages if isinstance(message, SystemMessage)]
        rest = [message for message in self._messages if not isinstance(message, SystemMessage)]
        return [*head, *([SystemMessage(block)] if block else []), *rest]

    def answered(self, *chunks: Any) -> list[memkit.Turn]:
        """The answer as a turn, marked where it is only a part; nothing where there is none."""
        if not chunks:
            return []
        whole = reduce(add, chunks)
        message = whole if isinstance(whole, BaseMessage) else AIMessage(str(whole))
        is_stream = len(chunks) > 1 or type(chunks[0]).__name__.endswith("Chunk")
        [turn] = turns_of(self.bank, [message], self._config, self._session)
        metadata = {**(turn.metadata or {}), **({"partial": True} if is_stream and not self.done else {})}
        return [replace(turn, reply_to=self._reply_to, metadata=metadata or None)]


def _function(bank: memkit.MemoryBank | BankOf) -> BankOf:
    if isinstance(bank, memkit.MemoryBank):
        return lambda config: bank
    return bank
