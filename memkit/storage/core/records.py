"""Stored form of a memory, of its history and of the thinking queue, the same for every engine."""

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from memkit.errors import InputError, InvalidTextError
from memkit.models import Action, Author, Exchange, HistoryEntry, IndexEntry, IndexRow, Memory, Placement
from memkit.storage.core.hashing import Hasher
from memkit.times import as_micros, as_utc

DATETIME_FIELDS = ("occurred_at", "recorded_at", "valid_from", "valid_until", "recalled_at")
CLOSING_EVENTS = ("superseded", "corrected", "merged", "forgotten", "archived")
JSON_DECODER = json.JSONDecoder()
JSON_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # `dumps` would make one with every call
PAYLOAD_KEYS = ("i", "s", "l", "h", "r", "t")  # short names of a payload's strings, in the order of Payload
TEXT_FIELDS = ("id", "text", "speaker", "session", "head", "relation", "tail")


class Payload(NamedTuple):
    """Words of a memory beside its text."""

    id: str | None = None  # the caller's own
    speaker: str | None = None
    session: str | None = None
    head: str | None = None
    relation: str | None = None
    tail: str | None = None
    metadata: dict[str, Any] | None = None
    key_phrases: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> "Payload":
        """Read what `encode_payload` wrote; None is an empty one."""
        if text is None:
            return cls()
        fields, end = JSON_DECODER.raw_decode(text)
        if end < len(text):
            raise ValueError("a payload ends before its text does")
        own_id, speaker, session, head, relation, tail = map(fields.get, PAYLOAD_KEYS)
        return cls(own_id, speaker, session, head, relation, tail, fields.get("m"), tuple(fields.get("k", ())))


def encode_payload(memory: Memory, own_id: str | None) -> str:
    """The payload as JSON; fields without a value are left out."""
    words = (own_id, memory.speaker, memory.session, memory.head, memory.relation, memory.tail)
    fields: dict[str, Any] = {name: word for name, word in zip(PAYLOAD_KEYS, words, strict=True) if word is not None}
    if memory.metadata:
        fields["m"] = memory.metadata
    if memory.key_phrases:
        fields["k"] = memory.key_phrases
    return JSON_ENCODER.encode(fields)


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A memory as engines store it: links to other memories are seqs, and `memory` itself holds none."""

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

    def without_links(self, gone: Set[int]) -> "StoredMemory":
        """The same row, pointing at none of these."""
        if gone.isdisjoint(self.links()):
            return self
        return replace(
            self,
            sources=tuple(seq for seq in self.sources if seq not in gone),
            superseded_by=None if self.superseded_by in gone else self.superseded_by,
            echo_of=None if self.echo_of in gone else self.echo_of,
        )

    def changed(self, **fields: Any) -> "StoredMemory":
        """The same row with other fields in its memory."""
        return replace(self, memory=self.memory.model_copy(update=fields))

    def to_memory(self, names: Mapping[int, str]) -> Memory:
        """The memory as callers see it; links to erased memories are left out."""
        if not self.links():
            return self.memory
        return self.memory.model_copy(
            update={
                "sources": tuple(names[seq] for seq in self.sources if seq in names),
                "superseded_by": names.get(self.superseded_by or 0),
                "echo_of": names.get(self.echo_of or 0),
            }
        )


def linked_seqs(records: Iterable[StoredMemory]) -> set[int]:
    """Seqs of all memories that these point at."""
    return {link for record in records for link in record.links()}


def to_memories(records: Mapping[int, StoredMemory], names: Mapping[int, str]) -> dict[int, Memory]:
    """Memories as callers see them, by seq; `names`: ids of those that they point at."""
    return {seq: record.to_memory(names) for seq, record in records.items()}


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of a memory's history, with the numbers as they were before."""

    seq: int
    event: Action
    at: datetime
    author: Author
    reason: str | None = None
    before: StoredMemory | None = None
    change: int = 0


def begin_of(memory: Memory) -> datetime:
    """The moment from which a memory is known to hold: as it says itself, else when it was said."""
    return memory.valid_from or memory.occurred_at


def open_closings(history_rows: Sequence[HistoryRow]) -> list[int]:
    """Positions of the entries that took the memory out of recall and weren't undone, oldest first."""
    stack: list[int] = []
    for position, history_row in enumerate(history_rows):
        if history_row.event in CLOSING_EVENTS:
            stack.append(position)
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


def history_entries(
    record: StoredMemory, history_rows: Sequence[HistoryRow], names: Mapping[int, str]
) -> list[HistoryEntry]:
    """A memory's history as callers see it: its creation, then every change."""
    first = history_rows[0].before if history_rows and history_rows[0].before is not None else record
    creation = HistoryEntry(
        id=record.memory.id,
        event="added" if first.echo_of is None else "echoed",
        at=first.memory.recorded_at,
        author=first.memory.author,
    )
    changes = (
        HistoryEntry(
            id=record.memory.id,
            event=history_row.event,
            at=history_row.at,
            author=history_row.author,
            reason=history_row.reason,
            before=None if history_row.before is None else history_row.before.to_memory(names),
            change=history_row.change,
        )
        for history_row in history_rows
    )
    return [creation, *changes]


def index_row(record: StoredMemory, hasher: Hasher) -> IndexRow:
    """A memory's row in the index."""
    from memkit.text.terms.tokens import asks

    memory, place = record.memory, record.placement
    moments = dict(zip(DATETIME_FIELDS, as_micros(getattr(memory, name) for name in DATETIME_FIELDS), strict=True))
    return IndexRow(
        seq=record.seq,
        kind=memory.kind,
        state=memory.state,
        speaker=None if memory.speaker is None else hasher.speaker(memory.speaker),
        role=memory.role,
        session=place and place.session,
        episode=place and place.episode,
        strength=memory.strength,
        salience=memory.salience,
        pinned=memory.pinned,
        length=len(memory.text),
        asks=asks(memory.text),
        superseded_by=record.superseded_by,
        echo_of=record.echo_of,
        sources=record.sources,
        **moments,
    )


def normalised(memory: Memory) -> Memory:
    """The memory as it will be read back: metadata as JSON, datetimes aware.

    Raises InvalidTextError, NaiveDatetimeError or InputError; messages never hold the values.
    """
    for name in DATETIME_FIELDS:
        moment = getattr(memory, name)
        if moment is not None and moment.tzinfo is None:
            as_utc(moment, field=name)
    for name in TEXT_FIELDS:
        _require_encodable(getattr(memory, name), name)
    if not memory.metadata:
        return memory
    return memory.model_copy(update={"metadata": _as_json(memory.metadata)})


def _require_encodable(value: str | None, name: str) -> None:
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


def heir_entry(own: IndexEntry, origin: IndexEntry) -> IndexEntry:
    """Index entry of an echo whose original is erased: its own words, the original's vector."""
    return replace(origin, text_key=own.text_key, terms=own.terms or origin.terms, mentions=own.mentions)
