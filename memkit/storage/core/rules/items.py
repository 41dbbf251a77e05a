"""Items, applied: a value takes the place of the one before, silently, and goes without a trace."""

from datetime import timedelta

from memkit.errors import ConflictError
from memkit.items import is_expired
from memkit.models import Outcome
from memkit.operations import Discard, Expect, Extend, Put
from memkit.storage.core.records import StoredMemory, normalised
from memkit.storage.core.unit_of_work import UnitOfWork

ONE_TICK = timedelta(microseconds=1)  # at least between a value and the next, so that the time tells which one it is


def put(work: UnitOfWork, op: Put) -> Outcome:
    """Store a value, or put it in the place of an earlier one; what had expired was gone. Raises UnknownMemoryError."""
    seq, memory = work.find(op.memory.id), normalised(op.memory)
    sources = tuple(sorted({work.require(id, "sources") for id in memory.sources}))
    old = None if seq is None else work.record(seq)
    if old is not None and is_expired(old.memory, work.at):
        work.remove([old.seq])
        old = None
    if old is None:
        work.add(memory, op.entry, None, sources)
        return Outcome(id=memory.id, action="added", change=work.change)
    changed_at = max(memory.occurred_at, old.memory.occurred_at + ONE_TICK)
    value = memory.model_copy(update={"recorded_at": old.memory.recorded_at, "occurred_at": changed_at, "sources": ()})
    was_indexed = bool(old.memory.text)
    work.replace_contents(
        StoredMemory(old.seq, old.uid, value, sources=sources), op.entry if was_indexed or value.text else None
    )
    return Outcome(id=memory.id, action="superseded", change=work.change)


def discard(work: UnitOfWork, op: Discard) -> Outcome | None:
    """Remove items that are there; the outcome tells how many were."""
    records = [work.record(seq) for id in dict.fromkeys(op.ids) if (seq := work.find(id)) is not None]
    items = [record for record in records if record.memory.kind == "item"]
    gone = [r.seq for r in items if op.due_by is None or is_expired(r.memory, op.due_by)]
    work.remove(gone)
    id = op.ids[0] if len(op.ids) == 1 else None
    if not gone:
        return Outcome.skipped(id, "no such item")
    return Outcome(id=id, action="erased", reason=None if id else f"{len(gone)} items")


def expect(work: UnitOfWork, op: Expect) -> None:
    """Nothing where an item is as it is expected; an expired one isn't there. Raises ConflictError."""
    seq = work.find(op.id)
    memory = None if seq is None else work.record(seq).memory
    held_at = None if memory is None or is_expired(memory, work.at) else memory.occurred_at
    if held_at != op.updated_at:
        raise ConflictError("put: an item was changed since it was read, so nothing was stored. Read it again.")


def extend(work: UnitOfWork, op: Extend) -> Outcome:
    """Move an item's end; the later end counts."""
    seq = work.find(op.id)
    old = None if seq is None else work.record(seq)
    if old is None or old.memory.valid_until is None or old.memory.valid_until >= op.until:
        return Outcome.skipped(op.id, "ends later, or isn't there")
    work.update(old.changed(valid_until=op.until))
    return Outcome(id=op.id, action="indexed")
