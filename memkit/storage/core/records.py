"""What both backends keep of a memory, of its history and of the queue; and how it is read back."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from memkit.batches import PassageBatch
from memkit.errors import InputError, InvalidTextError
from memkit.models import Action, Author, Exchange, HistoryEntry, IndexEntry, IndexRow, Memory, Placement
from memkit.protocols import FloatArray
from memkit.storage.core.hashing import Hasher
from memkit.text.asking import asks
from memkit.times import as_utc, to_micros

MOMENTS = ("occurred_at", "recorded_at", "valid_from", "valid_until", "recalled_at")
CLOSING = ("superseded", "corrected", "merged", "forgotten", "archived")
UUID7 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")  # RFC 9562
WORDS = ("id", "text", "speaker", "session", "head", "relation", "tail")


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A memory as it is kept: links to other memories are seqs, and `memory` itself holds none."""

    seq: int
    uid: bytes
    memory: Memory
    placement: Placement | None = None
    sources: tuple[int, ...] = ()
    superseded_by: int | None = None
    echo_of: int | None = None

    def links(self) -> list[int]:
        """Seqs of all memories that this one points at."""
        pointers = (self.superseded_by, self.echo_of)
        return [*self.sources, *(seq for seq in pointers if seq is not None)]

    def changed(self, **fields: Any) -> "StoredMemory":
        """The same record with other fields in its memory."""
        return replace(self, memory=self.memory.model_copy(update=fields))

    def to_memory(self, names: Mapping[int, str]) -> Memory:
        """The record as callers see it; links to what is gone are left out."""
        if not self.links():
            return self.memory
        return self.memory.model_copy(
            update={
                "sources": tuple(names[seq] for seq in self.sources if seq in names),
                "superseded_by": names.get(self.superseded_by or 0),
                "echo_of": names.get(self.echo_of or 0),
            }
        )


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of a memory's history. `whole`: the change replaced the text, not only numbers."""

    seq: int
    event: Action
    at: datetime
    author: Author
    reason: str | None = None
    before: StoredMemory | None = None
    whole: bool = False
    change: int = 0


def open_closings(history_rows: Sequence[HistoryRow]) -> list[int]:
    """Which entries took the record out of recall and weren't undone, oldest first; by position."""
    stack: list[int] = []
    for at, history_row in enumerate(history_rows):
        if history_row.event in CLOSING and not history_row.whole:
            stack.append(at)
        elif history_row.event == "restored" and stack:
            stack.pop()
    return stack


@dataclass(frozen=True, slots=True)
class Queued:
    """An exchange of the thinking queue: numbers only."""

    number: int
    session: int
    turns: tuple[int, ...]
    closed: bool
    last_at: datetime
    attempts: int = 0
    error: str | None = None
    due_at: datetime | None = None

    def to_exchange(self, names: Mapping[int, str]) -> Exchange:
        return Exchange(
            number=self.number,
            session=self.session,
            turn_ids=tuple(names[seq] for seq in self.turns if seq in names),
            closed=self.closed,
            attempts=self.attempts,
            error=self.error,
            last_at=self.last_at,
            due_at=self.due_at,
        )


def history_of(
    record: StoredMemory, history_rows: Sequence[HistoryRow], names: Mapping[int, str]
) -> list[HistoryEntry]:
    """A memory's history as callers see it: how it came to be, then every change."""
    first = history_rows[0].before if history_rows and history_rows[0].before is not None else record
    born = HistoryEntry(
        id=record.memory.id,
        event="added" if first.echo_of is None else "echoed",
        at=first.memory.recorded_at,
        author=first.memory.author,
    )
    return [born, *(_shown(record, history_row, names) for history_row in history_rows)]


def _shown(record: StoredMemory, history_row: HistoryRow, names: Mapping[int, str]) -> HistoryEntry:
    return HistoryEntry(
        id=record.memory.id,
        event=history_row.event,
        at=history_row.at,
        author=history_row.author,
        reason=history_row.reason,
        before=None if history_row.before is None else history_row.before.to_memory(names),
        change=history_row.change,
    )


def index_row(record: StoredMemory, hasher: Hasher) -> IndexRow:
    """The numbers that recall keeps of a record."""
    memory, place = record.memory, record.placement
    return IndexRow(
        seq=record.seq,
        kind=memory.kind,
        state=memory.state,
        speaker=None if memory.speaker is None else hasher.speaker(memory.speaker),
        role=memory.role,
        session=place and place.session,
        episode=place and place.episode,
        occurred_at=to_micros(memory.occurred_at),
        recorded_at=to_micros(memory.recorded_at),
        valid_from=micros(memory.valid_from),
        valid_until=micros(memory.valid_until),
        strength=memory.strength,
        recalled_at=micros(memory.recalled_at),
        salience=memory.salience,
        pinned=memory.pinned,
        length=len(memory.text),
        asks=asks(memory.text),
        superseded_by=record.superseded_by,
        echo_of=record.echo_of,
        sources=record.sources,
    )


def micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def is_uuid7(id: str) -> bool:
    """Is this id a UUIDv7 in its usual form? Any other id is a caller's own."""
    return uuid7_bytes(id) is not None


@lru_cache(maxsize=16_384)
def uuid7_bytes(id: str) -> bytes | None:
    """The 16 bytes of a UUIDv7 in its usual form; None for any other id."""
    return bytes.fromhex(id.replace("-", "")) if UUID7.fullmatch(id) else None


def checked(memory: Memory) -> Memory:
    """The memory as it will be read back: metadata as JSON, moments aware.

    Raises InvalidTextError, NaiveDatetimeError or InputError; messages never hold the values.
    """
    for name in MOMENTS:
        moment = getattr(memory, name)
        if moment is not None and moment.tzinfo is None:
            as_utc(moment, field=name)
    for name in WORDS:
        _encodable(getattr(memory, name), name)
    if not memory.metadata:
        return memory
    return memory.model_copy(update={"metadata": _as_json(memory.metadata)})


def _encodable(value: str | None, name: str) -> None:
    if value is None or value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidTextError(
            f"Memory.{name}: holds a lone surrogate, which is no Unicode text. "
            "Decode the source again with errors='replace'."
        ) from None


def _as_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(metadata, allow_nan=False, ensure_ascii=False)
        text.encode()
        return dict(json.loads(text))
    except (TypeError, ValueError):
        raise InputError(
            "metadata: values must be JSON (strings, numbers, true, false, null, lists, objects; "
            "no NaN, no lone surrogates)."
        ) from None


def stacked(vectors: Sequence[bytes | None]) -> FloatArray:
    """Stored float16 vectors as float32 rows, shape (len(vectors), dimension); zeros where none is.

    The dimension is that of most vectors: while a store is re-encoded, others may still be there.
    """
    lengths = [-1 if vector is None else len(vector) for vector in vectors]
    width = max(set(lengths) - {-1}, key=lengths.count, default=0)
    rows: Sequence[Any] = vectors
    if lengths.count(width) < len(lengths):
        blank = bytes(width)
        rows = [v if v is not None and len(v) == width else blank for v in vectors]
    halves = np.frombuffer(b"".join(rows), dtype="<f2").reshape(len(lengths), width // 2)
    return halves.astype(np.float32)


def passage_batch(stored: Mapping[int, bytes], dimension: int) -> PassageBatch:
    """Stored passages as rows with the seqs that they belong to; those of another encoder are left out."""
    width = 2 * dimension
    fitting = {seq: data for seq, data in sorted(stored.items()) if width and not len(data) % width}
    counts = [len(data) // width for data in fitting.values()]
    rows = np.frombuffer(b"".join(fitting.values()), dtype="<f2").reshape(-1, max(dimension, 1))
    return PassageBatch(np.repeat(np.array(list(fitting), dtype=np.int64), counts), rows.astype(np.float32))


def heir_entry(own: IndexEntry, origin: IndexEntry) -> IndexEntry:
    """What an echo keeps once its original is erased: its own words, the original's vector."""
    return replace(
        origin,
        text_key=own.text_key,
        terms=own.terms or origin.terms,
        bands=own.bands or origin.bands,
    )
