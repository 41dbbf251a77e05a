"""Memory for LangChain's agents: recalled into the system message of a call, observed when a run begins and ends."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from threading import Lock
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool

import memkit
from memkit_adapters.langchain.banks import AgentBankOf, agent_bank_function
from memkit_adapters.langchain.exchanges import AgentExchange, ExchangeMessages, is_said
from memkit_adapters.langchain.messages import UNNAMED_PERSON, speaker_of
from memkit_adapters.langchain.with_memory import RecallBudget
from memkit_adapters.sparing import spared, tell_refused

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest
    from langgraph.runtime import Runtime
except ModuleNotFoundError as error:
    raise ImportError(
        "memkit_adapters.langchain: MemoryMiddleware needs LangChain's agents: "
        "pip install 'memkit-agents[langchain-agents]'"
    ) from error

BlockKey = tuple[tuple[str, ...], str | None, str]
MAX_KEPT_BLOCKS = 1_000  # of runs that go on, or that never ended


class MemoryMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """A middleware that gives an agent a memory; the thread's own messages stay as they are.

    `bank`: one bank, or a function from the runtime to the bank of whoever is calling. The session is `session`, or
    `session_id` or `thread_id` in the config's "configurable"; the person's name is `speaker` there. `k`, `max_tokens`:
    how much is recalled, once for what a person said last. `think`: think when a run has ended; else leave it to
    `store.maintain`.
    """

    def __init__(
        self, bank: memkit.Bank | AgentBankOf, *, k: int = 10, max_tokens: int = 1000,
        session: str | None = None, think: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tools: Sequence[BaseTool] = []
        self._bank_of, self._budget = agent_bank_function(bank), RecallBudget(k, max_tokens)
        self._session, self._thinks = session, think
        self._blocks = KeptBlocks()

    def before_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """Observe what the person said, so that it is kept whatever becomes of the run."""
        messages = ExchangeMessages.of(state["messages"])
        with spared("observe", messages.ids):
            bank = self._bank_of(runtime)
            exchange = self._exchange(bank, messages, runtime)
            bank.rename_speaker(UNNAMED_PERSON, speaker_of(exchange.question))
            _tell(exchange.observe_question())

    async def abefore_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """The same, beside the event loop."""
        await asyncio.to_thread(self.before_agent, state, runtime)

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]) -> Any:
        """Call the model with what was recalled at the end of its system message."""
        return handler(with_block(request, self._recalled(request)))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same; the recall runs beside the event loop."""
        return await handler(with_block(request, await asyncio.to_thread(self._recalled, request)))

    def after_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """Observe the answer, with what tools said on the way to it, and think."""
        self._observe_whole(state, runtime)
        if self._thinks:
            with spared("think"):
                self._bank_of(runtime).think()

    async def aafter_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """The same, beside the event loop; a thinker's own async call is awaited."""
        await asyncio.to_thread(self._observe_whole, state, runtime)
        if self._thinks:
            with spared("think"):
                await self._bank_of(runtime).aio.think()

    def _observe_whole(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        messages = ExchangeMessages.of(state["messages"])
        with spared("observe", messages.ids):
            _tell(self._exchange(self._bank_of(runtime), messages, runtime).observe_whole())

    def _exchange(self, bank: memkit.Bank, messages: ExchangeMessages, runtime: Runtime[Any]) -> AgentExchange:
        thread = runtime.execution_info.thread_id if runtime.execution_info else None
        return AgentExchange(bank, messages, ensure_config(), thread=thread, session=self._session)

    def _recalled(self, request: ModelRequest[Any]) -> str:
        """The block for what a person said last; "" where there is none, or the memory fails."""
        question = asked(request)
        if question is None:
            return ""
        with spared("recall"):
            bank = self._bank_of(request.runtime)
            block = None if question is request.messages[-1] else self._blocks.get(bank, question)
            if block is not None:
                return block
            [turn] = bank.read([question])
            recollection = bank.recall(turn.text, k=self._budget.k, without=request.messages)
            block = recollection.prompt(max_tokens=self._budget.max_tokens)
            self._blocks.keep(bank, question, block)
            return block
        return ""


class KeptBlocks:
    """Blocks of runs that go on: a run recalls once for what a person said, not again after each tool."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[BlockKey, str] = OrderedDict()
        self._lock = Lock()

    def get(self, bank: memkit.Bank, question: BaseMessage) -> str | None:
        """The block that was recalled for a question."""
        with self._lock:
            return self._blocks.get(block_key(bank, question))

    def keep(self, bank: memkit.Bank, question: BaseMessage, block: str) -> None:
        """Keep a block for the rest of its run."""
        with self._lock:
            self._blocks[block_key(bank, question)] = block
            while len(self._blocks) > MAX_KEPT_BLOCKS:
                self._blocks.popitem(last=False)


def block_key(bank: memkit.Bank, question: BaseMessage) -> BlockKey:
    """Bank, id and words: callers may give the same id in two threads."""
    return bank.name, question.id, str(question.text)


def asked(request: ModelRequest[Any]) -> BaseMessage | None:
    """The message that a person said last."""
    said = (message for message in reversed(request.messages) if isinstance(message, HumanMessage))
    return next((message for message in said if is_said(message)), None)


def with_block(request: ModelRequest[Any], block: str) -> ModelRequest[Any]:
    """The request with a block after its system message's own words, which stay first, for prompt caches."""
    if not block:
        return request
    message = request.system_message
    if message is None:
        return request.override(system_message=SystemMessage(block))
    own = message.content
    content = f"{own}\n\n{block}" if isinstance(own, str) else [*own, {"type": "text", "text": f"\n\n{block}"}]
    return request.override(system_message=message.model_copy(update={"content": content}))


def _tell(receipt: memkit.Receipt) -> None:
    """Log the turns that were refused, by their ids."""
    tell_refused(receipt, [str(outcome.id) for outcome in receipt.outcomes])
