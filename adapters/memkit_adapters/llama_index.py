"""memkit as a memory block of LlamaIndex: what was said in any session comes back where it answers.

    from memkit_adapters.llama_index import MemkitMemoryBlock

    block = MemkitMemoryBlock(store.bank("acme", "ana"))
    memory = Memory.from_defaults(session_id="monday", memory_blocks=[block])

LlamaIndex gives a block only what falls out of a long history, so that short talks would never reach it. This block
also observes the history that it is shown with each question. The last answer is shown with the next one;
`observe(memory)` takes it in at the end of a talk.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, NamedTuple

from pydantic import Field, PrivateAttr

import memkit
from memkit_adapters.sparing import spared, tell_refused

try:
    from llama_index.core.async_utils import asyncio_run
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.memory import BaseMemoryBlock, Memory
    from llama_index.core.storage.chat_store.base_db import MessageStatus
    from llama_index.core.utils import get_tokenizer
except ModuleNotFoundError as error:
    raise ImportError(
        "memkit_adapters.llama_index needs LlamaIndex: pip install 'memkit-agents[llama-index]'"
    ) from error

BankOf = Callable[[str | None], memkit.Bank]

MEMKIT_ROLES = {"user": "user", "assistant": "assistant", "chatbot": "assistant", "model": "assistant"}
REASONING_PREFIX, ANSWER_MARK = "Thought:", "Answer:"  # of a ReAct agent's message
MAX_KEPT_RECOLLECTIONS = 16  # that may still be asked to be shorter


class MemkitMemoryBlock(BaseMemoryBlock[str]):  # type: ignore[misc, unused-ignore]
    """A memory block on a bank, or on a function from the session's id (None where there is none) to a bank.

    What it shows holds at most `k` memories and `max_tokens` of the tokenizer, by default the same as Memory's. Where
    the bank fails, the talk goes on: messages that fell out of the history are kept by this object, and observed with
    the next ones. `speaker` names the person.
    """

    name: str = "memkit"
    description: str | None = "What was said in earlier sessions."
    priority: int = 1
    bank: Any = Field(exclude=True, repr=False)
    k: int = 10
    max_tokens: int = 1000
    speaker: str = "user"
    tokenizer_fn: Callable[[str], list[Any]] = Field(default_factory=get_tokenizer, exclude=True)

    _lock: Any = PrivateAttr(default_factory=Lock)
    _unsaved: dict[str, list["_Said"]] = PrivateAttr(default_factory=dict)
    _rendered: OrderedDict[str, memkit.Recollection] = PrivateAttr(default_factory=OrderedDict)

    def __init__(self, bank: memkit.Bank | BankOf, **fields: Any) -> None:
        super().__init__(bank=bank, **fields)

    def observe(self, memory: Memory) -> None:
        """Observe what a Memory holds now, its last answer too."""
        asyncio_run(self.aobserve(memory))

    async def aobserve(self, memory: Memory) -> None:
        """The same, awaited."""
        messages = await memory.aget_all(status=MessageStatus.ACTIVE)
        await asyncio.to_thread(self._observe, messages, memory.session_id, is_flushed=False)

    async def aput(
        self, messages: list[ChatMessage], from_short_term_memory: bool = False, session_id: str | None = None
    ) -> None:
        """Observe messages: those that fell out of a session's history, or any. They are left as they are."""
        if from_short_term_memory and session_id is not None:
            if self.accept_short_term_memory:
                await asyncio.to_thread(self._observe, messages, session_id, is_flushed=True)
        else:
            await asyncio.to_thread(self._put, messages, session_id)

    async def _aput(self, messages: list[ChatMessage]) -> None:
        session_id = next((m.additional_kwargs.get("session_id") for m in messages), None)
        await asyncio.to_thread(self._put, messages, session_id)

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        """The block for a prompt: what answers the person's last words and isn't in the history; else the portrait."""
        return await asyncio.to_thread(self._get, _without_repeat(messages or []), block_kwargs.get("session_id"))

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """The same block with fewer or shorter quotes; None where that leaves none."""
        hits = self._rendered.get(content)
        budget = self._count(content) - tokens_to_truncate
        return await asyncio.to_thread(self._prompt, hits, budget) or None if hits is not None and budget > 0 else None

    # in threads beside the event loop

    def _bank_of(self, session_id: str | None) -> memkit.Bank:
        bank: memkit.Bank = self.bank(session_id) if callable(self.bank) else self.bank
        return bank

    def _count(self, text: str) -> int:
        return len(self.tokenizer_fn(text))

    def _get(self, messages: list[ChatMessage], session_id: str | None) -> str:
        said, block = _said_in(messages), ""
        with spared("recall"):
            block = self._prompt(self._recalled(self._bank_of(session_id), said), self.max_tokens)
        if session_id is not None:
            self._observe(messages, session_id, is_flushed=False)
        return block

    def _recalled(self, bank: memkit.Bank, said: Sequence["_Said"]) -> memkit.Recollection:
        question = next((each.text for each in reversed(said) if each.role == "user"), "")
        if not question:
            return memkit.Recollection(portrait=bank.portrait(), standing=bank.standing, zone=bank.zone)
        return bank.recall(question, k=self.k, without=[self._turn(each, None) for each in said])

    def _prompt(self, hits: memkit.Recollection, budget: int) -> str:
        block = hits.prompt(budget, self._count)
        if block:
            self._rendered[block] = hits
            while len(self._rendered) > MAX_KEPT_RECOLLECTIONS:
                self._rendered.popitem(last=False)
        return block

    def _turn(self, said: "_Said", session: str | None) -> dict[str, Any]:
        name = said.name or (self.speaker if said.role == "user" else said.role)
        return {"role": said.role, "name": name, "content": said.text, "session": session}

    def _put(self, messages: list[ChatMessage], session_id: str | None) -> None:
        with spared("observe"):
            turns = [self._turn(each, session_id) for each in _said_in(messages)]
            if turns:
                tell_refused(self._bank_of(session_id).observe(turns), [f"{n} of a batch" for n in range(len(turns))])

    def _observe(self, messages: list[ChatMessage], session_id: str, *, is_flushed: bool) -> None:
        """Observe those of a session's messages, given as far as they are still in its history, that are new."""
        with self._lock:
            before = self._unsaved.get(session_id, [])
            said = [*before, *_said_in(messages)]
            self._unsaved[session_id] = flushed = said if is_flushed else before
            with spared("observe", [f"{session_id}, the last {len(said)}"]):
                self._take(self._bank_of(session_id), session_id, said, len(flushed))
                del self._unsaved[session_id]

    def _take(self, bank: memkit.Bank, session_id: str, said: Sequence["_Said"], leaving: int) -> None:
        """Observe what is new of messages, of which so many leave the history."""
        receipt = bank.session(session_id).catch_up([self._turn(each, None) for each in said], leaving=leaving)
        tell_refused(receipt, [f"{session_id}, {number} of {len(said)}" for number in range(1, len(said) + 1)])


class _Said(NamedTuple):
    """Words of a message. `name`: the speaker's, where the message tells it."""

    role: str
    text: str
    name: str | None = None


def _without_repeat(messages: list[ChatMessage]) -> list[ChatMessage]:
    """The same without the question that Memory hands in beside a history that ends with it, as ReActAgent has it."""
    is_repeated = len(messages) > 1 and messages[-1].role.value == "user" and messages[-1] == messages[-2]
    return messages[:-1] if is_repeated else messages


def _said_in(messages: Iterable[ChatMessage]) -> list[_Said]:
    """Words of people and agents, in order."""
    every = [_Said(MEMKIT_ROLES.get(message.role.value, ""), _words(message), _name(message)) for message in messages]
    return [each for each in every if each.text and each.role]


def _name(message: ChatMessage) -> str | None:
    name = message.additional_kwargs.get("name")
    return name if isinstance(name, str) and name.strip() else None


def _words(message: ChatMessage) -> str:
    """Words of a message; of a ReAct agent's its answer."""
    text = (message.content or "").strip()
    if message.role.value == "assistant" and text.startswith(REASONING_PREFIX):
        return text.rpartition(ANSWER_MARK)[2].strip() if ANSWER_MARK in text else ""
    return text
