"""What an erasure comes to in a bank: what goes, and what becomes of all that pointed at it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from memkit.models import Memory, Outcome
from memkit.operations import Erase, Place, Remake, Weigh
from memkit.storage.core.change_set import Erased
from memkit.storage.core.records import HistoryRow, StoredMemory, checked, heir_entry, open_closings
from memkit.storage.core.unit_of_work import UnitOfWork
from memkit.text.terms.tokens import words

KEPT = ("id", "kind", "recorded_at", "state", "valid_until", "strength", "recalled_at", "recall_count", "pinned")


def erase(ledger: UnitOfWork, op: Erase) -> Outcome:
    """Take memories out for good. Raises UnknownMemoryError."""
    ids = list(dict.fromkeys(op.ids))
    seqs = {id: ledger.require(id, "Erase") for id in ids}
    gone = set(seqs.values())
    _reopen(ledger, gone)
    _bequeath(ledger, gone)
    _drop_reasons(ledger, gone)
    ledger.erase(_erased(ledger, op, seqs))
    if len(ids) == 1:
        return Outcome(id=ids[0], action="erased")
    return Outcome(id=None, action="erased", reason=f"{len(ids)} memories")


def _erased(ledger: UnitOfWork, op: Erase, seqs: dict[str, int]) -> Erased:
    records = [ledger.record(seq) for seq in seqs.values()]
    remade = [ledger.require(id, "Erase.remade") for id in op.remade]
    ledger.load(remade)
    return Erased(
        seqs=tuple(seqs.values()),
        counts=dict(sorted(Counter(record.memory.kind for record in records).items())),
        ids=tuple(_uuid(record) for record in records),
        chosen=len(seqs) if op.chosen is None else op.chosen,
        remade=tuple(_uuid(ledger.record(seq)) for seq in remade),
        requested_by=op.requested_by,
        fingerprints=op.fingerprints,
    )


def _uuid(record: StoredMemory) -> str:
    return str(UUID(bytes=record.uid))


def _bequeath(ledger: UnitOfWork, gone: set[int]) -> None:
    """The oldest echo that remains takes the trace of an erased original; the others follow it."""
    ledger.load(ledger.reader.echoes(sorted(gone)))
    echoes: dict[int, list[StoredMemory]] = {}
    for record in sorted(ledger.known(), key=lambda record: record.seq):
        if record.echo_of in gone and record.seq not in gone:
            echoes.setdefault(record.echo_of, []).append(record)
    for origin, (heir, *others) in echoes.items():
        ledger.put(replace(heir, echo_of=None))
        ledger.index(heir.seq, heir_entry(ledger.entry(heir.seq), ledger.entry(origin)))
        for other in others:
            ledger.put(replace(other, echo_of=heir.seq))


def _reopen(ledger: UnitOfWork, gone: set[int]) -> None:
    """What the erased ones closed is as if they had never been: open, or closed by what closed them in turn."""
    ledger.load(ledger.reader.closed_by(sorted(gone)))
    for record in ledger.known():
        if record.superseded_by in gone and record.seq not in gone:
            _without_closing(ledger, record, gone)


def _without_closing(ledger: UnitOfWork, record: StoredMemory, gone: set[int]) -> None:
    rows = ledger.past(record.seq)
    closings = open_closings(rows)
    after, told = _successor(ledger, record.superseded_by, gone)
    if not closings:
        state = "active" if after is None else record.memory.state
        ledger.put(replace(record.changed(state=state), superseded_by=None if after is None else after.seq))
        return
    at = closings[-1]
    before = rows[at].before or record
    if after is None or told is None:
        now = before
        kept: list[HistoryRow] = []
    else:
        now = _closed(before, after, told)
        kept = [replace(rows[at], event=told.event, at=told.at, author=told.author, reason=None)]
    ledger.put(_as(record, now))
    later = [_corrected(row, now, gone) for row in rows[at + 1 :]]
    ledger.rewrite(record.seq, [*rows[:at], *kept, *later])


def _successor(ledger: UnitOfWork, seq: int | None, gone: set[int]) -> tuple[StoredMemory | None, HistoryRow | None]:
    """What closed the last of the erased ones, and the entry of history that says so."""
    told: HistoryRow | None = None
    while seq is not None and seq in gone:
        rows = ledger.past(seq)
        closings = open_closings(rows)
        told = rows[closings[-1]] if closings else None
        seq = ledger.record(seq).superseded_by
    return (None if seq is None else ledger.record(seq)), told


def _closed(before: StoredMemory, after: StoredMemory, told: HistoryRow) -> StoredMemory:
    if told.event == "merged":
        return replace(before.changed(state="merged"), superseded_by=after.seq)
    ends = after.memory.valid_from or after.memory.occurred_at
    return replace(before.changed(state="superseded", valid_until=ends), superseded_by=after.seq)


def _as(record: StoredMemory, now: StoredMemory) -> StoredMemory:
    """The record in another one's state."""
    fields = {"state": now.memory.state, "valid_until": now.memory.valid_until}
    return replace(record.changed(**fields), superseded_by=now.superseded_by)


def _corrected(row: HistoryRow, now: StoredMemory, gone: set[int]) -> HistoryRow:
    if row.before is None or row.before.superseded_by not in gone:
        return row
    return replace(row, before=_as(row.before, now))


def _drop_reasons(ledger: UnitOfWork, gone: set[int]) -> None:
    """A thinker's reasons may tell of what it had read: those that share a word with what goes are left out."""
    ledger.load(gone)
    reasons = [(seq, reason) for seq, reason in ledger.reader.reasons() if seq not in gone]
    told = _terms(ledger.record(seq).memory.text for seq in gone) if reasons else set()
    sharing = {reason for reason in {reason for _, reason in reasons} if told & _terms([reason])}
    for seq in {seq for seq, reason in reasons if reason in sharing}:
        ledger.rewrite(seq, _without_reasons(ledger.past(seq)))


def _terms(texts: Iterable[str]) -> set[str]:
    return {word.term for text in texts for word in words(text)}


def remake(ledger: UnitOfWork, op: Remake) -> Outcome:
    """Other contents under a memory's id; nothing of what was there is kept, nor of what was said about it."""
    old = ledger.record(ledger.require(op.memory.id, "Remake"))
    kept = {name: getattr(old.memory, name) for name in KEPT}
    memory: Memory = checked(op.memory).model_copy(update=kept)
    sources = sorted({ledger.require(id, "sources") for id in op.memory.sources})
    ledger.replace(replace(old, memory=memory, sources=tuple(sources)), op.entry)
    ledger.rewrite(old.seq, _without_reasons(ledger.past(old.seq)))
    return Outcome(id=op.memory.id, action="superseded", reason="made again")


def _without_reasons(rows: Sequence[HistoryRow]) -> list[HistoryRow]:
    return [replace(row, reason=None) if row.author == "thinker" else row for row in rows]


def place(ledger: UnitOfWork, op: Place) -> None:
    """Another place in the flow."""
    old = ledger.record(ledger.require(op.id, "Place"))
    new = replace(old, placement=op.placement)
    if op.session is None or op.session == old.memory.session:
        ledger.put(new)
    else:
        ledger.replace(new.changed(session=op.session), None)


def weigh(ledger: UnitOfWork, op: Weigh) -> None:
    """Another salience, other key phrases; nothing where the memory is gone."""
    seq = ledger.find(op.id)
    if seq is None:
        return
    old = ledger.record(seq)
    new = old.changed(salience=op.salience, key_phrases=op.key_phrases)
    if old.memory.key_phrases == op.key_phrases:
        ledger.put(new)
    else:
        ledger.replace(new, None)
