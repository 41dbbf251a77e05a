"""memkit in LangChain: a retriever, the post-thinking updater, a chat history, and memory around any model.

    from memkit_adapters.langchain import with_memory

    chat = with_memory(model, store.bank("acme", "ana"))
    chat.invoke("What can I cook when Rita comes?")   # recalls before, observes after

One chain may serve many people: give a function from the call's config to a bank.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from pydantic import ConfigDict

import memkit

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
        settled = ensure_config(config)
        bank, messages = self._bank_of(settled), _exchange(input)
        if messages:
            bank.observe(_turns(messages, settled, self._session))
        return bank.think()

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> memkit.Receipt:
        """The same, awaited."""
        settled = ensure_config(config)
        bank, messages = self._bank_of(settled), _exchange(input)
        if messages:
            await bank.aio.observe(_turns(messages, settled, self._session))
        return await bank.aio.think()


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
        return [_message(memory) for memory in self._memories()]

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Observe messages as turns of this session."""
        self.bank.observe(_turns(messages, {}, self.session))

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """The same, awaited."""
        await self.bank.aio.observe(_turns(messages, {}, self.session))

    def clear(self) -> None:
        """Forget the session's turns."""
        ids = [memory.id for memory in self._memories()]
        if ids:
            self.bank.forget(ids, reason="the chat history was cleared")

    def _memories(self) -> Iterator[memkit.Memory]:
        after: str | None = None
        while page := self.bank.list(kinds=["turn"], after=after, limit=1000):
            yield from (memory for memory in page if memory.session == self.session)
            after = page[-1].id


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
    is `session`, or `session_id` in the config's "configurable"; the person's name is `speaker` there.
    """
    return WithMemory(model, _function(bank), k=k, max_tokens=max_tokens, session=session)


class WithMemory(Runnable[Any, Any]):
    """A model with memory: takes text or messages, gives what the model gives."""

    def __init__(
        self, model: Runnable[Any, Any], bank_of: BankOf, *, k: int, max_tokens: int, session: str | None
    ) -> None:
        self._model, self._bank_of = model, bank_of
        self._k, self._max_tokens, self._session = k, max_tokens, session

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Recall, observe what was asked, answer, observe the answer."""
        call, prompt = self._begun(input, config)
        answer = self._model.invoke(prompt, config, **kwargs)
        call.bank.observe(call.answered(answer))
        return answer

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The same, awaited."""
        call, prompt = await self._abegun(input, config)
        answer = await self._model.ainvoke(prompt, config, **kwargs)
        await call.bank.aio.observe(call.answered(answer))
        return answer

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
            call.bank.observe(call.answered(*chunks))

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
                await call.bank.aio.observe(call.answered(*chunks))
            else:
                call.bank.observe(call.answered(*chunks))  # nothing may be awaited in a cancelled task

    def _begun(self, input: Any, config: RunnableConfig | None) -> "tuple[_Call, list[BaseMessage]]":
        call = _Call(self, ensure_config(config), _messages(input))
        prompt = call.asked(call.bank.recall(call.question, k=self._k) if call.question else None)
        call.bank.observe(call.heard())
        return call, prompt

    async def _abegun(self, input: Any, config: RunnableConfig | None) -> "tuple[_Call, list[BaseMessage]]":
        call = _Call(self, ensure_config(config), _messages(input))
        prompt = call.asked(await call.bank.aio.recall(call.question, k=self._k) if call.question else None)
        await call.bank.aio.observe(call.heard())
        return call, prompt


class _Call:
    """One call of a model with memory: what was asked, and by whom."""

    def __init__(self, owner: WithMemory, config: RunnableConfig, messages: list[BaseMessage]) -> None:
        self.bank = owner._bank_of(config)
        self.done = False
        self._owner, self._config, self._messages = owner, config, messages
        humans = [message for message in messages if isinstance(message, HumanMessage)]
        self.question = str(humans[-1].text) if humans else ""

    def asked(self, recollection: memkit.Recollection | None) -> list[BaseMessage]:
        """The messages for the model: what was recalled stands after the system's words."""
        block = recollection.prompt(max_tokens=self._owner._max_tokens) if recollection is not None else ""
        head = [message for message in self._messages if isinstance(message, SystemMessage)]
        rest = [message for message in self._messages if not isinstance(message, SystemMessage)]
        return [*head, *([SystemMessage(block)] if block else []), *rest]

    def heard(self) -> list[memkit.Turn]:
        """The messages since the last answer: what came before was observed with earlier calls."""
        start = max(
            (i for i, message in enumerate(self._messages, start=1) if isinstance(message, AIMessage)), default=0
        )
        return _turns(
            [message for message in self._messages[start:] if not isinstance(message, SystemMessage)],
            self._config,
            self._owner._session,
        )

    def answered(self, *chunks: Any) -> list[memkit.Turn]:
        """The answer as a turn, marked where it is only a part; nothing where there is none."""
        if not chunks:
            return []
        whole = reduce(add, chunks)
        message = whole if isinstance(whole, BaseMessage) else AIMessage(str(whole))
        is_stream = len(chunks) > 1 or type(chunks[0]).__name__.endswith("Chunk")
        return _turns([message], self._config, self._owner._session, partial=is_stream and not self.done)


def _function(bank: memkit.MemoryBank | BankOf) -> BankOf:
    if isinstance(bank, memkit.MemoryBank):
        return lambda config: bank
    return bank


def _messages(input: Any) -> list[BaseMessage]:
    """A call's input as messages: text, a prompt value, messages, or {"input" or "messages": ...}."""
    if isinstance(input, dict):
        input = input.get("messages", input.get("input", ""))
    if hasattr(input, "to_messages"):
        return list(input.to_messages())
    if isinstance(input, str | BaseMessage):
        input = [input]
    return list(convert_to_messages(input))


def _exchange(input: Any) -> list[BaseMessage]:
    if input is None:
        return []
    if isinstance(input, dict) and "output" in input:
        answer = input["output"]
        return [*_messages(input), answer if isinstance(answer, BaseMessage) else AIMessage(str(answer))]
    return _messages(input)


def _turns(
    messages: Sequence[BaseMessage], config: RunnableConfig, session: str | None, *, partial: bool = False
) -> list[memkit.Turn]:
    """Messages as turns of the call's session and speaker. Ids stay with LangChain: models repeat them."""
    given = config.get("configurable") or {}
    named = session or given.get("session_id") or given.get("thread_id")
    return [_turn(message, given.get("speaker"), named, partial=partial) for message in messages]


ROLES_BY_TYPE: dict[str, Any] = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
}


def _turn(message: BaseMessage, speaker: str | None, session: str | None, *, partial: bool) -> memkit.Turn:
    role = ROLES_BY_TYPE.get(message.type.removesuffix("MessageChunk").lower(), "user")
    metadata: dict[str, Any] = {}
    if isinstance(message.content, list):
        others = [b for b in message.content if isinstance(b, dict) and b.get("type") != "text"]
        metadata |= {"blocks": [b.get("type", "unknown") for b in others]} if others else {}
    for name in ("tool_calls", "tool_call_id"):
        metadata |= {name: getattr(message, name)} if getattr(message, name, None) else {}
    metadata |= {"partial": True} if partial else {}
    who = message.name or (speaker if role == "user" and speaker else role)
    return memkit.Turn(str(message.text), who, role=role, session=session, metadata=metadata or None)


def _message(memory: memkit.Memory) -> BaseMessage:
    """A stored turn as a message again."""
    kinds: dict[str | None, type[BaseMessage]] = {"assistant": AIMessage, "system": SystemMessage}
    name = memory.speaker if memory.speaker != memory.role else None
    if memory.role == "tool":
        return ToolMessage(memory.text, tool_call_id=str(memory.metadata.get("tool_call_id", "")))
    extra = {"tool_calls": memory.metadata["tool_calls"]} if memory.metadata.get("tool_calls") else {}
    return kinds.get(memory.role, HumanMessage)(content=memory.text, name=name, **extra)
