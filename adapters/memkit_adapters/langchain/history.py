"""A session of a bank as a chat history."""

from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

import memkit
from memkit_adapters.langchain.messages import message_of, turns_of


class MemkitChatMessageHistory(BaseChatMessageHistory):
    """The messages of one session, kept in a bank.

    `clear` takes them out of the history and of recall; what is to be gone for good is erased with
    `bank.erase(bank.plan_erase(session=...))`.
    """

    def __init__(self, bank: memkit.Bank, session: str) -> None:
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
