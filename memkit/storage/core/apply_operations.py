"""Operations, applied: what each of them means, in one place for every engine."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from memkit.errors import ConflictError, UndoError
from memkit.models import Action, Author, IndexEntry, Memory, Outcome, Placement, State
from memkit.operations import (
    Adopt,
    Cite,
    Claim,
    CloseExchange,
    Discard,
    Enqueue,
    Erase,
    Expect,
    Extend,
    Forget,
    Insert,
    Merge,
    Operation,
    Pin,
    Postpone,
    Precede,
    Put,
    Reinforce,
    Relink,
    Remake,
    Rename,
    Requeue,
    Restore,
    Revert,
    Rewrite,
    Settle,
    SetZone,
    Step,
    Supersede,
)
from memkit.storage.core.records import Queued, StoredMemory, begin_of, normalised, open_closings
from memkit.storage.core.rules.erase import erase, remake, rename
from memkit.storage.core.rules.items import discard, expect, extend, put
from memkit.storage.core.rules.rezone import set_zone
from memkit.storage.core.transfer import adopt, relink, requeue
from memkit.storage.core.unit_of_work import ChangeSet, Reader, UnitOfWork

UNDO_REASON = "undone"
ACTION_BY_STATE: dict[State, Action] = {
    "active": "restored",
    "superseded": "superseded",
    "merged": "merged",
    "archived": "archived",
    "forgotten": "forgotten",
}
UNCHANGING_ACTIONS = ("skipped", "rejected", "reinforced", "indexed")
ABSENT_REASON = "not in this bank (any more)"
CITED_REASON = "already known"
EARLIER_REASON = "held before what is known already"


def apply_operations(steps: Sequence[Step], reader: Reader, *, at: datetime) -> tuple[ChangeSet, tuple[Outcome, ...]]:
    """The changes that steps make to a bank, and the outcome of each; an outcome stands for itself.

    Raises UnknownMemoryError for an id that isn't there, ConflictError for one that was changed; nothing was.
    """
    work = UnitOfWork(reader, at)
    work.prepare([_ids(step) for step in steps if not isinstance(step, Outcome)])
    work.load_exchanges([step.number for step in steps if isinstance(step, Claim | Settle | Postpone)])
    outcomes = [step if isinstance(step, Outcome) else _RULE_BY_TYPE[type(step)](work, step) for step in steps]
    return work.changes(), tuple(_numbered(o, work.change) for o in outcomes if o is not None)


def _numbered(outcome: Outcome, change: int) -> Outcome:
    if outcome.action in UNCHANGING_ACTIONS or outcome.change == change:
        return outcome
    return outcome.model_copy(update={"change": change})


def _ids(operation: Operation) -> tuple[Iterable[str | None], Iterable[str | None]]:
    """Ids of the memories that an operation looks at, and of those that it only points at."""
    match operation:
        case Insert() | Put() | Merge() | Supersede() | Precede():
            memory = operation.memory
            return [*_closed_ids(operation), memory.id, memory.echo_of], [*memory.sources, memory.superseded_by]
        case Remake(memory=memory) | Rename(memory=memory):
            return [memory.id], memory.sources
        case Erase(ids=ids, remade=remade):
            return ids, remade
        case Discard(ids=ids):
            return ids, []
        case Cite(id=id, sources=sources):
            return [id], sources
        case Enqueue(turn_ids=ids) | Requeue(turn_ids=ids) | Adopt(ids=ids):
            return [], ids
        case Pin() | Forget() | Restore() | Revert() | Reinforce() | Rewrite() | Expect() | Extend():
            return [operation.id], []
        case _:
            return [], []


def _closed_ids(operation: Insert | Put | Merge | Supersede | Precede) -> Iterable[str | None]:
    """Ids of the memories that an operation closes, and of those between which it puts another."""
    match operation:
        case Merge(ids=ids):
            return ids
        case Supersede(id=id, others=others):
            return [id, *others]
        case Precede(by=by, after=after):
            return [by, after]
        case _:
            return []


def _insert(work: UnitOfWork, op: Insert) -> Outcome:
    record, outcome = _add(work, op.memory, op.entry, op.placement)
    if record is not None and record.echo_of is not None:
        return outcome.model_copy(update={"action": "echoed"})
    return outcome


def _add(
    work: UnitOfWork,
    memory: Memory,
    entry: IndexEntry,
    placement: Placement | None = None,
    united: Iterable[int] = (),
) -> tuple[StoredMemory | None, Outcome]:
    seq = work.find(memory.id)
    memory = normalised(memory)
    if seq is not None:
        return None, _again(work.record(seq), memory)
    sources = [work.require(id, "sources") for id in memory.sources]
    record = work.add(memory, entry, placement, [*sources, *united])
    if memory.echo_of is not None:
        record = replace(record, echo_of=_original(work, memory.echo_of))
        work.update(record)
    return record, Outcome(id=memory.id, action="added", change=work.change)


def _original(work: UnitOfWork, id: str) -> int:
    """An echo of an echo is an echo of the first."""
    record = work.record(work.require(id, "echo_of"))
    return record.seq if record.echo_of is None else record.echo_of


def _again(old: StoredMemory, memory: Memory) -> Outcome:
    """Outcome of an id that is in the bank already: a repeat, or a conflict."""
    if _content(old.memory) == _content(memory):
        return Outcome.skipped(memory.id, "already stored")
    return Outcome(
        id=memory.id,
        action="rejected",
        reason="this id is stored with other content, which was left as it is; give another id",
        error=ConflictError.__name__,
    )


def _content(memory: Memory) -> tuple[object, ...]:
    return (memory.text, memory.speaker, memory.kind)


def _merge(work: UnitOfWork, op: Merge) -> Outcome:
    parts = [work.record(work.require(id, "Merge")) for id in dict.fromkeys(op.ids)]
    united = [source for part in parts for source in part.sources]
    record, outcome = _add(work, op.memory, op.entry, united=united)
    if record is None:
        return outcome
    for part in parts:
        _close(work, part, record, "merged", "merged")
    return outcome.model_copy(update={"action": "merged"})


def _supersede(work: UnitOfWork, op: Supersede) -> Outcome:
    olds = [work.record(work.require(id, "Supersede")) for id in (op.id, *op.others)]
    record, outcome = _add(work, op.memory, op.entry, op.placement)
    if record is None and outcome.action == "skipped" and op.id != op.memory.id:
        record, outcome = work.record(work.require(op.memory.id, "Supersede")), Outcome(id=op.id, action="added")
    if record is None:
        return outcome
    event: Action = "corrected" if op.memory.author == "user" else "superseded"
    for old in olds:
        if old.memory.kind == record.memory.kind == "turn":
            _close(work, old, record, "forgotten", event, reason=op.reason)
        else:
            _close(work, old, record, "superseded", event, reason=op.reason, valid_until=begin_of(op.memory))
    return outcome.model_copy(update={"action": event, "reason": op.reason})


def _precede(work: UnitOfWork, op: Precede) -> Outcome:
    by = work.record(work.require(op.by, "Precede"))
    before = None if op.after is None else work.record(work.require(op.after, "Precede"))
    record, outcome = _add(work, op.memory, op.entry)
    if record is None:
        return outcome
    if before is not None:
        _close(work, before, record, "superseded", "superseded", valid_until=begin_of(op.memory))
    begun, ended = begin_of(by.memory), op.memory.valid_until
    work.update(by.changed(valid_from=begun))
    ends = begun if ended is None else min(begun, ended)
    _close(work, record, by, "superseded", "superseded", valid_until=ends)
    return outcome.model_copy(update={"reason": EARLIER_REASON})


def _close(
    work: UnitOfWork,
    old: StoredMemory,
    by: StoredMemory,
    state: State,
    event: Action,
    *,
    reason: str | None = None,
    **fields: Any,
) -> None:
    work.add_history(old, event, by.memory.author, reason=reason)
    work.update(replace(old.changed(state=state, **fields), superseded_by=by.seq))


def _pin(work: UnitOfWork, op: Pin) -> Outcome:
    old = work.record(work.require(op.id, "Pin"))
    event: Action = "pinned" if op.pinned else "unpinned"
    if old.memory.pinned == op.pinned:
        return Outcome.skipped(op.id, f"already {event}")
    return _alter(work, old, op.id, event, "user", pinned=op.pinned)


def _forget(work: UnitOfWork, op: Forget) -> Outcome:
    old = work.record(work.require(op.id, "Forget"))
    state: Action = "archived" if op.archived else "forgotten"
    if old.memory.state == state:
        return Outcome.skipped(op.id, f"already {state}")
    return _alter(work, old, op.id, state, op.author, reason=op.reason, state=state)


def _alter(
    work: UnitOfWork,
    old: StoredMemory,
    id: str,
    event: Action,
    author: Author,
    *,
    reason: str | None = None,
    **fields: Any,
) -> Outcome:
    work.add_history(old, event, author, reason=reason)
    work.update(old.changed(**fields))
    return Outcome(id=id, action=event)


def _restore(work: UnitOfWork, op: Restore) -> Outcome:
    old = work.record(work.require(op.id, "Restore"))
    if old.memory.state == "active":
        return Outcome.skipped(op.id, "already active")
    past = work.history_of(old.seq)
    closings = open_closings(past)
    before = past[closings[-1]].before if closings else None  # the last change that took it out of recall
    work.add_history(old, "restored", "user")
    if before is None:
        work.update(replace(old.changed(state="active"), superseded_by=None))
    else:
        fields = {"state": before.memory.state, "valid_until": before.memory.valid_until}
        work.update(replace(old.changed(**fields), superseded_by=work.if_present(before.superseded_by)))
    return Outcome(id=op.id, action="restored")


def _revert(work: UnitOfWork, op: Revert) -> Outcome:
    old = work.record(work.require(op.id, "Revert"))
    past = work.history_of(old.seq)
    own = [history_row for history_row in past if history_row.change in op.changes]
    first = 0 if op.added else min((history_row.change for history_row in own), default=0)
    if any(history_row.change > first and history_row.change not in op.changes for history_row in past):
        raise UndoError("undo: later operations changed the same memories, so nothing was done. Undo those first.")
    if op.added or not own:
        return _alter(work, old, op.id, "forgotten", "user", reason=UNDO_REASON, state="forgotten")
    return _brought_back(work, old, own[0].before, op.id)


def _brought_back(work: UnitOfWork, old: StoredMemory, before: StoredMemory | None, id: str) -> Outcome:
    was = (before or old).memory
    pin: Action = "pinned" if was.pinned else "unpinned"
    event = ACTION_BY_STATE[was.state] if was.state != old.memory.state or was.pinned == old.memory.pinned else pin
    work.add_history(old, event, "user", reason=UNDO_REASON)
    fields = {"state": was.state, "valid_until": was.valid_until, "pinned": was.pinned}
    by = None if before is None else work.if_present(before.superseded_by)
    work.update(replace(old.changed(**fields), superseded_by=by))
    return Outcome(id=id, action=event, reason=UNDO_REASON)


def _reinforce(work: UnitOfWork, op: Reinforce) -> Outcome:
    seq = work.find(op.id)
    if seq is None:
        return Outcome.skipped(op.id, ABSENT_REASON)
    old = work.record(seq)
    memory = old.memory
    latest = op.at if memory.recalled_at is None else max(memory.recalled_at, op.at)
    fields = {
        "strength": memory.strength + op.growth,
        "recalled_at": latest,
        "recall_count": memory.recall_count + op.recalls,
    }
    work.update(old.changed(**fields))
    return Outcome(id=op.id, action="reinforced")


def _rewrite(work: UnitOfWork, op: Rewrite) -> Outcome | None:
    seq = work.find(op.id)
    if seq is not None:
        _rewrite_derived(work, work.record(seq), op)
    if op.entry is None:
        return None
    return Outcome.skipped(op.id, ABSENT_REASON) if seq is None else Outcome(id=op.id, action="indexed")


def _rewrite_derived(work: UnitOfWork, old: StoredMemory, op: Rewrite) -> None:
    """Change the parts that are given; a session's label lies among the contents, which are replaced."""
    label = old.memory.session if op.session is None else op.session
    new = replace(old.changed(session=label), placement=op.placement or old.placement)
    if label != old.memory.session:
        work.replace_contents(new, op.entry)
        return
    work.update(new)
    if op.entry is not None:
        work.index(old.seq, op.entry)


def _cite(work: UnitOfWork, op: Cite) -> Outcome:
    seq = work.find(op.id)
    old = None if seq is None else work.record(seq)
    if old is not None and old.sources and old.memory.author == "thinker":
        more = {source for id in op.sources if (source := work.find(id)) is not None}
        if not more <= set(old.sources):
            work.replace_contents(replace(old, sources=tuple(sorted(more.union(old.sources)))), None)
    return Outcome.skipped(op.id, CITED_REASON)


def _enqueue(work: UnitOfWork, op: Enqueue) -> None:
    turns = tuple(sorted({work.require(id, "Enqueue") for id in op.turn_ids}))
    exchange = work.exchange(op.number)
    if exchange is None:
        if turns:
            number, work.next_exchange = work.next_exchange, work.next_exchange + 1
            work.queue(Queued(number, op.session, turns, op.closed, op.at))
        return
    turns = tuple(sorted({*exchange.turns, *turns}))
    latest = max(exchange.last_at, op.at)
    work.queue(replace(exchange, turns=turns, closed=exchange.closed or op.closed, last_at=latest))


def _close_exchange(work: UnitOfWork, op: CloseExchange) -> None:
    exchange = work.exchange(op.number)
    if exchange is not None:
        work.queue(replace(exchange, closed=True))


def _claim(work: UnitOfWork, op: Claim) -> None:
    exchange = work.exchange(op.number)
    if exchange is None:
        return
    unfinished = op.until is not None and exchange.due_at is not None and exchange.error is None
    work.queue(replace(exchange, attempts=exchange.attempts + unfinished, error=None, due_at=op.until))


def _postpone(work: UnitOfWork, op: Postpone) -> None:
    exchange = work.exchange(op.number)
    if exchange is not None:
        work.queue(replace(exchange, attempts=exchange.attempts + 1, error=op.error, due_at=op.until))


_RULE_BY_TYPE: dict[type, Callable[[UnitOfWork, Any], Outcome | None]] = {
    Insert: _insert,
    Put: put,
    Discard: discard,
    Expect: expect,
    Extend: extend,
    Merge: _merge,
    Supersede: _supersede,
    Precede: _precede,
    Pin: _pin,
    Forget: _forget,
    Restore: _restore,
    Revert: _revert,
    Reinforce: _reinforce,
    Erase: erase,
    Remake: remake,
    Rename: rename,
    Rewrite: _rewrite,
    Cite: _cite,
    Enqueue: _enqueue,
    CloseExchange: _close_exchange,
    Claim: _claim,
    Settle: lambda work, op: work.settle(op.number),
    Postpone: _postpone,
    Adopt: adopt,
    Relink: relink,
    Requeue: requeue,
    SetZone: set_zone,
}
