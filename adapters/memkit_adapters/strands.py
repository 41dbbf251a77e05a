"""memkit as a memory store of Strands Agents: what was said with any agent, shown to every later one.

    from memkit_adapters.strands import MemkitMemoryStore

    agent = Agent(model=model, memory_manager=MemoryManager(stores=[MemkitMemoryStore(store.bank("acme", "ana"))]))

After each invocation the agent's messages are observed; before each answer what is relevant is shown to the model, by
Strands' own injection, or by its tool `search_memory`. Strands tells a store nothing of whom it serves: one per person.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from secrets import token_bytes
from typing import Any

import memkit
from memkit.errors import InputError, MemkitError
from memkit_adapters.facts import fact
from memkit_adapters.sparing import log, spared, tell_refused

try:
    from strands.memory import (
        AddMessagesContext,
        ExtractionConfig,
        InvocationTrigger,
        MemoryEntry,
        MemoryStore,
        SearchOptions,
    )
    from strands.types.content import Message
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.strands needs Strands: pip install 'memkit-agents[strands]'") from error

BankOf = Callable[[], memkit.Bank]

DEFAULT_RESULTS = 10
RUN_KEY_BYTES = 16
ID_BYTES = 16


class MemkitMemoryStore(MemoryStore):
    """A memory store on a bank, or on a function that gives the bank of whoever is served (by a context variable).

    A search gives at most `max_search_results` memories and `max_tokens` of quotes, each one dated line in which
    nothing can hide. `session`: of what is observed, by default one for each agent; `speaker`: the person's name;
    `extraction`: when messages are handed in, by default after each invocation. A search that fails finds nothing; a
    batch that can't be observed is an error, upon which Strands keeps it and hands it in again.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf, *, session: str | None = None, speaker: str = "user",
        name: str = "memkit", description: str | None = "What was said in earlier conversations.",
        max_search_results: int | None = None, max_tokens: int = 1000, writable: bool = True,
        extraction: ExtractionConfig | bool | None = None,
    ) -> None:  # fmt: skip
        self.name, self.description, self.writable = name, description, writable
        self.max_search_results = max_search_results
        after_each = ExtractionConfig(trigger=InvocationTrigger())
        self.extraction = after_each if extraction is None and writable else extraction
        self._bank_of: BankOf = bank if callable(bank) else lambda: bank
        self._session, self._speaker, self._max_tokens = session, speaker, max_tokens
        self._run_key = token_bytes(RUN_KEY_BYTES)

    async def initialize(self) -> None:
        """Begin a run: an agent's messages are numbered from 0 again."""
        self._run_key = token_bytes(RUN_KEY_BYTES)

    async def search(self, query: str, options: SearchOptions | None = None) -> list[MemoryEntry]:
        """Memories that answer the query, best first; none where nothing is relevant."""
        k = (options or {}).get("max_search_results") or self.max_search_results or DEFAULT_RESULTS
        with spared("recall"):
            return await asyncio.to_thread(self._search, self._bank_of(), query, k)
        return []

    async def add(self, content: str, metadata: Mapping[str, Any] | None = None) -> None:
        """Store a sentence that stands alone, as a thought; one that is there already isn't stored again.

        Raises MemkitError.
        """
        await asyncio.to_thread(self._bank_of().insert, fact(content, metadata=metadata))

    async def add_messages(self, messages: list[Message], context: AddMessagesContext | None = None) -> None:
        """Observe messages, each once by its number in the agent's run.

        Raises MemkitError where a later try may help.
        """
        numbers: Sequence[int | None] = (context and context.sequence_numbers) or [None] * len(messages)
        pairs = zip(messages, numbers, strict=True)
        turns = [self._turn(message, number) for message, number in pairs if _words(message)]
        if not turns:
            return
        try:
            await asyncio.to_thread(self._observe, self._bank_of(), turns)
        except MemkitError as error:
            named = ", ".join(_name(turn) for turn in turns)
            log.warning("memkit: observe failed (messages %s), they are handed in again: %s", named, error)
            raise

    # in threads beside the event loop

    def _search(self, bank: memkit.Bank, query: str, k: int) -> list[MemoryEntry]:
        return [
            MemoryEntry(content=quote.line, metadata={"id": quote.hit.memory.id, "score": quote.hit.score})
            for quote in bank.recall(query, k=k).quotes(self._max_tokens)
        ]

    def _observe(self, bank: memkit.Bank, turns: list[dict[str, Any]]) -> None:
        try:
            tell_refused(bank.observe(turns), [_name(turn) for turn in turns])
        except InputError as error:  # all were refused, and would be again
            log.warning("memkit: messages %s were not remembered: %s", ", ".join(map(_name, turns)), error)

    def _turn(self, message: Message, number: int | None) -> dict[str, Any]:
        """A message as a turn that isn't checked yet.

        Agents that share this store have the same numbers, so that its id is made of the words, too: under a key that
        is kept nowhere, so that nobody can tell them from it.
        """
        role, text = message["role"], _words(message)
        said = f"{number}\0{role}\0{text}".encode(errors="replace")
        id = None if number is None else blake2b(said, key=self._run_key, digest_size=ID_BYTES).hexdigest()
        return {
            "role": role,
            "name": self._speaker if role == "user" else role,
            "content": text,
            "id": id,
            "session": self._session or f"strands {blake2b(self._run_key, digest_size=ID_BYTES).hexdigest()}",
        }


def _name(turn: Mapping[str, Any]) -> str:
    return turn["id"] or "without a number"


def _words(message: Message) -> str:
    """Words of a message; a model's reasoning, calls and results of tools and media are none."""
    cited = [part for block in message["content"] for part in block.get("citationsContent", {}).get("content", ())]
    return "\n".join(part["text"] for part in (*message["content"], *cited) if part.get("text"))
