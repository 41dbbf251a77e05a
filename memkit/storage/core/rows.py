"""Rows of SQL tables: stored memories, exchanges and history, encoded and decoded."""

import json
import struct
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from memkit.identifiers import uuid7_bytes, uuid_text
from memkit.models import IndexEntry, Memory, Mention, PastState, Placement
from memkit.storage.core.checksums import (
    corrupt_error,
    decoding,
    is_memory_intact,
    memory_checksum,
    text_checksum,
    vector_checksum,
)
from memkit.storage.core.enum_codes import (
    AUTHOR_CODES,
    EVENT_CODES,
    KIND_CODES,
    MENTION_CODES,
    ROLE_CODES,
    STATE_CODES,
)
from memkit.storage.core.hashing import Hasher
from memkit.storage.core.records import JSON_ENCODER, HistoryRow, Payload, Queued, StoredMemory, encode_payload
from memkit.times import as_micros, as_moments, from_micros, to_micros

EMPTY_FIELDS: dict[str, Any] = dict.fromkeys(Memory.model_fields)
MEMORY_STATE = Memory.model_construct(**EMPTY_FIELDS).__getstate__()  # of one with all its fields
MAX_BYTE = 255

Columns = dict[str, Any]  # values by the name of their column


def content_columns(record: StoredMemory) -> Columns:
    """Columns of the table `content` for a memory's words."""
    memory = record.memory
    payload = encode_payload(memory, _own_id(memory))
    kind, author = KIND_CODES.codes[memory.kind], AUTHOR_CODES.codes[memory.author]
    role, occurred_at = memory.role and ROLE_CODES.codes[memory.role], to_micros(memory.occurred_at)
    numbers = (record.uid, kind, author, role, occurred_at)
    return {"text": memory.text, "payload": payload, "checksum": memory_checksum(memory.text, payload, numbers)}


def _own_id(memory: Memory) -> str | None:
    """The caller's own id; None where the memory's id is a UUIDv7."""
    return None if uuid7_bytes(memory.id) is not None else memory.id


def state_columns(record: StoredMemory) -> Columns:
    """Columns of the table `memory` that change while the contents stay."""
    memory, (session, episode) = record.memory, record.placement or (None, None)
    valid_from, valid_until, recalled_at = as_micros([memory.valid_from, memory.valid_until, memory.recalled_at])
    return {
        "seq": record.seq,
        "state": STATE_CODES.codes[memory.state],
        "valid_from": valid_from,
        "valid_until": valid_until,
        "superseded_by": record.superseded_by,
        "echo_of": record.echo_of,
        "strength": memory.strength,
        "recalled_at": recalled_at,
        "recall_count": memory.recall_count,
        "pinned": memory.pinned,
        "session": session,
        "episode": episode,
        "salience": memory.salience,
    }


def memory_columns(record: StoredMemory, hasher: Hasher) -> Columns:
    """All columns of the table `memory` that follow from a record; names are hashed."""
    from memkit.text.terms.tokens import asks

    memory = record.memory
    own_id = _own_id(memory)
    occurred_at, recorded_at = as_micros([memory.occurred_at, memory.recorded_at])
    return {
        **state_columns(record),
        "id": record.uid,
        "ref": None if own_id is None else hasher.ref(own_id),
        "kind": KIND_CODES.codes[memory.kind],
        "recorded_at": recorded_at,
        "author": AUTHOR_CODES.codes[memory.author],
        "role": memory.role and ROLE_CODES.codes[memory.role],
        "speaker": None if memory.speaker is None else hasher.speaker(memory.speaker),
        "head": None if memory.head is None else hasher.head(memory.head),
        "label": None if memory.session is None else hasher.label(memory.session),
        "occurred_at": occurred_at,
        "length": len(memory.text),
        "asks": asks(memory.text),
    }


def entry_columns(entry: IndexEntry) -> Columns:
    """Columns of the table `memory` for an index entry."""
    return {"wanted": entry.wanted, "hash_group": entry.group, "text_key": entry.text_key}


def vector_columns(entry: IndexEntry) -> Columns:
    """Columns of the table `content` for an index entry's vectors."""
    checksum = vector_checksum(entry.vector, entry.passages, entry.tokens)
    return {"vector": entry.vector, "passages": entry.passages, "tokens": entry.tokens, "checksum": checksum}


def mention_columns(mention: Mention) -> Columns:
    """Columns of the table `mention` but for the memory's."""
    return {"kind": MENTION_CODES.codes[mention.kind], "since": mention.start, "until": mention.end}


@decoding("a mention")
def decode_mentions(rows: Iterable[Sequence[int]]) -> list[tuple[int, Mention]]:
    """Seqs with their mentions, in order of seq and time."""
    every = [(seq, Mention(MENTION_CODES.words[kind], since, until)) for seq, kind, since, until in rows]
    return sorted(every, key=lambda pair: (pair[0], pair[1].start, pair[1].end, pair[1].kind))


def mentions_by_seq(rows: Iterable[Sequence[int]]) -> dict[int, tuple[Mention, ...]]:
    """Mentions of each memory that has any, in order of time."""
    pairs = decode_mentions(rows)
    return {seq: tuple(mention for _, mention in own) for seq, own in groupby(pairs, key=lambda pair: pair[0])}


def pack_terms(terms: Iterable[tuple[int, int]]) -> bytes:
    """Pairs of (hash, count) as bytes: the width of a count, the hashes, the counts."""
    pairs = list(terms)
    hashes = [hash for hash, _ in pairs]
    counts = [min(count, 2**32 - 1) for _, count in pairs]
    n = len(pairs)
    kind = "B" if max(counts, default=0) <= MAX_BYTE else "I"
    return struct.pack(f"<B{n}q{n}{kind}", struct.calcsize(kind), *hashes, *counts)


def unpack_terms(data: bytes) -> list[tuple[int, int]]:
    """The inverse of `pack_terms`. Raises ValueError for bytes that it never wrote."""
    width = data[0] if data else 0
    n, rest = divmod(len(data) - 1, 8 + width) if width in (1, 4) else (0, 1)
    if rest:
        raise ValueError("no packed terms")
    values = struct.unpack_from(f"<{n}q{n}{'B' if width == 1 else 'I'}", data, 1)
    return list(zip(values[:n], values[n:], strict=True))


MemoryRow = namedtuple(  # columns of the query `memories`, as they are read: nothing is known of their types yet
    "MemoryRow",
    "seq id kind state author role session episode occurred_at recorded_at valid_from valid_until recalled_at "
    "superseded_by echo_of strength recall_count salience pinned text payload checksum",
)


@decoding("a memory")
def decode_records(rows: Iterable[MemoryRow], sources: Mapping[int, tuple[int, ...]]) -> dict[int, StoredMemory]:
    """Records by seq, from their rows. Raises CorruptError where one isn't what was written."""
    return {row.seq: _decode_record(row, sources.get(row.seq, ())) for row in rows}


class LazyMemories(Mapping[int, Memory]):
    """Memories by seq, each decoded from its row when it is looked at; `names`: ids of those that they point at."""

    def __init__(
        self, rows: Mapping[int, MemoryRow], sources: Mapping[int, tuple[int, ...]], names: Mapping[int, str]
    ) -> None:
        self._rows, self._sources, self._names = rows, sources, names

    def __getitem__(self, seq: int) -> Memory:
        row, sources = self._rows[seq], self._sources.get(seq, ())
        with decoding("a memory"):
            is_linked = sources or row.superseded_by is not None or row.echo_of is not None
            return _decode_record(row, sources).to_memory(self._names) if is_linked else _decode_memory(row)

    def __contains__(self, seq: object) -> bool:
        return seq in self._rows

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _decode_record(row: MemoryRow, sources: tuple[int, ...]) -> StoredMemory:
    placement = None if row.session is None else Placement(row.session, row.episode)
    return StoredMemory(row.seq, row.id, _decode_memory(row), placement, sources, row.superseded_by, row.echo_of)


def _decode_memory(row: MemoryRow) -> Memory:
    """The memory itself, without links to others. Raises CorruptError."""
    numbers = (row.id, row.kind, row.author, row.role, row.occurred_at)
    if not is_memory_intact(row.checksum, row.text, row.payload, numbers) or not _is_numeric(row):
        raise corrupt_error("a memory")
    words = Payload.parse(row.payload)
    moments = (row.occurred_at, row.recorded_at, row.valid_from, row.valid_until, row.recalled_at)
    occurred_at, recorded_at, valid_from, valid_until, recalled_at = as_moments(moments)
    return _memory(
        id=words.id or uuid_text(row.id),
        kind=KIND_CODES.words[row.kind],
        text=row.text,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        speaker=words.speaker,
        role=None if row.role is None else ROLE_CODES.words[row.role],
        session=words.session,
        metadata=words.metadata or {},
        sources=(),
        author=AUTHOR_CODES.words[row.author],
        state=STATE_CODES.words[row.state],
        head=words.head,
        relation=words.relation,
        tail=words.tail,
        valid_from=valid_from,
        valid_until=valid_until,
        superseded_by=None,
        echo_of=None,
        strength=row.strength,
        recalled_at=recalled_at,
        recall_count=row.recall_count,
        salience=row.salience,
        key_phrases=words.key_phrases,
        pinned=bool(row.pinned),
    )


def _is_numeric(row: MemoryRow) -> bool:
    return (
        isinstance(row.strength, float) and isinstance(row.salience, float | None) and isinstance(row.recall_count, int)
    )


def _memory(**fields: Any) -> Memory:
    """A memory of all its fields, which are not checked: `model_construct`, many times as fast."""
    memory = Memory.__new__(Memory)
    memory.__setstate__({**MEMORY_STATE, "__dict__": fields})
    return memory


@decoding("a memory")
def decode_names(rows: Sequence[tuple[int, bytes, str | None]]) -> dict[int, str]:
    """Ids as callers know them, by seq, from rows of the query `ids`. Raises CorruptError."""
    return {seq: Payload.parse(own).id or uuid_text(uid) for seq, uid, own in rows}


def exchange_columns(queued: Queued) -> Columns:
    """Columns of an exchange in the queue."""
    due_at, last_at = as_micros([queued.due_at, queued.last_at])
    return {
        "number": queued.number,
        "session": queued.session,
        "closed": queued.closed,
        "attempts": queued.attempts,
        "error": queued.error,
        "due_at": due_at,
        "last_at": last_at,
    }


@decoding("an exchange")
def decode_exchanges(rows: Iterable[Sequence[Any]]) -> list[Queued]:
    """Exchanges from rows of their columns and of a turn each, those of one exchange together."""
    exchanges: list[Queued] = []
    for (number, session, closed, attempts, error, *moments), turns in groupby(rows, lambda row: row[:-1]):
        due_at, last_at = as_moments(moments)
        seqs = tuple(seq for *_, seq in turns if seq is not None)
        exchanges.append(Queued(number, session, seqs, bool(closed), last_at, attempts, error, due_at))
    return exchanges


class HistoryColumns(NamedTuple):
    """Columns of the query `history_rows`; `image`: JSON of what the change replaced."""

    change: int
    event: int
    at: int
    author: int
    reason: str | None
    image: str | None

    def content(self) -> Columns:
        """Columns of the table `content` for a line's words."""
        return {"text": self.reason, "payload": self.image, "checksum": text_checksum(self.reason, self.image)}


def before_image(history_row: HistoryRow) -> str | None:
    """Numbers that a change replaced, as JSON."""
    if history_row.before is None:
        return None
    record = history_row.before
    memory = record.memory
    valid_until, recalled_at = as_micros([memory.valid_until, memory.recalled_at])
    numbers = [
        STATE_CODES.codes[memory.state],
        valid_until,
        memory.strength,
        recalled_at,
        memory.recall_count,
        memory.pinned,
        record.superseded_by,
        record.echo_of,
    ]
    return JSON_ENCODER.encode({"n": numbers})


def history_columns(history_row: HistoryRow) -> HistoryColumns:
    """The columns of a line of history."""
    return HistoryColumns(
        change=history_row.change,
        event=EVENT_CODES.codes[history_row.event],
        at=to_micros(history_row.at),
        author=AUTHOR_CODES.codes[history_row.author],
        reason=history_row.reason,
        image=before_image(history_row),
    )


@decoding("a line of a history")
def decode_past(image: str) -> PastState:
    """State of a memory from the image of a later change."""
    state, valid_until, _, _, _, _, superseded_by, _ = json.loads(image)["n"]
    return PastState(STATE_CODES.words[state], valid_until, superseded_by)


@decoding("a history")
def decode_history(rows: Sequence[HistoryColumns], current: StoredMemory | None) -> list[HistoryRow]:
    """History from the columns of the query `history_rows`; the contents are those of today."""
    history_rows: list[HistoryRow] = []
    later = current
    for change, event, at, author, reason, text in reversed(rows):
        image = None if text is None else json.loads(text)
        before = None if image is None or later is None else _restored(image, later)
        later = before or later
        seq = 0 if later is None else later.seq
        moment = from_micros(at)
        history_rows.append(
            HistoryRow(seq, EVENT_CODES.words[event], moment, AUTHOR_CODES.words[author], reason, before, change)
        )
    return history_rows[::-1]


def _restored(image: dict[str, Any], later: StoredMemory) -> StoredMemory:
    state, valid_until, strength, recalled_at, recall_count, pinned, superseded_by, echo_of = image["n"]
    valid_until, recalled_at = as_moments([valid_until, recalled_at])
    numbers = {
        "state": STATE_CODES.words[state],
        "valid_until": valid_until,
        "strength": strength,
        "recalled_at": recalled_at,
        "recall_count": recall_count,
        "pinned": pinned,
    }
    return replace(later.changed(**numbers), superseded_by=superseded_by, echo_of=echo_of)
