"""Post-thinking: from the queue of exchanges to checked, applied operations (TiM, arXiv 2311.08719)."""

import logging
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from memkit.errors import MemkitError, ThinkerError
from memkit.flows.context import BankContext
from memkit.models import BankState, Exchange, Memory, Outcome, Receipt
from memkit.operations import Operation, Postpone, Settle
from memkit.protocols import BankView, Task, TellsHeads
from memkit.think.revise import revise

log = logging.getLogger("memkit")

NEAR_IN_GROUP = 20
NEAR_BY_HEAD = 400
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
        return _applied(ctx, state, exchange, operations, task.now)
    except ThinkerError as error:
        return _postponed(ctx, state, exchange, error)


def task_of(ctx: BankContext, state: BankState, exchange: Exchange) -> Task:
    """An exchange's turns and the thoughts that lie near it: by hash group and by head entity."""
    with ctx.storage.view(state.number) as view:
        seqs = list(view.locate(exchange.turn_ids).values())
        turns = [memory for _, memory in sorted(view.memories(seqs).items())]
        speakers = dict.fromkeys(m.speaker for m in turns if m.speaker is not None)
        task = Task(turns, [*_about(view, speakers), *_called(ctx, view, turns)], state.zone, ctx.now())
        others = _others(ctx, task, speakers)
        near = {m.id: m for m in [*task.thoughts, *_about(view, others), *_in_groups(ctx, view, seqs)]}
    return task._replace(thoughts=list(near.values()))


def _about(view: BankView, heads: Iterable[str]) -> list[Memory]:
    return [thought for head in heads for thought in view.about(head, ("thought",), NEAR_BY_HEAD)]


def _called(ctx: BankContext, view: BankView, turns: Sequence[Memory]) -> list[Memory]:
    """Thoughts about people whom the turns may call by name."""
    thinker = ctx.services.thinker
    names = thinker.names(turns) if isinstance(thinker, TellsHeads) else ()
    seqs = view.matching({"called": list(names)}) if names else []
    return [thought for thought in view.memories(seqs).values() if thought.state == "active"]


def _others(ctx: BankContext, task: Task, speakers: Container[str]) -> list[str]:
    """Whom the thinker can say that the exchange tells of, beside the speakers."""
    thinker = ctx.services.thinker
    told = thinker.heads(task) if isinstance(thinker, TellsHeads) else ()
    return [head for head in told if head not in speakers]


def _in_groups(ctx: BankContext, view: BankView, seqs: Sequence[int]) -> list[Memory]:
    vectors = view.vectors(seqs)
    if not vectors.any():
        return []
    _, groups = ctx.services.tracer.hashes()
    numbers = sorted({int(g) for g in groups.group(vectors)})
    return [thought for group in numbers for thought in view.in_group(group, ("thought",), NEAR_IN_GROUP)]


def _applied(
    ctx: BankContext, state: BankState, exchange: Exchange, operations: Sequence[Operation], at: datetime
) -> Thought:
    def decide(view: BankView) -> list[Operation]:
        if all(queued.number != exchange.number for queued in view.exchanges()):
            return []  # another worker was faster
        return [*operations, Settle(exchange.number)]

    receipt = ctx.storage.apply(state.number, decide, at=at)
    return Thought(receipt.outcomes, receipt.change)


def _postponed(ctx: BankContext, state: BankState, exchange: Exchange, error: MemkitError) -> Thought:
    delay = min(FIRST_DELAY * 2**exchange.attempts, LONGEST_DELAY)
    later = Postpone(exchange.number, type(error).__name__, ctx.now() + delay)
    receipt = ctx.storage.apply(state.number, [later], at=ctx.now())
    log.warning("memkit: an exchange stays queued after %d attempts: %s", exchange.attempts + 1, error)
    failed = Outcome(id=None, action="rejected", reason="stays queued", error=type(error).__name__)
    return Thought((failed,), receipt.change, failed=True)
