"""Erasure: planned, shown, done in one transaction, then followed down to the bytes of the files."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memkit.errors import InputError, StalePlanError, UnknownMemoryError
from memkit.flows.context import BankContext
from memkit.flows.recalling import relevant_ids
from memkit.flows.surprisals import unlearning
from memkit.forget.erase import ErasePlan, ErasureReceipt, plan
from memkit.models import BankState, IndexRow, Memory
from memkit.operations import Erase, Operation
from memkit.protocols import BankName, BankView
from memkit.times import Moment, as_utc, to_micros

PURGE_TRIES = 20
PURGE_PAUSE = 0.05  # seconds


@dataclass(frozen=True)
class Selection:
    """What a caller wants to be gone; the conditions hold together."""

    about: str | None = None
    speaker: str | None = None
    session: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    ids: Sequence[str] | None = None

    def empty(self) -> bool:
        """True where no condition is given: nothing is chosen by accident."""
        return all(value is None for value in vars(self).values())


def plan_erase(ctx: BankContext, selection: Selection) -> ErasePlan:
    """What an erasure would remove. Raises InputError where no condition is given."""
    if selection.empty():
        raise InputError(
            "plan_erase: say what is to go: about=, speaker=, session=, since=, until= or ids=. "
            "A whole bank goes with bank.erase_all(confirm=bank.name)."
        )
    state = ctx.ensure()
    about = None if selection.about is None else set(relevant_ids(ctx, selection.about))
    with ctx.storage.view(state.number) as view:
        chosen = [m.id for m in _matching(view, selection) if about is None or m.id in about]
        return plan(chosen, view)


def _matching(view: BankView, selection: Selection) -> Iterator[Memory]:
    seqs = [row.seq for row in view.rows() if _in_time(row, selection)]
    if selection.ids is not None:
        wanted = view.locate(selection.ids)
        _refuse_unknown(selection.ids, wanted)
        seqs = sorted(set(seqs) & set(wanted.values()))
    for start in range(0, len(seqs), 1000):
        for memory in view.memories(seqs[start : start + 1000]).values():
            if selection.speaker in (None, memory.speaker) and selection.session in (None, memory.session):
                yield memory


def _in_time(row: IndexRow, selection: Selection) -> bool:
    early = selection.since is not None and row.occurred_at < to_micros(as_utc(selection.since))
    late = selection.until is not None and row.occurred_at >= to_micros(as_utc(selection.until))
    return not early and not late


def _refuse_unknown(ids: Sequence[str], found: dict[str, int]) -> None:
    missing = [id for id in ids if id not in found]
    if missing:
        raise UnknownMemoryError(f"erase: {len(missing)} of {len(ids)} ids are not in this bank.")


def erase(ctx: BankContext, chosen: ErasePlan | None, *, ids: Sequence[str] | None) -> ErasureReceipt:
    """Do a plan, or erase by ids with all that rests on them. Raises StalePlanError."""
    if (chosen is None) == (ids is None):
        raise InputError("erase: give either a plan from bank.plan_erase(...) or ids=[...].")
    state = ctx.ensure()
    ctx.services.reinforcements.take(state.number)
    if chosen is None:
        chosen = plan_erase(ctx, Selection(ids=ids))

    def decide(view: BankView) -> list[Operation]:
        refuse_stale(chosen, view.state.change)
        seqs = list(view.locate(chosen.ids).values())
        return [*unlearning(view, seqs), Erase(tuple(chosen.ids))] if chosen.ids else []

    ctx.storage.apply(state.number, decide, at=ctx.now())
    _drop_caches(ctx, state)
    clean = purge(ctx)
    return ErasureReceipt.of(chosen, at=ctx.now(), bytes_pending=not clean)


def refuse_stale(chosen: ErasePlan, change: int) -> None:
    """Raises StalePlanError where the bank is no longer what the plan was made for."""
    if chosen.stale(change):
        raise StalePlanError(
            "erase: the bank changed since this plan was made, so it may name too little. "
            "Make it again with bank.plan_erase(...) and look at it again."
        )


def erase_all(ctx: BankContext, *, confirm: BankName) -> ErasureReceipt:
    """Remove a bank with everything in it. Raises InputError where `confirm` isn't its name."""
    if tuple(confirm) != ctx.name:
        raise InputError("erase_all: confirm= must be the bank's own name: erase_all(confirm=bank.name).")
    state = ctx.ensure()
    ctx.services.reinforcements.take(state.number)
    with ctx.storage.view(state.number) as view:
        whole = plan([m.id for m in _matching(view, Selection())], view)
    ctx.storage.drop_bank(state.number)
    _drop_caches(ctx, state)
    clean = purge(ctx)
    return ErasureReceipt.of(whole, at=ctx.now(), bytes_pending=not clean)


def _drop_caches(ctx: BankContext, state: BankState) -> None:
    ctx.services.indexes.drop(state.number)
    ctx.services.surprisals.drop(state.number)


def purge(ctx: BankContext) -> bool:
    """Push erased bytes out of the files; True once none is left, False while readers are in the way."""
    for _ in range(PURGE_TRIES):
        if ctx.storage.purge():
            return True
        time.sleep(PURGE_PAUSE)
    return False
