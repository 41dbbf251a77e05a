"""From operations to primitive changes: what each operation means, in one place for all backends."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from memkit.errors import ConflictError, UndoError
from memkit.models import Action, Author, IndexEntry, Memory, Outcome, Placement, State
from memkit.operations import (
    Cite,
    Claim,
    CloseExchange,
    Enqueue,
    Erase,
    Forget,
    Insert,
    Learn,
    Merge,
    Operation,
    Pin,
    Place,
    Postpone,
    Reindex,
    Reinforce,
    Reject,
    Remake,
    Restore,
    Revert,
    Settle,
    Skip,
    Supersede,
    Weigh,
)
from memkit.storage.core.apply_erase import erase, place, remake, weigh
from memkit.storage.core.change_set import ChangeSet, Reader
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory, checked, open_closings
from memkit.storage.core.unit_of_work import UnitOfWork

UNDONE = "undone"
BACK: dict[State, Action] = {
    "active": "restored",
    "superseded": "superseded",
    "merged": "merged",
    "archived": "archived",
    "forgotten": "forgotten",
}
IDLE = ("skipped", "rejected", "reinforced", "indexed")
ABSENT = "not in this bank (any more)"
KNOWN = "already known"


def apply_operations(
    operations: Sequence[Operation], reader: Reader, *, at: datetime
) -> tuple[ChangeSet, tuple[Outcome, ...]]:
    """What operations come to in this bank, and what became of each.

    Raises UnknownMemoryError where one names an id that isn't there; nothing was changed then.
    """
    ledger = UnitOfWork(reader, at)
    ledger.prepare(_loaded(operations), _named(operations))
    outcomes = [_RULES[type(operation)](ledger, operation) for operation in operations]
    return ledger.changes(), tuple(_numbered(o, ledger.change) for o in outcomes if o is not None)


def _numbered(outcome: Outcome, change: int) -> Outcome:
    if outcome.action in IDLE:
        return outcome
    return outcome.model_copy(update={"change": change})


def _loaded(operations: Sequence[Operation]) -> Iterable[str]:
    """Ids whose records the rules look at."""
    for operation in operations:
        if isinstance(operation, Insert | Merge | Supersede):
            yield operation.memory.id
            if operation.memory.echo_of is not None:
                yield operation.memory.echo_of
        if isinstance(operation, Merge | Erase):
            yield from operation.ids
        elif isinstance(
            operation, Supersede | Pin | Forget | Restore | Revert | Reinforce | Reindex | Place | Weigh | Cite
        ):
            yield operation.id
        elif isinstance(operation, Remake):
            yield operation.memory.id


def _named(operations: Sequence[Operation]) -> Iterable[str]:
    """Ids of which only the seq is needed."""
    for operation in operations:
        if isinstance(operation, Insert | Merge | Supersede | Remake):
            yield from operation.memory.sources
            if operation.memory.superseded_by is not None:
                yield operation.memory.superseded_by
        elif isinstance(operation, Erase):
            yield from operation.remade
        elif isinstance(operation, Cite):
            yield from operation.sources
        elif isinstance(operation, Enqueue):
            yield from operation.turn_ids


def _insert(ledger: UnitOfWork, op: Insert) -> Outcome:
    record, outcome = _add(ledger, op.memory, op.entry, op.placement)
    if record is not None and record.echo_of is not None:
        return outcome.model_copy(update={"action": "echoed"})
    return outcome


def _add(
    ledger: UnitOfWork,
    memory: Memory,
    entry: IndexEntry,
    placement: Placement | None = None,
    united: Iterable[int] = (),
) -> tuple[StoredMemory | None, Outcome]:
    known = ledger.find(memory.id)
    memory = checked(memory)
    if known is not None:
        return None, _again(ledger, ledger.record(known), memory, entry)
    sources = [ledger.require(id, "sources") for id in memory.sources]
    record = ledger.add(memory, entry, placement, [*sources, *united])
    if memory.echo_of is not None:
        record = replace(record, echo_of=_original(ledger, memory.echo_of))
        ledger.put(record)
    return record, Outcome(id=memory.id, action="added")


def _original(ledger: UnitOfWork, id: str) -> int:
    """An echo of an echo is an echo of the first."""
    record = ledger.record(ledger.require(id, "echo_of"))
    return record.seq if record.echo_of is None else record.echo_of


def _again(ledger: UnitOfWork, old: StoredMemory, memory: Memory, entry: IndexEntry) -> Outcome:
    """An id that is there already: a repeat, an item's next value, or a conflict."""
    if old.memory.kind == memory.kind == "item":
        return _replace_item(ledger, old, memory, entry)
    if _content(old.memory) == _content(memory):
        return Outcome(id=memory.id, action="skipped", reason="already stored")
    return Outcome(
        id=memory.id,
        action="rejected",
        reason="this id is stored with other content, which was left as it is; give another id",
        error=ConflictError.__name__,
    )


def _content(memory: Memory) -> tuple[object, ...]:
    return (memory.text, memory.speaker, memory.kind)


def _replace_item(ledger: UnitOfWork, old: StoredMemory, memory: Memory, entry: IndexEntry) -> Outcome:
    same = _content(old.memory) == _content(memory) and old.memory.metadata == memory.metadata
    if same and old.memory.state == memory.state:
        return Outcome(id=memory.id, action="skipped", reason="already stored")
    sources = sorted({ledger.require(id, "sources") for id in memory.sources})
    kept = memory.model_copy(update={"id": old.memory.id, "recorded_at": old.memory.recorded_at})
    ledger.note(old, "superseded", memory.author, reason="replaced", whole=True)
    ledger.replace(StoredMemory(old.seq, old.uid, kept, old.placement, tuple(sources)), entry)
    return Outcome(id=old.memory.id, action="superseded", reason="replaced")


def _merge(ledger: UnitOfWork, op: Merge) -> Outcome:
    parts = [ledger.record(ledger.require(id, "Merge")) for id in dict.fromkeys(op.ids)]
    united = [source for part in parts for source in part.sources]
    record, outcome = _add(ledger, op.memory, op.entry, united=united)
    if record is None:
        return outcome
    for part in parts:
        _close(ledger, part, record, "merged", "merged")
    return outcome.model_copy(update={"action": "merged"})


def _supersede(ledger: UnitOfWork, op: Supersede) -> Outcome:
    old = ledger.record(ledger.require(op.id, "Supersede"))
    record, outcome = _add(ledger, op.memory, op.entry)
    if record is None and outcome.action == "skipped" and op.id != op.memory.id:
        record, outcome = ledger.record(ledger.require(op.memory.id, "Supersede")), Outcome(id=op.id, action="added")
    if record is None:
        return outcome
    event: Action = "corrected" if op.memory.author == "user" else "superseded"
    ends = op.memory.valid_from or op.memory.occurred_at
    _close(ledger, old, record, "superseded", event, reason=op.reason, valid_until=ends)
    return outcome.model_copy(update={"action": event, "reason": op.reason})


def _close(
    ledger: UnitOfWork,
    old: StoredMemory,
    by: StoredMemory,
    state: State,
    event: Action,
    *,
    reason: str | None = None,
    **fields: Any,
) -> None:
    ledger.note(old, event, by.memory.author, reason=reason)
    ledger.put(replace(old.changed(state=state, **fields), superseded_by=by.seq))


def _pin(ledger: UnitOfWork, op: Pin) -> Outcome:
    old = ledger.record(ledger.require(op.id, "Pin"))
    event: Action = "pinned" if op.pinned else "unpinned"
    if old.memory.pinned == op.pinned:
        return Outcome(id=op.id, action="skipped", reason=f"already {event}")
    return _alter(ledger, old, op.id, event, "user", pinned=op.pinned)


def _forget(ledger: UnitOfWork, op: Forget) -> Outcome:
    old = ledger.record(ledger.require(op.id, "Forget"))
    state: Action = "archived" if op.archived else "forgotten"
    if old.memory.state == state:
        return Outcome(id=op.id, action="skipped", reason=f"already {state}")
    return _alter(ledger, old, op.id, state, op.author, reason=op.reason, state=state)


def _alter(
    ledger: UnitOfWork,
    old: StoredMemory,
    id: str,
    event: Action,
    author: Author,
    *,
    reason: str | None = None,
    **fields: Any,
) -> Outcome:
    ledger.note(old, event, author, reason=reason)
    ledger.put(old.changed(**fields))
    return Outcome(id=id, action=event)


def _restore(ledger: UnitOfWork, op: Restore) -> Outcome:
    old = ledger.record(ledger.require(op.id, "Restore"))
    if old.memory.state == "active":
        return Outcome(id=op.id, action="skipped", reason="already active")
    before = _last_closing(ledger.past(old.seq))
    ledger.note(old, "restored", "user")
    if before is None:
        ledger.put(replace(old.changed(state="active"), superseded_by=None))
    else:
        fields = {"state": before.memory.state, "valid_until": before.memory.valid_until}
        ledger.put(replace(old.changed(**fields), superseded_by=ledger.remaining(before.superseded_by)))
    return Outcome(id=op.id, action="restored")


def _last_closing(history_rows: Sequence[HistoryRow]) -> StoredMemory | None:
    """The record before the last change that took it out of recall and wasn't undone yet."""
    closings = open_closings(history_rows)
    return history_rows[closings[-1]].before if closings else None


def _revert(ledger: UnitOfWork, op: Revert) -> Outcome:
    old = ledger.record(ledger.require(op.id, "Revert"))
    past = ledger.past(old.seq)
    own = [history_row for history_row in past if history_row.change in op.changes]
    first = 0 if op.added else min((history_row.change for history_row in own), default=0)
    if any(history_row.change > first and history_row.change not in op.changes for history_row in past):
        raise UndoError("undo: later operations changed the same memories, so nothing was done. Undo those first.")
    if any(history_row.whole or history_row.before is None for history_row in own):
        raise UndoError("undo: an item's earlier value isn't brought back, so nothing was done. Put it again.")
    if op.added or not own:
        return _alter(ledger, old, op.id, "forgotten", "user", reason=UNDONE, state="forgotten")
    return _brought_back(ledger, old, own[0].before, op.id)


def _brought_back(ledger: UnitOfWork, old: StoredMemory, before: StoredMemory | None, id: str) -> Outcome:
    was = (before or old).memory
    pin: Action = "pinned" if was.pinned else "unpinned"
    event = BACK[was.state] if was.state != old.memory.state or was.pinned == old.memory.pinned else pin
    ledger.note(old, event, "user", reason=UNDONE)
    fields = {"state": was.state, "valid_until": was.valid_until, "pinned": was.pinned}
    by = None if before is None else ledger.remaining(before.superseded_by)
    ledger.put(replace(old.changed(**fields), superseded_by=by))
    return Outcome(id=id, action=event, reason=UNDONE)


def _reinforce(ledger: UnitOfWork, op: Reinforce) -> Outcome:
    seq = ledger.find(op.id)
    if seq is None:
        return Outcome(id=op.id, action="skipped", reason=ABSENT)
    old = ledger.record(seq)
    memory = old.memory
    latest = op.at if memory.recalled_at is None else max(memory.recalled_at, op.at)
    fields = {
        "strength": memory.strength + op.growth,
        "recalled_at": latest,
        "recall_count": memory.recall_count + op.recalls,
    }
    ledger.put(old.changed(**fields))
    return Outcome(id=op.id, action="reinforced")


def _reindex(ledger: UnitOfWork, op: Reindex) -> Outcome:
    seq = ledger.find(op.id)
    if seq is None:
        return Outcome(id=op.id, action="skipped", reason=ABSENT)
    ledger.index(seq, op.entry)
    return Outcome(id=op.id, action="indexed")


def _skip(ledger: UnitOfWork, op: Skip) -> Outcome:
    return Outcome(id=op.id, action="skipped", reason=op.reason)


def _cite(ledger: UnitOfWork, op: Cite) -> Outcome:
    seq = ledger.find(op.id)
    old = None if seq is None else ledger.record(seq)
    if old is not None and old.sources and old.memory.author == "thinker":
        more = {source for id in op.sources if (source := ledger.find(id)) is not None}
        if not more <= set(old.sources):
            ledger.replace(replace(old, sources=tuple(sorted(more.union(old.sources)))), None)
    return Outcome(id=op.id, action="skipped", reason=KNOWN)


def _reject(ledger: UnitOfWork, op: Reject) -> Outcome:
    return Outcome(id=op.id, action="rejected", reason=str(op.error), error=type(op.error).__name__)


def _enqueue(ledger: UnitOfWork, op: Enqueue) -> None:
    turns = tuple(sorted({ledger.require(id, "Enqueue") for id in op.turn_ids}))
    old = ledger.exchange(op.number)
    if old is None:
        if turns:
            number, ledger.next_exchange = ledger.next_exchange, ledger.next_exchange + 1
            ledger.queue(Queued(number, op.session, turns, op.closed, op.at))
        return
    together = tuple(sorted({*old.turns, *turns}))
    latest = max(old.last_at, op.at)
    ledger.queue(replace(old, turns=together, closed=old.closed or op.closed, last_at=latest))


def _close_exchange(ledger: UnitOfWork, op: CloseExchange) -> None:
    old = ledger.exchange(op.number)
    if old is not None:
        ledger.queue(replace(old, closed=True))


def _learn(ledger: UnitOfWork, op: Learn) -> None:
    ledger.learnt.append(op)


def _claim(ledger: UnitOfWork, op: Claim) -> None:
    old = ledger.exchange(op.number)
    if old is None:
        return
    broken_off = op.until is not None and old.due_at is not None and old.error is None
    ledger.queue(replace(old, attempts=old.attempts + broken_off, error=None, due_at=op.until))


def _settle(ledger: UnitOfWork, op: Settle) -> None:
    ledger.settle(op.number)


def _postpone(ledger: UnitOfWork, op: Postpone) -> None:
    old = ledger.exchange(op.number)
    if old is not None:
        ledger.queue(replace(old, attempts=old.attempts + 1, error=op.error, due_at=op.until))


_RULES: dict[type, Callable[[UnitOfWork, Any], Outcome | None]] = {
    Insert: _insert,
    Merge: _merge,
    Supersede: _supersede,
    Pin: _pin,
    Forget: _forget,
    Restore: _restore,
    Revert: _revert,
    Reinforce: _reinforce,
    Reindex: _reindex,
    Erase: erase,
    Remake: remake,
    Place: place,
    Weigh: weigh,
    Skip: _skip,
    Cite: _cite,
    Reject: _reject,
    Enqueue: _enqueue,
    CloseExchange: _close_exchange,
    Learn: _learn,
    Claim: _claim,
    Settle: _settle,
    Postpone: _postpone,
}
