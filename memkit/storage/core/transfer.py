"""Memories on their way to another database: from stored rows to an export's records and back, number by number."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from memkit.errors import ConflictError
from memkit.exported import ExportedChange, ExportedMemory, ExportedState
from memkit.identifiers import uuid7_bytes
from memkit.models import IndexEntry, Outcome
from memkit.operations import Adopt, Relink, Requeue
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory, normalised
from memkit.storage.core.unit_of_work import UnitOfWork


def exported_memory(record: StoredMemory, history_rows: Sequence[HistoryRow], entry: IndexEntry) -> ExportedMemory:
    """A stored memory as an export holds it."""
    own = uuid7_bytes(record.memory.id) is None
    return ExportedMemory(
        number=record.seq,
        content=record.memory,
        uuid=str(UUID(bytes=record.uid)) if own else None,
        place=record.placement,
        sources=record.sources,
        superseded_by=record.superseded_by,
        echo_of=record.echo_of,
        history=tuple(map(_exported_change, history_rows)),
        wanted=entry.wanted,
        vector=entry.vector,
        passages=entry.passages,
        tokens=entry.tokens,
    )


def _exported_change(row: HistoryRow) -> ExportedChange:
    before = None if row.before is None else _exported_state(row.before)
    return ExportedChange(
        event=row.event, at=row.at, author=row.author, reason=row.reason, change=row.change, before=before
    )


def _exported_state(record: StoredMemory) -> ExportedState:
    memory = record.memory
    return ExportedState(
        state=memory.state,
        valid_until=memory.valid_until,
        strength=memory.strength,
        recalled_at=memory.recalled_at,
        recall_count=memory.recall_count,
        pinned=memory.pinned,
        superseded_by=record.superseded_by,
        echo_of=record.echo_of,
    )


def stored_memory(exported: ExportedMemory) -> StoredMemory:
    """The row of an exported memory."""
    memory = normalised(exported.content)
    uid = uuid7_bytes(memory.id) or UUID(exported.uuid).bytes
    links = (tuple(sorted(set(exported.sources))), exported.superseded_by, exported.echo_of)
    return StoredMemory(exported.number, uid, memory, exported.place, *links)


def history_rows_of(exported: ExportedMemory) -> list[HistoryRow]:
    """The lines of its history; contents are those of today."""
    history_rows: list[HistoryRow] = []
    later = stored_memory(exported)
    for line in reversed(exported.history):
        before = None if line.before is None else _state_before(line.before, later)
        history_rows.append(
            HistoryRow(exported.number, line.event, line.at, line.author, line.reason, before, line.change)
        )
        later = before or later
    return history_rows[::-1]


def _state_before(state: ExportedState, later: StoredMemory) -> StoredMemory:
    numbers = ("state", "valid_until", "strength", "recalled_at", "recall_count", "pinned")
    changed = later.changed(**{name: getattr(state, name) for name in numbers})
    return replace(changed, superseded_by=state.superseded_by, echo_of=state.echo_of)


def adopt(work: UnitOfWork, op: Adopt) -> Outcome:
    """Store an exported memory under its number. Raises ConflictError where the number or the id is taken."""
    exported = op.memory
    if exported.number < work.next_seq or work.find(exported.content.id) or work.find(exported.uuid or ""):
        raise ConflictError(
            f"load: the memory with the number {exported.number} can't be stored: its number or its id is taken. "
            "Either the file gives an id twice, or somebody else loads it at the same time: load it again."
        )
    work.adopt(stored_memory(exported.pointing_back()), op.entry, history_rows_of(exported), op.change)
    return Outcome(id=exported.content.id, action="added")


def relink(work: UnitOfWork, op: Relink) -> None:
    """Point a memory at the others that it names; of contents nothing changes."""
    linked = stored_memory(op.memory)
    old = work.record(op.memory.number)
    new = replace(old, superseded_by=linked.superseded_by, echo_of=linked.echo_of)
    work.change = op.change
    if linked.sources == old.sources:
        work.update(new)
    else:
        work.replace_contents(replace(new, sources=linked.sources), None)


def requeue(work: UnitOfWork, op: Requeue) -> None:
    """Put an exchange into the queue under its number."""
    exchange = op.exchange
    turns = tuple(sorted({work.require(id, "load") for id in exchange.turn_ids}))
    names = ("number", "session", "closed", "last_at", "attempts", "error", "due_at")
    work.exchange(exchange.number)
    work.queue(Queued(turns=turns, **{name: getattr(exchange, name) for name in names}))
    work.next_exchange = max(work.next_exchange, exchange.number + 1)
    work.change = op.change
