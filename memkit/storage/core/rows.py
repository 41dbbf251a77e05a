"""Rows of SQL tables: stored memories, exchanges and history, encoded and decoded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from memkit.models import Memory, PastState, Placement
from memkit.storage.core.checksums import DECODING_ERRORS, corrupt_error, decoding, verify_memory
from memkit.storage.core.enum_codes import AUTHOR_CODES, EVENT_CODES, KIND_CODES, ROLE_CODES, STATE_CODES
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory, micros
from memkit.times import from_micros

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


def decode_record(row: tuple[Any, ...], sources: tuple[int, ...]) -> StoredMemory:
    """A stored memory from the columns of the query `records`. Raises CorruptError where it isn't what was written."""
    try:
        return _decode_record(row, sources)
    except DECODING_ERRORS:
        raise corrupt_error("a memory") from None


def _decode_record(row: tuple[Any, ...], sources: tuple[int, ...]) -> StoredMemory:
    (seq, uid, kind, state, author, role, session, episode, occurred, recorded) = row[:10]
    (valid_from, valid_until, superseded_by, echo_of, strength, recalled, count) = row[10:17]
    (salience, pinned, text, payload, checksum, of_its_bank) = row[17:]
    verify_memory(checksum, text, payload, (uid, kind, author, role, occurred))
    if not (
        of_its_bank and isinstance(strength, float) and isinstance(salience, float | None) and isinstance(count, int)
    ):
        raise corrupt_error("a memory")
    words = Payload.parse(payload)
    memory = _memory(
        id=words.id or str(UUID(bytes=uid)),
        kind=KIND_CODES.words[kind],
        text=text,
        occurred_at=from_micros(occurred),
        recorded_at=from_micros(recorded),
        speaker=words.speaker,
        role=ROLE_CODES.word(role),
        session=words.session,
        metadata=words.metadata or {},
        sources=(),
        author=AUTHOR_CODES.words[author],
        state=STATE_CODES.words[state],
        head=words.head,
        relation=words.relation,
        tail=words.tail,
        valid_from=_moment(valid_from),
        valid_until=_moment(valid_until),
        superseded_by=None,
        echo_of=None,
        strength=strength,
        recalled_at=_moment(recalled),
        recall_count=count,
        salience=salience,
        key_phrases=words.key_phrases,
        pinned=bool(pinned),
    )
    placement = None if session is None else Placement(session, episode)
    return StoredMemory(seq, uid, memory, placement, sources, superseded_by, echo_of)


def _memory(**fields: Any) -> Memory:
    """A memory of all its fields, which are not checked: `model_construct`, several times as fast."""
    return BLANK_MEMORY.model_copy(update=fields)


def _moment(stored: int | None) -> Any:
    return None if stored is None else from_micros(stored)


@decoding("an exchange")
def decode_exchange(row: tuple[Any, ...], turns: Sequence[int]) -> Queued:
    """An exchange from the columns of the query `exchanges`."""
    number, session, closed, attempts, error, due_at, last_at = row
    return Queued(
        number=number,
        session=session,
        turns=tuple(turns),
        closed=bool(closed),
        last_at=from_micros(last_at),
        attempts=attempts,
        error=error,
        due_at=_moment(due_at),
    )


def exchange_row(bank: int, queued: Queued) -> tuple[Any, ...]:
    """The columns of the statement `put_exchange`."""
    return (
        bank,
        queued.number,
        queued.session,
        queued.closed,
        queued.attempts,
        queued.error,
        micros(queued.due_at),
        micros(queued.last_at),
    )


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


def history_columns(history_row: HistoryRow) -> tuple[Any, ...]:
    """The columns of the query `history_rows`."""
    event, author = EVENT_CODES.codes[history_row.event], AUTHOR_CODES.codes[history_row.author]
    return history_row.change, event, micros(history_row.at), author, history_row.reason, before_image(history_row)


@decoding("a line of a history")
def decode_past(image: str) -> PastState:
    """State of a memory from the image of a later change."""
    state, valid_until, _, _, _, _, superseded_by, _ = json.loads(image)["n"]
    return PastState(STATE_CODES.words[state], valid_until, superseded_by)


@decoding("a history")
def decode_history(rows: Sequence[tuple[Any, ...]], current: StoredMemory | None) -> list[HistoryRow]:
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
