"""memkit as the memory of AutoGen's agents.

from memkit_adapters.autogen import MemkitMemory

memory = MemkitMemory(store.bank("acme", "ana"), people={"user": "Ana"})
agent = AssistantAgent("helper", model_client=client, memory=[memory])
await agent.run(task="What can I eat?")
await memory.observe(agent.model_context)  # the answer, too; else it is observed with the next question
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import uuid4
from weakref import WeakKeyDictionary

import memkit
from memkit.errors import InputError
from memkit_adapters.sparing import spared

try:
    from autogen_core import CancellationToken
    from autogen_core.memory import Memory, MemoryContent, MemoryMimeType, MemoryQueryResult, UpdateContextResult
    from autogen_core.model_context import ChatCompletionContext
    from autogen_core.models import SystemMessage
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.autogen needs AutoGen: pip install 'memkit-agents[autogen]'") from error

BankOf = Callable[[], memkit.Bank]
T = TypeVar("T")
OWN_START = "<memory>"  # begins a message that this memory wrote
ID_CHARS = 32


class MemkitMemory(Memory):
    """Memory of an AssistantAgent, or of several in a team, in a bank.

    `bank`: one bank, or a function that gives the bank of whoever is there. `people`: names of the sources that are
    people, all others count as agents. `session`: the conversation's name, which keeps what is said apart from other
    conversations, and from being observed again where a saved state is loaded; without it each model context has one of
    its own, until it is reset. `k` and `max_tokens` bound what is recalled. `shows_events`: also give what was recalled
    to the run's messages, which a team stores.

    Where the bank fails, the agent goes on. `query`, `add` and `clear`, which the framework never calls, raise.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf, *, people: Mapping[str, str] | None = None, session: str | None = None,
        k: int = 10, max_tokens: int = 1000, shows_events: bool = False,
    ) -> None:  # fmt: skip
        self._bank_of: BankOf = bank if callable(bank) else lambda: bank
        self._people, self._session = people or {"user": "user"}, session
        self._k, self._max_tokens, self._shows_events = k, max_tokens, shows_events
        self._conversations: WeakKeyDictionary[ChatCompletionContext, _Conversation] = WeakKeyDictionary()

    async def update_context(self, model_context: ChatCompletionContext) -> UpdateContextResult:
        """Observe what the context holds, and put what was recalled for its last message at its end.

        It takes the place of what stood there from the last time.
        """
        await _remove_own(model_context)
        await self.observe(model_context)
        results: list[MemoryContent] = []
        with spared("recall"):
            hits = await self._recall(model_context)
            block = await asyncio.to_thread(hits.prompt, max_tokens=self._max_tokens) if hits else ""
            if block:
                await model_context.add_message(SystemMessage(content=block))
                results = [_content_of(hit) for hit in hits]
        return UpdateContextResult(memories=MemoryQueryResult(results=results if self._shows_events else []))

    async def observe(self, model_context: ChatCompletionContext) -> None:
        """Observe what people and agents said in a context and wasn't observed before, the last answer too."""
        messages = (await model_context.save_state()).get("messages", [])
        said = [(message["source"], text) for message in messages if (text := _text_of(message))]
        conversation = self._conversations.setdefault(model_context, _Conversation(self._session))
        conversation.hear(len(said))
        new = [turn for turn in self._turns(said, conversation.name) if turn.id not in conversation.observed]
        if new:
            with spared("observe", [turn.id or "" for turn in new]):
                await self._bank_of().aio.observe(new)
                conversation.observed.update(turn.id or "" for turn in new)

    async def query(
        self, query: str | MemoryContent, cancellation_token: CancellationToken | None = None, **kwargs: Any
    ) -> MemoryQueryResult:
        """Recall for a query, best first; `kwargs` are options of `bank.recall`. Raises MemkitError."""
        text = query if isinstance(query, str) else _text_to_store(query)
        if not text.strip():
            return MemoryQueryResult(results=[])
        hits = await _cancellable(self._bank_of().aio.recall(text, **{"k": self._k, **kwargs}), cancellation_token)
        hits.use()
        return MemoryQueryResult(results=[_content_of(hit) for hit in hits])

    async def add(self, content: MemoryContent, cancellation_token: CancellationToken | None = None) -> None:
        """Store a text, or JSON, by itself; what is there already is skipped. Raises MemkitError, also for images."""
        await _cancellable(self._bank_of().aio.insert(_text_to_store(content)), cancellation_token)

    async def clear(self) -> None:
        """Erase the whole bank for good. Raises MemkitError."""
        bank = self._bank_of()
        await bank.aio.erase_all(confirm=bank.name)

    async def close(self) -> None:
        """Do nothing: the store is closed by whoever opened it."""

    async def _recall(self, model_context: ChatCompletionContext) -> Any:
        """Hits for the last message that isn't the agent's own; what the model is shown anyway is left out."""
        shown = [message.model_dump() for message in await model_context.get_messages()]
        texts = [(message["type"], text) for message in shown if (text := _text_of(message))]
        question = next((text for kind, text in reversed(texts) if kind == "UserMessage"), "")
        if not question:
            return None
        return await self._bank_of().aio.recall(question, k=self._k, without=[text for _, text in texts])

    def _turns(self, said: Sequence[tuple[str, str]], session: str) -> Iterator[memkit.Turn]:
        """Turns of what was said. Who says the same again says it once more; another agent's context doesn't."""
        times: Counter[tuple[str, str]] = Counter()
        for source, text in said:
            times[source, text] += 1
            yield memkit.Turn(
                text=text,
                speaker=self._people.get(source, source),
                role="user" if source in self._people else "assistant",
                id=_turn_id(session, source, text, times[source, text]),
                session=session,
            )


class _Conversation:
    """One model context: its session, and which of its turns are observed."""

    def __init__(self, session: str | None) -> None:
        self.observed: set[str] = set()
        self._given, self._count = session, 0
        self.name = session or uuid4().hex

    def hear(self, count: int) -> None:
        """Note how many messages there are; where there were more before, the context was reset."""
        if count < self._count and self._given is None:
            self.name, self.observed = uuid4().hex, set()
        self._count = count


async def _remove_own(model_context: ChatCompletionContext) -> None:
    """Take out of a context what this memory put there."""
    state = await model_context.save_state()
    messages = state.get("messages", [])
    others = [message for message in messages if not _is_own(message)]
    if len(others) < len(messages):
        await model_context.load_state({**state, "messages": others})


def _is_own(message: Mapping[str, Any]) -> bool:
    return message["type"] == "SystemMessage" and str(message["content"]).startswith(OWN_START)


def _text_of(message: Mapping[str, Any]) -> str:
    """Words of a message that somebody said; "" for all others, and for a model's calls of tools."""
    content = message["content"] if message["type"] in ("UserMessage", "AssistantMessage") else ""
    parts = [content] if isinstance(content, str) else content
    return "\n".join(part for part in parts if isinstance(part, str) and part.strip())


def _text_to_store(content: MemoryContent) -> str:
    if isinstance(content.content, str):
        return content.content
    if isinstance(content.content, dict):
        return json.dumps(content.content, ensure_ascii=False)
    raise InputError("MemkitMemory: texts and JSON are stored; of an image or of bytes, give what they show as text.")


def _content_of(hit: memkit.Hit) -> MemoryContent:
    memory = hit.memory
    metadata = {
        "id": memory.id, "kind": memory.kind, "speaker": memory.speaker, "score": hit.score,
        "occurred_at": memory.occurred_at.isoformat(),
    }  # fmt: skip
    return MemoryContent(content=memory.text, mime_type=MemoryMimeType.TEXT, metadata=metadata)


def _turn_id(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:ID_CHARS]


async def _cancellable(awaited: Awaitable[T], token: CancellationToken | None) -> T:
    future = asyncio.ensure_future(awaited)
    if token is not None:
        token.link_future(future)
    return await future
