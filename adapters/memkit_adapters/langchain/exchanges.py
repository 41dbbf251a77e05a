"""The last exchange of an agent: what people said last, and what was answered, as turns of a bank."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig

import memkit
from memkit_adapters.langchain.messages import MESSAGE_ID_KEY, turns_of

SOURCE_KEY = "lc_source"  # additional_kwargs: which middleware wrote a message
MEMORY_TOOL_NAMES = frozenset({"search_memory", "save_memory", "correct_memory", "forget_memory"})


class ExchangeMessages(NamedTuple):
    """Messages of an agent's last exchange. `before`: the one before it, `question`: what people said last."""

    before: list[BaseMessage]
    question: list[BaseMessage]
    answer: list[BaseMessage]

    @classmethod
    def of(cls, messages: Sequence[BaseMessage]) -> Self:
        """The last exchange of a whole thread; empty where nobody spoke."""
        said = [message for message in messages if is_said(message)]
        end = max((i for i, message in enumerate(said, start=1) if isinstance(message, HumanMessage)), default=0)
        start = end
        while start and isinstance(said[start - 1], HumanMessage):
            start -= 1
        return cls(said[max(start - 1, 0) : start], said[start:end], said[end:] if end else [])

    @property
    def ids(self) -> list[str]:
        """Ids by which they are named where they can't be observed."""
        return [message.id for message in (*self.question, *self.answer) if message.id is not None]


class AgentExchange:
    """The last exchange as turns of a bank.

    In a `thread`, whose messages stay, their ids make the turns' ids: what was observed is skipped. Without one the
    same messages get new ids with every call, and their words decide, as `bank.repeated` tells.
    """

    def __init__(
        self, bank: memkit.Bank, messages: ExchangeMessages, config: RunnableConfig, *,
        thread: str | None, session: str | None,
    ) -> None:  # fmt: skip
        self._bank, self._thread = bank, thread
        self._before, self.question, self._answer = (
            [_placed(turn, thread) for turn in turns_of(bank, part, config, session)] for part in messages
        )

    def observe_question(self) -> memkit.Receipt:
        """Observe what people said, where it isn't stored. Raises InputError, StorageError."""
        return self._observe([] if self._stored_question() else self.question)

    def observe_whole(self) -> memkit.Receipt:
        """Observe what answers it, in the place of an earlier answer; what people said, too, where it isn't stored."""
        stored = self._stored_question()
        asked = stored.id if stored is not None else self.question[-1].id if self.question else None
        answer = [replace(turn, reply_to=asked) for turn in self._answer[:1]] + self._answer[1:]
        return self._observe([*([] if stored else self.question), *answer])

    def _observe(self, turns: Sequence[memkit.Turn]) -> memkit.Receipt:
        """Observe turns; in a thread not those that were erased since they were observed."""
        session = turns[0].session if turns and self._thread is not None else None
        return self._bank.observe(turns) if session is None else self._bank.session(session).catch_up(turns)

    def _stored_question(self) -> memkit.Memory | None:
        """The stored turn of what people said, where words tell it; in a thread its id tells."""
        if self._thread is not None:
            return None
        return next(iter(self._bank.repeated([*self._before, *self.question])), None)


def is_said(message: BaseMessage) -> bool:
    """Whether a message is of the conversation: no instruction, no summary of messages, nothing recalled."""
    if isinstance(message, ToolMessage) and message.name in MEMORY_TOOL_NAMES:
        return False
    return not isinstance(message, SystemMessage) and SOURCE_KEY not in message.additional_kwargs


def _placed(turn: memkit.Turn, thread: str | None) -> memkit.Turn:
    """The turn with an id of its thread and message; without a thread with none."""
    metadata = dict(turn.metadata or {})
    if thread is not None:
        message_id = metadata.get(MESSAGE_ID_KEY)
        return turn if message_id is None else replace(turn, id=f"{thread}:{message_id}")
    metadata.pop(MESSAGE_ID_KEY, None)
    return replace(turn, id=None, metadata=metadata or None)
