"""memkit as Google ADK's memory: what people said in any session, found in every later one.

    from memkit_adapters.google_adk import MemkitMemoryService

    runner = Runner(app_name="app", agent=agent, session_service=sessions, memory_service=MemkitMemoryService(store))

An agent remembers once its `after_agent_callback` awaits `callback_context.add_session_to_memory()`, and recalls
through ADK's own tools `preload_memory` and `load_memory`. Each app's user has a bank: (app_name, user_id).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import memkit
from memkit.banks import Store
from memkit_adapters.facts import fact
from memkit_adapters.sparing import spared, tell_refused

try:
    from google.adk.events import Event
    from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
    from google.adk.memory.memory_entry import MemoryEntry
    from google.adk.sessions import Session
    from google.genai import types
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.google_adk needs Google ADK: pip install 'memkit-agents[google-adk]'") from error

BankOf = Callable[[str, str], memkit.Bank]

PERSON_AUTHOR = "user"  # as ADK names the person in a session
DELETED_KEY = "google_adk/deleted/"  # begins the key of an item that says that an event was deleted


class MemkitMemoryService(BaseMemoryService):
    """ADK's memory service on a memkit store, or on a function from app_name and user_id to a bank.

    A search gives at most `k` memories and `max_tokens` of quotes, each one line of JSON that can hold no orders for
    the model outside its quotes. Where the memory fails, the agent goes on and the log names the events; only
    `delete_memory` raises then.
    """

    def __init__(self, store: Store | BankOf, *, k: int = 10, max_tokens: int = 1000) -> None:
        self._bank_of: BankOf = store if callable(store) else store.bank
        self._k, self._max_tokens = k, max_tokens

    async def add_session_to_memory(self, session: Session) -> None:
        """Observe a session's events that came since it was added last; what was erased meanwhile stays away."""
        await asyncio.to_thread(self._add_session, session)

    async def add_events_to_memory(
        self, *, app_name: str, user_id: str, events: Sequence[Event], session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        """Observe events, each once by its id; `custom_metadata` is kept with each."""
        await asyncio.to_thread(self._add_events, app_name, user_id, list(events), session_id, custom_metadata)

    async def add_memory(
        self, *, app_name: str, user_id: str, memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        """Store sentences that stand alone, as thoughts; one that is there already is not stored again."""
        await asyncio.to_thread(self._add_memories, app_name, user_id, list(memories), custom_metadata)

    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        """Memories that answer the query, best first; none where nothing is relevant."""
        return await asyncio.to_thread(self._search, app_name, user_id, query)

    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        """Erase a memory for good; its event doesn't come back with its session. Raises MemkitError."""
        if memory_id:
            await asyncio.to_thread(self._delete, app_name, user_id, memory_id)

    # in threads beside the event loop

    def _add_session(self, session: Session) -> None:
        whole = [event for event in session.events if not event.partial]
        with spared("observe", [event.id for event in whole if _words(event.content)]):
            _observe(self._bank_of(session.app_name, session.user_id), whole, session.id, None)

    def _add_events(
        self, app_name: str, user_id: str, events: list[Event], session_id: str | None,
        metadata: Mapping[str, object] | None,
    ) -> None:  # fmt: skip
        with spared("observe", [event.id for event in events if _words(event.content)]):
            _observe(self._bank_of(app_name, user_id), events, session_id, metadata)

    def _add_memories(
        self, app_name: str, user_id: str, entries: list[MemoryEntry], metadata: Mapping[str, object] | None
    ) -> None:
        with spared("insert", [entry.id for entry in entries if entry.id]):
            thoughts = [
                fact(
                    _words(entry.content), id=entry.id, speaker=entry.author, at=_moment(entry.timestamp),
                    metadata={**(metadata or {}), **entry.custom_metadata},
                )
                for entry in entries
                if _words(entry.content)
            ]  # fmt: skip
            tell_refused(self._bank_of(app_name, user_id).insert(thoughts), [thought.id for thought in thoughts])

    def _search(self, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        with spared("recall"):
            bank = self._bank_of(app_name, user_id)
            quotes = bank.recall(query, k=self._k).quotes(self._max_tokens)
            zone = ZoneInfo(bank.zone) if quotes else ZoneInfo("UTC")
            return SearchMemoryResponse(memories=[_entry(q.hit, q.speaker, q.text, zone) for q in quotes])
        return SearchMemoryResponse()

    def _delete(self, app_name: str, user_id: str, memory_id: str) -> None:
        bank = self._bank_of(app_name, user_id)
        memory = bank.get(memory_id)
        if memory is not None and memory.kind != "item":
            bank.put(f"{DELETED_KEY}{memory_id}", value=True, index=False)
            bank.erase(ids=[memory_id])


def _observe(
    bank: memkit.Bank, events: Sequence[Event], session: str | None, metadata: Mapping[str, object] | None
) -> None:
    """Observe what was said in events, each once; what was erased of a session, or deleted, stays away."""
    said = [event for event in events if not event.partial and _words(event.content)]
    if session is None:
        said = [event for event in said if bank.get_item(f"{DELETED_KEY}{event.id}") is None]
    turns = [_turn(event, session, metadata) for event in said]
    if turns:
        receipt = bank.observe(turns) if session is None else bank.session(session).catch_up(turns)
        tell_refused(receipt, [turn["id"] or "" for turn in turns])


def _turn(event: Event, session: str | None, metadata: Mapping[str, object] | None) -> dict[str, Any]:
    """An event as a turn that isn't checked yet: one that can't be stored is refused by itself."""
    return {
        "role": "user" if event.author in ("", PERSON_AUTHOR) else "assistant",
        "name": event.author or PERSON_AUTHOR,
        "content": _words(event.content),
        "at": event.timestamp,
        "id": event.id or None,
        "session": session,
        "metadata": metadata,
    }


def _words(content: types.Content | None) -> str:
    """Words of a content; a model's reasoning, calls and results of tools and media are none."""
    parts = (content.parts or ()) if content else ()
    return "\n".join(part.text for part in parts if part.text and not part.thought)


def _moment(timestamp: str | None) -> datetime | None:
    """A timestamp in ISO 8601; without an offset it is this machine's time, as ADK's own are. None for others."""
    try:
        return datetime.fromisoformat(timestamp or "").astimezone(UTC)
    except ValueError:
        return None


def _entry(hit: memkit.Hit, speaker: str, text: str, zone: ZoneInfo) -> MemoryEntry:
    memory = hit.memory
    said_at = (hit.last_said or memory.occurred_at).astimezone(zone)
    return MemoryEntry(
        id=memory.id,
        author=speaker,
        timestamp=said_at.isoformat(timespec="minutes"),
        content=types.Content(role="model" if memory.role == "assistant" else "user", parts=[types.Part(text=text)]),
        custom_metadata={**memory.metadata, "kind": memory.kind, "score": hit.score},
    )
