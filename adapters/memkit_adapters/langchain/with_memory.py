"""Memory around any chat model or chain: recalled before, observed after."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config

import memkit
from memkit.errors import InputError
from memkit_adapters.langchain.banks import BankOf, bank_function
from memkit_adapters.langchain.call import MemoryCall
from memkit_adapters.langchain.messages import UNNAMED_PERSON, messages_of, speaker_of
from memkit_adapters.sparing import spared


def with_memory(
    model: Runnable[Any, Any],
    bank: memkit.Bank | BankOf,
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
    return WithMemory(model, bank_function(bank), RecallBudget(k, max_tokens), session)


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

    def _begun(self, input: Any, config: RunnableConfig | None) -> tuple[MemoryCall, list[BaseMessage]]:
        call = self._call(input, config)
        prompt = call.prompt(None)
        with spared("recall"):
            call.bank.rename_speaker(UNNAMED_PERSON, speaker_of(call.turns))
            call.repeats = call.bank.repeated(call.turns)
            prompt = call.prompt(call.bank.recall(call.question, k=self._budget.k, without=call.before_the_model))
        with spared("observe", call.message_ids):
            call.heard(call.bank.observe(call.new_turns))
        return call, prompt

    async def _abegun(self, input: Any, config: RunnableConfig | None) -> tuple[MemoryCall, list[BaseMessage]]:
        call = self._call(input, config)
        bank, prompt = call.bank.aio, call.prompt(None)
        with spared("recall"):
            await bank.rename_speaker(UNNAMED_PERSON, speaker_of(call.turns))
            call.repeats = await bank.repeated(call.turns)
            prompt = call.prompt(await bank.recall(call.question, k=self._budget.k, without=call.before_the_model))
        with spared("observe", call.message_ids):
            call.heard(await bank.observe(call.new_turns))
        return call, prompt

    def _call(self, input: Any, config: RunnableConfig | None) -> MemoryCall:
        return MemoryCall(
            self._bank_of, ensure_config(config), messages_of(input), self._budget.max_tokens, self._session
        )


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
