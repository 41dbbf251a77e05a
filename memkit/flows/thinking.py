"""Post-thinking: from the queue of exchanges to checked, applied operations (TiM, arXiv 2311.08719)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from memkit.errors import MemkitError, ThinkerError
from memkit.flows.context import BankContext
from memkit.models import BankState, Exchange, Memory, Outcome, Receipt
from memkit.operations import Operation, Postpone, Settle
from memkit.protocols import BankView, Task
from memkit.think.revise import revise

log = logging.getLogger("memkit")

NEAR_IN_GROUP = 20
NEAR_BY_HEAD = 60
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)


@dataclass(frozen=True)
class Thought:
    """What came of one exchange."""

    outcomes: tuple[Outcome, ...]
    change: int
    failed: bool = False


def think(ctx: BankContext, *, only_due: bool = False) -> Receipt:
    """Think about the exchanges that wait; with `only_due`, not about open ones or those put off."""
    state = ctx.state()
    outcomes: list[Outcome] = []
    change = 0 if state is None else state.change
    for exchange in waiting(ctx, state, only_due=only_due):
        done = think_about(ctx, exchange)
        outcomes += done.outcomes
        change = max(change, done.change)
    return Receipt(bank=ctx.name, change=change, outcomes=tuple(outcomes))


def waiting(ctx: BankContext, state: BankState | None, *, only_due: bool) -> list[Exchange]:
    """The bank's queued exchanges, oldest first."""
    if state is None:
        return []
    now = ctx.now()
    with ctx.storage.view(state.number) as view:
        queued = view.exchanges(due_at=now if only_due else None)
    idle = now - ctx.settings.observe.exchange_idle
    return [e for e in queued if e.closed or not only_due or e.last_at <= idle]


def think_about(ctx: BankContext, exchange: Exchange) -> Thought:
    """Ask the thinker about one exchange, check what it proposes, and apply it."""
    state = ctx.ensure()
    task = task_of(ctx, state, exchange)
    try:
        proposals = ctx.services.thinker.think(task)
        operations = revise(
            proposals,
            task,
            new_id=lambda: ctx.services.new_id(task.now),
            trace=lambda memories: ctx.services.tracer.trace(state, memories),
        )
        return _applied(ctx, state, exchange, task, operations)
    except ThinkerError as error:
        return _postponed(ctx, state, exchange, error)


def task_of(ctx: BankContext, state: BankState, exchange: Exchange) -> Task:
    """An exchange's turns and the thoughts that lie near it: by hash group and by head entity."""
    with ctx.storage.view(state.number) as view:
        seqs = list(view.locate(exchange.turn_ids).values())
        turns = [memory for _, memory in sorted(view.memories(seqs).items())]
        thoughts = {m.id: m for m in _near(ctx, view, seqs, turns)}
    return Task(turns, list(thoughts.values()), state.zone, ctx.now())


def _near(ctx: BankContext, view: BankView, seqs: Sequence[int], turns: Sequence[Memory]) -> list[Memory]:
    heads = dict.fromkeys(m.speaker for m in turns if m.speaker is not None)
    found = [t for head in heads for t in view.about(head, ("thought",), NEAR_BY_HEAD)]
    vectors = view.vectors(seqs)
    if vectors.any():
        _, groups = ctx.services.tracer.hashes()
        for group in sorted({int(g) for g in groups.group(vectors)}):
            found += view.in_group(group, ("thought",), NEAR_IN_GROUP)
    return found


def _applied(
    ctx: BankContext, state: BankState, exchange: Exchange, task: Task, operations: Sequence[Operation]
) -> Thought:
    read = [memory.id for memory in (*task.turns, *task.thoughts)]

    def decide(view: BankView) -> list[Operation]:
        if len(view.locate(read)) < len(set(read)):
            return []  # something that it rests on was erased meanwhile: what is left is thought about anew
        if all(queued.number != exchange.number for queued in view.exchanges()):
            return []  # another worker was faster
        return [*operations, Settle(exchange.number)]

    receipt = ctx.storage.apply(state.number, decide, at=task.now)
    return Thought(receipt.outcomes, receipt.change)


def _postponed(ctx: BankContext, state: BankState, exchange: Exchange, error: MemkitError) -> Thought:
    delay = min(FIRST_DELAY * 2**exchange.attempts, LONGEST_DELAY)
    later = Postpone(exchange.number, type(error).__name__, ctx.now() + delay)
    receipt = ctx.storage.apply(state.number, [later], at=ctx.now())
    log.warning("memkit: an exchange stays queued after %d attempts: %s", exchange.attempts + 1, error)
    failed = Outcome(id=None, action="rejected", reason="stays queued", error=type(error).__name__)
    return Thought((failed,), receipt.change, failed=True)
