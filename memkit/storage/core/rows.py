"""Rows of SQL tables: stored memories, exchanges and history, encoded and decoded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from memkit.models import Memory, PastState, Placement
from memkit.storage.core.checksums import DECODING_ERRORS, corrupt_error, decoding, verify_memory
from memkit.storage.core.enum_codes import AUTHOR_CODES, EVENT_CODES, KIND_CODES, ROLE_CODES, STATE_CODES
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory, micros
from memkit.times import from_micros, to_micros

EMPTY_FIELDS: dict[str, Any] = dict.fromkeys(Memory.model_fields)
BLANK_MEMORY = Memory.model_construct(**EMPTY_FIELDS)
JSON_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # `dumps` would make one with every call
PAYLOAD_KEYS = ("i", "s", "l", "h", "r", "t")  # short names of a payload's strings, in the order of Payload


@dataclass(frozen=True, slots=True)
class Payload:
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
        """Read what `dump` wrote; None is an empty one."""
        if text is None:
            return cls()
        fields = json.loads(text)
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


class MemoryRow(NamedTuple):
    """Columns of the query `memories`, as they are read: nothing is known of their types yet."""

    seq: int
    id: Any
    kind: Any
    state: Any
    author: Any
    role: Any
    session: Any
    episode: Any
    occurred_at: Any
    recorded_at: Any
    valid_from: Any
    valid_until: Any
    superseded_by: Any
    echo_of: Any
    strength: Any
    recalled_at: Any
    recall_count: Any
    salience: Any
    pinned: Any
    text: Any
    payload: Any
    checksum: Any


def decode_record(row: MemoryRow, sources: tuple[int, ...]) -> StoredMemory:
    """A record from its row. Raises CorruptError where it isn't what was written."""
    try:
        return _decode_record(row, sources)
    except DECODING_ERRORS:
        raise corrupt_error("a memory") from None


def _decode_record(row: MemoryRow, sources: tuple[int, ...]) -> StoredMemory:
    verify_memory(row.checksum, row.text, row.payload, (row.id, row.kind, row.author, row.role, row.occurred_at))
    if not _is_numeric(row):
        raise corrupt_error("a memory")
    words = Payload.parse(row.payload)
    memory = _memory(
        id=words.id or str(UUID(bytes=row.id)),
        kind=KIND_CODES.words[row.kind],
        text=row.text,
        occurred_at=from_micros(row.occurred_at),
        recorded_at=from_micros(row.recorded_at),
        speaker=words.speaker,
        role=ROLE_CODES.word(row.role),
        session=words.session,
        metadata=words.metadata or {},
        sources=(),
        author=AUTHOR_CODES.words[row.author],
        state=STATE_CODES.words[row.state],
        head=words.head,
        relation=words.relation,
        tail=words.tail,
        valid_from=_moment(row.valid_from),
        valid_until=_moment(row.valid_until),
        superseded_by=None,
        echo_of=None,
        strength=row.strength,
        recalled_at=_moment(row.recalled_at),
        recall_count=row.recall_count,
        salience=row.salience,
        key_phrases=words.key_phrases,
        pinned=bool(row.pinned),
    )
    placement = None if row.session is None else Placement(row.session, row.episode)
    return StoredMemory(row.seq, row.id, memory, placement, sources, row.superseded_by, row.echo_of)


def _is_numeric(row: MemoryRow) -> bool:
    numbers = isinstance(row.strength, float) and isinstance(row.salience, float | None)
    return numbers and isinstance(row.recall_count, int)


def _memory(**fields: Any) -> Memory:
    """A memory of all its fields, which are not checked: `model_construct`, several times as fast."""
    return BLANK_MEMORY.model_copy(update=fields)


def _moment(stored: int | None) -> Any:
    return None if stored is None else from_micros(stored)


class ExchangeRow(NamedTuple):
    """Columns of an exchange in the queue."""

    number: int
    session: int
    closed: int
    attempts: int
    error: str | None
    due_at: int | None
    last_at: int


@decoding("an exchange")
def decode_exchange(row: ExchangeRow, turns: Sequence[int]) -> Queued:
    """An exchange from its row."""
    moments = {"due_at": _moment(row.due_at), "last_at": from_micros(row.last_at)}
    return Queued(**{**row._asdict(), **moments, "closed": bool(row.closed)}, turns=tuple(turns))


def exchange_row(queued: Queued) -> ExchangeRow:
    """The row of an exchange."""
    return ExchangeRow(
        number=queued.number,
        session=queued.session,
        closed=queued.closed,
        attempts=queued.attempts,
        error=queued.error,
        due_at=micros(queued.due_at),
        last_at=to_micros(queued.last_at),
    )


class HistoryColumns(NamedTuple):
    """Columns of the query `history_rows`; `image`: JSON of what the change replaced."""

    change: int
    event: int
    at: int
    author: int
    reason: str | None
    image: str | None


def before_image(history_row: HistoryRow) -> str | None:
    """Fields that a change replaced, as JSON: numbers, and the whole contents where they were replaced, too."""
    if history_row.before is None:
        return None
    record = history_row.before
    memory = record.memory
    numbers = [
        STATE_CODES.code(memory.state),
        micros(memory.valid_until),
        memory.strength,
        micros(memory.recalled_at),
        memory.recall_count,
        memory.pinned,
        record.superseded_by,
        record.echo_of,
    ]
    image: dict[str, Any] = {"n": numbers}
    if history_row.whole:
        image |= {"w": memory.model_dump(mode="json"), "s": record.sources}
    return JSON_ENCODER.encode(image)


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
    """History from the columns of the query `history_rows`.

    An image holds contents only where they were replaced; elsewhere they are those of the next image.
    """
    history_rows: list[HistoryRow] = []
    later = current
    for change, event, at, author, reason, text in reversed(rows):
        image = None if text is None else json.loads(text)
        before = None if image is None or later is None else _restored(image, later)
        later = before or later
        whole = image is not None and "w" in image
        seq = 0 if later is None else later.seq
        moment = from_micros(at)
        history_rows.append(
            HistoryRow(seq, EVENT_CODES.words[event], moment, AUTHOR_CODES.words[author], reason, before, whole, change)
        )
    return history_rows[::-1]


def _restored(image: dict[str, Any], later: StoredMemory) -> StoredMemory:
    state, valid_until, strength, recalled_at, recall_count, pinned, superseded_by, echo_of = image["n"]
    if "w" in image:
        memory = Memory.model_validate(image["w"])
        later = replace(later, memory=memory, sources=tuple(image["s"]))
    numbers = {
        "state": STATE_CODES.words[state],
        "valid_until": _moment(valid_until),
        "strength": strength,
        "recalled_at": _moment(recalled_at),
        "recall_count": recall_count,
        "pinned": pinned,
    }
    return replace(later.changed(**numbers), superseded_by=superseded_by, echo_of=echo_of)
