"""One call of a model with memory: its turns, its prompt, its answer."""

from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.runnables import RunnableConfig

import memkit
from memkit_adapters.langchain.banks import BankOf
from memkit_adapters.langchain.messages import turns_of
from memkit_adapters.sparing import spared


class MemoryCall:
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
