"""Erasure within a bank: memories that are removed, and the repair of all that pointed at them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from memkit.models import Memory, Outcome
from memkit.operations import Erase, Remake, Rename
from memkit.storage.core.records import HistoryRow, StoredMemory, begin_of, heir_entry, normalised, open_closings
from memkit.storage.core.unit_of_work import Erased, UnitOfWork

NAMING_FIELDS = ("speaker", "head", "text", "metadata")
RENAMED_REASON = "its speaker has another name"
KEPT_FIELDS = ("id", "kind", "recorded_at", "state", "valid_until", "strength", "recalled_at", "recall_count", "pinned")


def erase(work: UnitOfWork, op: Erase) -> Outcome:
    """Remove memories for good. Raises UnknownMemoryError."""
    ids = list(dict.fromkeys(op.ids))
    seqs = {id: work.require(id, "Erase") for id in ids}
    erased = set(seqs.values())
    _reopen(work, erased)
    _promote_echoes(work, erased)
    _drop_reasons(work, erased)
    work.erase(_erased(work, op, seqs))
    if len(ids) == 1:
        return Outcome(id=ids[0], action="erased")
    return Outcome(id=None, action="erased", reason=f"{len(ids)} memories")


def _erased(work: UnitOfWork, op: Erase, seqs: dict[str, int]) -> Erased:
    records = [work.record(seq) for seq in seqs.values()]
    remade = [work.require(id, "Erase.remade") for id in op.remade]
    work.load(remade)
    return Erased(
        seqs=tuple(seqs.values()),
        counts=dict(sorted(Counter(record.memory.kind for record in records).items())),
        ids=tuple(_uuid(record) for record in records),
        chosen=len(seqs) if op.chosen is None else op.chosen,
        remade=tuple(_uuid(work.record(seq)) for seq in remade),
        requested_by=op.requested_by,
        fingerprints=op.fingerprints,
    )


def _uuid(record: StoredMemory) -> str:
    return str(UUID(bytes=record.uid))


def _promote_echoes(work: UnitOfWork, gone: set[int]) -> None:
    """Give the index entry of an erased original to its oldest echo, which the other echoes then follow."""
    work.load(work.reader.echoes(sorted(gone)))
    echoes: dict[int, list[StoredMemory]] = {}
    for record in sorted(work.loaded_records(), key=lambda record: record.seq):
        if record.echo_of in gone and record.seq not in gone:
            echoes.setdefault(record.echo_of, []).append(record)
    for origin, (heir, *others) in echoes.items():
        work.update(replace(heir, echo_of=None))
        work.index(heir.seq, heir_entry(work.entry(heir.seq), work.entry(origin)))
        for other in others:
            work.update(replace(other, echo_of=heir.seq))


def _reopen(work: UnitOfWork, gone: set[int]) -> None:
    """Undo the closings by erased memories: the closed ones are open again, or closed by what superseded the erased."""
    work.load(work.reader.superseded_by_any(sorted(gone)))
    for record in work.loaded_records():
        if record.superseded_by in gone and record.seq not in gone:
            _undo_closing(work, record, gone)


def _undo_closing(work: UnitOfWork, record: StoredMemory, gone: set[int]) -> None:
    rows = work.history_of(record.seq)
    closings = open_closings(rows)
    successor, closing = _successor(work, record.superseded_by, gone)
    if not closings:
        state = "active" if successor is None else record.memory.state
        work.update(replace(record.changed(state=state), superseded_by=None if successor is None else successor.seq))
        return
    position = closings[-1]
    now = rows[position].before or record
    closed: list[HistoryRow] = []
    if successor is not None and closing is not None and now.superseded_by != successor.seq:
        now = _closed(now, successor, closing)
        closed = [replace(rows[position], event=closing.event, at=closing.at, author=closing.author, reason=None)]
    work.update(_in_state_of(record, now))
    later = [_corrected(row, now, gone) for row in rows[position + 1 :]]
    work.replace_history(record.seq, [*rows[:position], *closed, *later])


def _successor(work: UnitOfWork, seq: int | None, gone: set[int]) -> tuple[StoredMemory | None, HistoryRow | None]:
    """The memory that superseded the last of a chain of erased ones, and the line of history that says so."""
    closing: HistoryRow | None = None
    while seq is not None and seq in gone:
        rows = work.history_of(seq)
        closings = open_closings(rows)
        closing = rows[closings[-1]] if closings else None
        seq = work.record(seq).superseded_by
    return (None if seq is None else work.record(seq)), closing


def _closed(before: StoredMemory, successor: StoredMemory, closing: HistoryRow) -> StoredMemory:
    if closing.event == "merged":
        return replace(before.changed(state="merged"), superseded_by=successor.seq)
    return replace(
        before.changed(state="superseded", valid_until=begin_of(successor.memory)), superseded_by=successor.seq
    )


def _in_state_of(record: StoredMemory, now: StoredMemory) -> StoredMemory:
    """The memory in another one's state."""
    fields = {"state": now.memory.state, "valid_until": now.memory.valid_until}
    return replace(record.changed(**fields), superseded_by=now.superseded_by)


def _corrected(row: HistoryRow, now: StoredMemory, gone: set[int]) -> HistoryRow:
    if row.before is None or row.before.superseded_by not in gone:
        return row
    return replace(row, before=_in_state_of(row.before, now))


def _drop_reasons(work: UnitOfWork, gone: set[int]) -> None:
    """Drop those reasons of a thinker that share a word with an erased text."""
    work.load(gone)
    reasons = [(seq, reason) for seq, reason in work.reader.reasons() if seq not in gone]
    erased_terms = _terms(work.record(seq).memory.text for seq in gone) if reasons else set()
    sharing = {reason for reason in {reason for _, reason in reasons} if erased_terms & _terms([reason])}
    for seq in {seq for seq, reason in reasons if reason in sharing}:
        work.replace_history(seq, _without_reasons(work.history_of(seq)))


def _terms(texts: Iterable[str]) -> set[str]:
    from memkit.text.terms.tokens import words

    return {word.term for text in texts for word in words(text)}


def remake(work: UnitOfWork, op: Remake) -> Outcome:
    """Replace a memory's contents; neither the old ones nor a thinker's reasons about them are kept."""
    old = work.record(work.require(op.memory.id, "Remake"))
    unchanged = {name: getattr(old.memory, name) for name in KEPT_FIELDS}
    memory: Memory = normalised(op.memory).model_copy(update=unchanged)
    sources = sorted({work.require(id, "sources") for id in op.memory.sources})
    work.replace_contents(replace(old, memory=memory, sources=tuple(sources)), op.entry)
    work.replace_history(old.seq, _without_reasons(work.history_of(old.seq)))
    return Outcome(id=op.memory.id, action="superseded", reason="made again")


def rename(work: UnitOfWork, op: Rename) -> Outcome:
    """Put a person's new name into a memory."""
    old = work.record(work.require(op.memory.id, "Rename"))
    work.replace_contents(old.changed(**{name: getattr(op.memory, name) for name in NAMING_FIELDS}), op.entry)
    return Outcome(id=op.memory.id, action="indexed", reason=RENAMED_REASON)


def _without_reasons(rows: Sequence[HistoryRow]) -> list[HistoryRow]:
    return [replace(row, reason=None) if row.author == "thinker" else row for row in rows]
