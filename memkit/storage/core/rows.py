"""Between kept records and SQLite's rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from memkit.models import Memory, PastState, Placement
from memkit.storage.core.checksums import MISREAD, misread, reading, verify
from memkit.storage.core.enum_codes import AUTHOR, EVENT, KIND, ROLE, STATE
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory, micros
from memkit.times import from_micros

FIELDS: dict[str, Any] = dict.fromkeys(Memory.model_fields)
BLANK = Memory.model_construct(**FIELDS)
JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # made once: `dumps` makes one with every call
WORDS = ("i", "s", "l", "h", "r", "t")  # short names of a payload's strings, in the order of Payload


@dataclass(frozen=True, slots=True)
class Payload:
    """What a memory holds in words besides its text."""

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
        kept = json.loads(text)
        words = map(kept.get, WORDS)
        own, speaker, session, head, relation, tail = words
        return cls(own, speaker, session, head, relation, tail, kept.get("m"), tuple(kept.get("k", ())))


def payload_of(memory: Memory, own_id: str | None) -> str:
    """The payload as JSON; fields without a value are left out."""
    words = (own_id, memory.speaker, memory.session, memory.head, memory.relation, memory.tail)
    kept: dict[str, Any] = {name: word for name, word in zip(WORDS, words, strict=True) if word is not None}
    if memory.metadata:
        kept["m"] = memory.metadata
    if memory.key_phrases:
        kept["k"] = memory.key_phrases
    return JSON.encode(kept)


def record_of(row: tuple[Any, ...], sources: tuple[int, ...]) -> StoredMemory:
    """A record from the columns of the query `records`. Raises CorruptError where it isn't what was written."""
    try:
        return _record(row, sources)
    except MISREAD:
        raise misread("a memory") from None


def _record(row: tuple[Any, ...], sources: tuple[int, ...]) -> StoredMemory:
    (seq, uid, kind, state, author, role, session, episode, occurred, recorded) = row[:10]
    (valid_from, valid_until, superseded_by, echo_of, strength, recalled, count) = row[10:17]
    (salience, pinned, text, payload, checksum, of_its_bank) = row[17:]
    verify(checksum, text, payload, (uid, kind, author, role, occurred))
    if not (
        of_its_bank and isinstance(strength, float) and isinstance(salience, float | None) and isinstance(count, int)
    ):
        raise misread("a memory")
    words = Payload.parse(payload)
    memory = _memory(
        id=words.id or str(UUID(bytes=uid)),
        kind=KIND.words[kind],
        text=text,
        occurred_at=from_micros(occurred),
        recorded_at=from_micros(recorded),
        speaker=words.speaker,
        role=ROLE.word(role),
        session=words.session,
        metadata=words.metadata or {},
        sources=(),
        author=AUTHOR.words[author],
        state=STATE.words[state],
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
    return BLANK.model_copy(update=fields)


def _moment(stored: int | None) -> Any:
    return None if stored is None else from_micros(stored)


@reading("an exchange")
def queued_of(row: tuple[Any, ...], turns: Sequence[int]) -> Queued:
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
    """What a change replaced, as JSON: numbers, and the whole contents where they were replaced, too."""
    if history_row.before is None:
        return None
    record = history_row.before
    memory = record.memory
    numbers = [
        STATE.number(memory.state),
        micros(memory.valid_until),
        memory.strength,
        micros(memory.recalled_at),
        memory.recall_count,
        memory.pinned,
        record.superseded_by,
        record.echo_of,
    ]
    kept: dict[str, Any] = {"n": numbers}
    if history_row.whole:
        kept |= {"w": memory.model_dump(mode="json"), "s": record.sources}
    return JSON.encode(kept)


def history_columns(history_row: HistoryRow) -> tuple[Any, ...]:
    """The columns of the query `history_rows`."""
    event, author = EVENT.numbers[history_row.event], AUTHOR.numbers[history_row.author]
    return history_row.change, event, micros(history_row.at), author, history_row.reason, before_image(history_row)


@reading("a line of a history")
def past_of(image: str) -> PastState:
    """A record's state from the image of a change that came later."""
    state, valid_until, _, _, _, _, superseded_by, _ = json.loads(image)["n"]
    return PastState(STATE.words[state], valid_until, superseded_by)


@reading("a history")
def history_rows_of(rows: Sequence[tuple[Any, ...]], current: StoredMemory | None) -> list[HistoryRow]:
    """History from the columns of the query `history_rows`.

    An image holds contents only where they were replaced; the others had those of what came next.
    """
    history_rows: list[HistoryRow] = []
    later = current
    for change, event, at, author, reason, image in reversed(rows):
        kept = None if image is None else json.loads(image)
        before = None if kept is None or later is None else _restored(kept, later)
        later = before or later
        whole = kept is not None and "w" in kept
        seq = 0 if later is None else later.seq
        moment = from_micros(at)
        history_rows.append(
            HistoryRow(seq, EVENT.words[event], moment, AUTHOR.words[author], reason, before, whole, change)
        )
    return history_rows[::-1]


def _restored(kept: dict[str, Any], later: StoredMemory) -> StoredMemory:
    state, valid_until, strength, recalled_at, recall_count, pinned, superseded_by, echo_of = kept["n"]
    if "w" in kept:
        memory = Memory.model_validate(kept["w"])
        later = replace(later, memory=memory, sources=tuple(kept["s"]))
    numbers = {
        "state": STATE.words[state],
        "valid_until": _moment(valid_until),
        "strength": strength,
        "recalled_at": _moment(recalled_at),
        "recall_count": recall_count,
        "pinned": pinned,
    }
    return replace(later.changed(**numbers), superseded_by=superseded_by, echo_of=echo_of)
