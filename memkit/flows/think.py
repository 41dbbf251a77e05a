"""Post-thinking: from the queue of exchanges to checked, applied operations (TiM, arXiv 2311.08719).

The flow is a generator that yields what a thinker is to be asked (`think/sans_io.py`), so that asking may wait
or be awaited. An exchange leaves the queue in the transaction that applies what came of it, or it stays.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from memkit.errors import InputError, ThinkerError
from memkit.flows.context import BankContext, apply
from memkit.flows.thinking import budget
from memkit.flows.thinking.chronology import Chronology
from memkit.flows.thinking.copies import ThoughtComparison
from memkit.flows.thinking.requests import HeardRequest, hear, may_be_heard, open_requests, request_steps
from memkit.flows.thinking.task import build_task, exchange_turns, near_headless
from memkit.forget.requests import ThinkingReceipt
from memkit.models import BankState, Exchange, Memory, Outcome, Receipt
from memkit.operations import Claim, Enqueue, Operation, Postpone, Proposal, Settle, Step, Usage, targets
from memkit.protocols import BankView, ModelThinker, Task, Thinker
from memkit.text.forgetting.requests import asked_topics
from memkit.text.terms.tokens import has_words
from memkit.think.boundary import checked_proposals, foreign_code
from memkit.think.revise import is_person, revise
from memkit.think.sans_io import adrive, drive

log = logging.getLogger("memkit")

ThinkProgress = Callable[[int, int], None]

MAX_BATCH = 50  # exchanges in one call
FIRST_DELAY = timedelta(minutes=1)
MAX_DELAY = timedelta(hours=6)


@dataclass(frozen=True)
class ThinkerQuestion:
    """A question for the thinker, and where to count what it costs."""

    task: Task
    usage: Usage


@dataclass
class ThinkingRound:
    """Outcomes and counts of the exchanges that were thought about."""

    outcomes: list[Outcome] = field(default_factory=list)
    change: int = 0
    exchanges: int = 0
    failed: int = 0
    unencoded: int = 0
    finished: bool = True
    heard: list[str] = field(default_factory=list)  # ids of the turns of people that were thought about

    def receipt(self, ctx: BankContext) -> ThinkingReceipt:
        """All that was done, as one receipt; requests get plans once all else is done, so that these aren't stale."""
        return ThinkingReceipt(
            bank=ctx.name,
            change=self.change,
            outcomes=tuple(self.outcomes),
            unencoded=self.unencoded,
            requests=open_requests(ctx, self.heard) if self.heard else (),
        )

    def add(self, receipt: Receipt, *, exchanges: int = 0, failed: int = 0) -> None:
        """Count one more transaction."""
        self.outcomes += receipt.outcomes
        self.change = max(self.change, receipt.change)
        self.exchanges += exchanges
        self.failed += failed
        self.unencoded += receipt.unencoded


def checked_batch(batch: int | None) -> int | None:
    """Raises InputError for what is no number of exchanges."""
    if batch is not None and not 1 <= batch <= MAX_BATCH:
        raise InputError(f"think: batch is how many exchanges go into one call, 1 to {MAX_BATCH}.")
    return batch


def untold(done: int, total: int) -> None:
    """Progress that nobody follows."""


def think(ctx: BankContext, *, batch: int | None = None, progress: ThinkProgress = untold) -> ThinkingReceipt:
    """Think about all exchanges that wait and that nobody else is at."""
    round = drive(think_rounds(ctx, batch=batch, progress=progress), partial(answer, ctx.services.thinker))
    return round.receipt(ctx)


async def athink(ctx: BankContext, *, batch: int | None = None, progress: ThinkProgress = untold) -> ThinkingReceipt:
    """The same: a model is awaited, everything else runs in the store's executor."""
    rounds = think_rounds(ctx, batch=batch, progress=progress)
    round = await adrive(rounds, partial(_await_thinker, ctx), partial(_run, ctx))
    receipt: ThinkingReceipt = await _run(ctx, partial(round.receipt, ctx))
    return receipt


async def _run(ctx: BankContext, step: Callable[[], Any]) -> Any:
    """A step in the executor; a cancelled caller still waits for its end, so that nothing is left halfway."""
    import asyncio

    future = asyncio.get_running_loop().run_in_executor(ctx.services.executor, step)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


def answer(thinker: Thinker, ask: ThinkerQuestion) -> list[Proposal]:
    """Ask the thinker, and wait. Raises ThinkerError, whatever its code raises."""
    with foreign_code("the thinker"):
        said = thinker.ask(ask.task, ask.usage) if isinstance(thinker, ModelThinker) else thinker.think(ask.task)
    return checked_proposals(said)


async def _await_thinker(ctx: BankContext, ask: ThinkerQuestion) -> list[Proposal]:
    thinker = ctx.services.thinker
    if not isinstance(thinker, ModelThinker):
        proposals: list[Proposal] = await _run(ctx, lambda: answer(thinker, ask))
        return proposals
    with foreign_code("the thinker"):
        said = await thinker.aask(ask.task, ask.usage)
    return checked_proposals(said)


def think_rounds(
    ctx: BankContext,
    *,
    batch: int | None = None,
    only_due: bool = False,
    even_open: bool = False,
    may_go_on: Callable[[], bool] = lambda: True,
    progress: ThinkProgress = untold,
) -> Generator[ThinkerQuestion, list[Proposal], ThinkingRound]:
    """Think about what waits, group by group; `progress` is told after each, and may raise to stop there.

    With `only_due`, not about exchanges that were put off, nor about open ones, but for `even_open`.
    """
    state, round = ctx.state(), ThinkingRound()
    if state is None:
        return round
    round.change, done = state.change, 0
    queued = waiting(ctx, state, only_due=only_due, even_open=even_open)
    for group in _groups(queued, batch or ctx.settings.think.batch):
        if not may_go_on():
            round.finished = False
            break
        if budget.is_spent(ctx, state):
            round.outcomes.append(Outcome(id=None, action="skipped", reason=budget.SPENT_REASON))
            break
        yield from _ExchangeGroup(ctx, state, group, round).think()
        done += len(group)
        progress(done, len(queued))
    return round


def waiting(ctx: BankContext, state: BankState, *, only_due: bool, even_open: bool) -> list[Exchange]:
    """The bank's queued exchanges that nobody is at, oldest first."""
    now = ctx.now()
    with ctx.storage.view(state.number) as view:
        queued = view.exchanges(due_at=now if only_due else None)
    idle = now - ctx.settings.observe.exchange_idle
    complete = (e for e in queued if e.closed or even_open or not only_due or e.last_at <= idle)
    return [e for e in complete if not e.leased(now)]


def _groups(exchanges: Sequence[Exchange], batch: int) -> Iterator[list[Exchange]]:
    """Up to `batch` at a time; one that failed before goes alone, so that it can't take others with it."""
    group: list[Exchange] = []
    for exchange in exchanges:
        if exchange.attempts:
            yield [exchange]
        else:
            group.append(exchange)
        if len(group) == batch:
            yield group
            group = []
    if group:
        yield group


class _ExchangeGroup:
    """A few exchanges of one bank on their way through the thinker."""

    def __init__(self, ctx: BankContext, state: BankState, exchanges: Sequence[Exchange], done: ThinkingRound) -> None:
        self._ctx, self._state, self._exchanges, self._done = ctx, state, exchanges, done
        self._usage = Usage()

    def think(self) -> Generator[ThinkerQuestion, list[Proposal], None]:
        """Claim, ask, check, apply; whatever fails leaves the exchanges in the queue."""
        turns = self._claimed_turns()
        if not turns:
            return
        new_id = self._ctx.services.new_id
        make_entries = partial(self._ctx.services.indexer.entry, self._state)
        try:
            task, change = build_task(self._ctx, self._state, turns)
            proposals = yield ThinkerQuestion(task, self._usage)
            operations = revise(proposals, task, new_id=partial(new_id, task.now), make_entries=make_entries)
            heard = self._heard(turns)
            self._apply(lambda view: self._decided(view, task, operations, heard, change))
            self._done.heard += [turn.id for turn in task.turns if is_person(turn)]
        except ThinkerError as error:
            self._postpone(error)
        except GeneratorExit:
            free = [Claim(exchange.number, None) for exchange in self._exchanges]
            self._ctx.storage.apply(self._state.number, free, at=self._ctx.now())
            raise
        finally:
            self._count()

    def _heard(self, turns: Sequence[Memory]) -> list[HeardRequest]:
        if not may_be_heard(turns):
            return []
        with self._ctx.storage.view(self._state.number) as view:
            return hear(view, turns)

    def _is_salient(self, turns: Sequence[Memory]) -> bool:
        """Whether a person says something in them that is surprising enough to be asked about."""
        floor = self._ctx.settings.think.salience
        said = (turn for turn in turns if is_person(turn) and has_words(turn.text))
        return any(turn.salience is None or turn.salience >= floor or asked_topics(turn.text) for turn in said)

    def _claimed_turns(self) -> list[Memory]:
        """The turns of the exchanges, which are kept for this worker; none where there is nothing to ask about them.

        So it is where another worker was faster with any of them. Where nothing in them tells, they leave the queue.
        """
        ctx, now = self._ctx, self._ctx.now()
        until = now + timedelta(seconds=ctx.settings.runtime.lease)
        attempts_by_number = {e.number: e.attempts for e in self._exchanges}
        turns: list[Memory] = []

        def decide(view: BankView) -> list[Step]:
            self._read_ahead(view)
            turns[:] = exchange_turns(view, self._exchanges)
            if not self._is_salient(turns):
                turns.clear()
                return [Outcome.skipped(None, "nothing in it tells"), *self._settled(view)]
            free = {e.number: e.attempts for e in view.exchanges(numbers=list(attempts_by_number)) if not e.leased(now)}
            if free != attempts_by_number:
                turns.clear()
                return []
            return [Claim(number, until) for number in attempts_by_number]

        receipt = ctx.storage.apply(self._state.number, decide, at=now)
        if not turns and receipt.outcomes:
            self._done.add(receipt, exchanges=len(self._exchanges))
        return turns

    def _read_ahead(self, view: BankView) -> None:
        numbers = [exchange.number for exchange in self._exchanges]
        view.read_ahead(
            lambda view: view.exchanges(numbers=numbers),
            lambda view: exchange_turns(view, self._exchanges),
            trips=2,
        )

    def _apply(self, decide: Callable[[BankView], list[Step]]) -> None:
        self._done.add(apply(self._ctx, decide, state=self._state), exchanges=len(self._exchanges))

    def _decided(
        self, view: BankView, task: Task, operations: Sequence[Step], heard: Sequence[HeardRequest], change: int
    ) -> list[Step]:
        """Operations as decided inside the transaction: none on grounds that are no longer there."""
        self._read_ahead(view)
        numbers = [exchange.number for exchange in self._exchanges]
        there = view.exchanges(numbers=numbers)
        if len(there) < len(numbers) or (view.state.change > change and _grounds_changed(view, task, operations)):
            again = Outcome.skipped(None, "the memory changed meanwhile; thought about again next time")
            return [again, *(Claim(exchange.number, None) for exchange in there)] if there else []
        at_hand = [*task.thoughts, *near_headless(self._ctx, view, operations)]
        compared = list(ThoughtComparison(view, operations, at_hand).steps())
        new_id = partial(self._ctx.services.new_id, task.now)
        in_order = list(Chronology(view, new_id).in_order(compared))
        return [*in_order, *request_steps(view, heard, in_order, task.turns, new_id), *self._settled(view)]

    def _settled(self, view: BankView) -> Iterator[Operation]:
        """The exchanges leave the queue; turns that came to them meanwhile stay, as one of their own."""
        thought_about = {id for exchange in self._exchanges for id in exchange.turn_ids}
        for exchange in view.exchanges(numbers=[exchange.number for exchange in self._exchanges]):
            yield Settle(exchange.number)
            new = tuple(id for id in exchange.turn_ids if id not in thought_about)
            if new:
                yield Enqueue(exchange.session, new, exchange.closed, exchange.last_at)

    def _postpone(self, error: ThinkerError) -> None:
        attempts = max(exchange.attempts for exchange in self._exchanges)
        due = self._ctx.now() + min(FIRST_DELAY * 2 ** min(attempts, 20), MAX_DELAY)
        later = [Postpone(exchange.number, error.raised, due) for exchange in self._exchanges]
        receipt = self._ctx.storage.apply(self._state.number, later, at=self._ctx.now())
        failed = Outcome(id=None, action="rejected", reason="stays queued", error=error.raised)
        self._done.add(receipt.model_copy(update={"outcomes": (failed,) * len(later)}), failed=len(later))
        log.warning("memkit: %d exchanges stay queued after attempt %d: %s", len(later), attempts + 1, error)

    def _count(self) -> None:
        if any(exchange.attempts for exchange in self._exchanges):
            self._usage.calls, self._usage.retries = 0, self._usage.calls
        budget.spend(self._ctx, self._state, self._usage)


def _grounds_changed(view: BankView, task: Task, operations: Sequence[Step]) -> bool:
    """Whether something that an answer rests on was erased, or something that it changes was changed."""
    shown = [memory.id for memory in (*task.turns, *task.thoughts)]
    there = view.locate(shown)
    touched = [there[id] for operation in operations for id in targets(operation) if id in there]
    return len(there) < len(set(shown)) or any(m.state != "active" for m in view.memories(touched).values())
