"""Erasure: planned, shown, done in one transaction, then followed down to the bytes of the files."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from memkit.errors import InputError, StalePlanError, UnknownMemoryError
from memkit.flows.context import BankContext, apply, by_id
from memkit.flows.erasure.fingerprints import fingerprints
from memkit.flows.erasure.rederive import rederive, rederive_operations
from memkit.flows.read import everything
from memkit.flows.recall import relevant_ids
from memkit.forget.erasure_plan import ErasePlan, plan, plan_nothing
from memkit.identifiers import bank_path
from memkit.models import MEMORY_STATES, BankState, ErasureReceipt, Memory
from memkit.operations import Erase, Operation
from memkit.protocols import BankName, BankView, Storage
from memkit.storage.core.banks import unpublished
from memkit.storage.core.receipts import missing_receipts
from memkit.text.terms.forms import is_same_name
from memkit.times import Moment, as_utc

READER_WAIT_S = 1.0  # seconds for which readers may hold up the cutting of the log
MAX_REPLANS = 20  # times that an erasure by ids is planned again because somebody wrote in between


@dataclass(frozen=True)
class Selection:
    """Conditions of what is to go; all of them must hold."""

    about: str | None = None
    speaker: str | None = None
    session: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    ids: Sequence[str] | None = None


def plan_erase(ctx: BankContext, selection: Selection) -> ErasePlan:
    """Plan an erasure. Raises InputError where no condition is given."""
    if all(value is None for value in vars(selection).values()):  # nothing is chosen by accident
        raise InputError(
            "plan_erase: say what is to go: about=, speaker=, session=, since=, until= or ids=. "
            "A whole bank goes with bank.erase_all(confirm=bank.name)."
        )
    state = ctx.state()
    if state is None:
        return plan_nothing(ctx.name, selection.ids)
    about = None if selection.about is None else relevant_ids(ctx, selection.about)
    with ctx.storage.view(state.number) as view:
        return plan([m.id for m in _matching(view, selection, about)], view).reading(partial(by_id, ctx))


def _matching(view: BankView, selection: Selection, about: Collection[str] | None) -> Iterator[Memory]:
    seqs = _possible(view, selection) if about is None else sorted(view.locate(list(about)).values())
    if about is not None and selection.ids is not None:
        seqs = sorted(set(seqs).intersection(_located(view, selection.ids)))
    for start in range(0, len(seqs), 1000):
        memories = view.memories(seqs[start : start + 1000]).values()
        yield from (memory for memory in memories if _fits(memory, selection))


def _possible(view: BankView, selection: Selection) -> list[int]:
    """Seqs of the memories that may fit, by an index where there is one."""
    if selection.ids is not None:
        return _located(view, selection.ids)
    if selection.session is not None:
        return view.labelled(selection.session)
    if selection.speaker is None:
        return [row.seq for row in view.rows()]
    names = {key for name, key in view.speakers().items() if is_same_name(name, selection.speaker)}
    return [row.seq for row in view.rows() if row.speaker in names] if names else []


def _located(view: BankView, ids: Sequence[str]) -> list[int]:
    wanted = view.locate(ids)
    missing = [id for id in ids if id not in wanted]
    if missing:
        raise UnknownMemoryError(f"erase: {len(missing)} of {len(ids)} ids are not in this bank.")
    return sorted(set(wanted.values()))


def _fits(memory: Memory, selection: Selection) -> bool:
    by_them = selection.speaker is None or is_same_name(selection.speaker, memory.speaker)
    there = selection.session in (None, memory.session)
    early = selection.since is not None and memory.occurred_at < as_utc(selection.since)
    return by_them and there and not early and (selection.until is None or memory.occurred_at < as_utc(selection.until))


def erase(
    ctx: BankContext,
    chosen: ErasePlan | None,
    *,
    ids: Sequence[str] | None,
    requested_by: str | None = None,
    search: bool = True,
) -> ErasureReceipt:
    """Do a plan, or erase by ids with all that rests on them. Raises StalePlanError.

    Without `search`, the bytes of what goes are left to the next purge.
    """
    if (chosen is None) == (ids is None):
        raise InputError("erase: give either a plan from bank.plan_erase(...) or ids=[...].")
    if chosen is not None and chosen.bank != ctx.name:
        raise InputError(f"erase: this plan is of another bank, not of {bank_path(ctx.name)}.")
    if chosen is not None:
        return _carry_out(ctx, chosen, requested_by, search=search)
    for _ in range(MAX_REPLANS):
        try:
            return _carry_out(ctx, plan_erase(ctx, Selection(ids=ids)), requested_by, search=search)
        except StalePlanError:
            continue  # somebody wrote in between
    return _carry_out(ctx, plan_erase(ctx, Selection(ids=ids)), requested_by, search=search)


def _carry_out(ctx: BankContext, chosen: ErasePlan, requested_by: str | None, *, search: bool = True) -> ErasureReceipt:
    state, at = ctx.ensure(), ctx.now()
    if not chosen.ids:
        return _empty_receipt(state, at, requested_by)
    with ctx.storage.view(state.number) as view:
        refuse_stale(chosen, view.state.change)
        rederived = rederive(view, chosen, ctx.settings.observe, at)
        macs = fingerprints(ctx, view.memories(sorted(set(view.locate(chosen.ids).values()))).values())
    again = rederive_operations(ctx, rederived)
    remade = tuple(memory.id for memory in rederived.memories)
    erasing = Erase(chosen.ids, len(chosen.chosen), remade, requested_by, macs)

    def decide(view: BankView) -> list[Operation]:
        refuse_stale(chosen, view.state.change)
        return [erasing, *again]

    receipt = apply(ctx, decide, at=at)
    _drop_caches(ctx, state)
    if search:
        ctx.storage.purge(thorough=False, wait=READER_WAIT_S)
    return ctx.storage.receipt(state.number, receipt.change) or _empty_receipt(state, at, requested_by)


def _empty_receipt(state: BankState, at: datetime, requested_by: str | None) -> ErasureReceipt:
    return ErasureReceipt(
        number=0, bank=state.name, at=at, change=state.change, counts={}, chosen=0, requested_by=requested_by
    )


def refuse_stale(chosen: ErasePlan, change: int) -> None:
    """Raises StalePlanError where the bank is no longer what the plan was made for."""
    if chosen.stale(change):
        raise StalePlanError(
            "erase: the bank changed since this plan was made, so it may name too little. "
            "Make it again with bank.plan_erase(...) and look at it again."
        )


def erase_all(ctx: BankContext, *, confirm: BankName, requested_by: str | None = None) -> ErasureReceipt:
    """Remove a bank with everything in it. Raises InputError where `confirm` isn't its name."""
    if tuple(confirm) != ctx.name:
        raise InputError("erase_all: confirm= must be the bank's own name: erase_all(confirm=bank.name).")
    receipt = _drop_bank(ctx, requested_by)
    _drop_unfinished(ctx.storage, ctx.name)
    ctx.storage.purge(thorough=False, wait=READER_WAIT_S)
    return next((r for r in ctx.storage.receipts() if r.hash == receipt.hash), receipt)


def _drop_bank(ctx: BankContext, requested_by: str | None) -> ErasureReceipt:
    state = ctx.state()
    if state is None:
        return ErasureReceipt(number=0, bank=ctx.name, at=ctx.now(), change=0, counts={}, chosen=0)
    ctx.services.reinforcements.take(state.number)
    macs = fingerprints(ctx, everything(ctx, None, MEMORY_STATES)) if ctx.services.erasure_key else ()
    receipt = ctx.storage.drop_bank(state.number, at=ctx.now(), requested_by=requested_by, fingerprints=macs)
    _drop_caches(ctx, state)
    return receipt or _empty_receipt(state, ctx.now(), requested_by)


def _drop_unfinished(storage: Storage, under: BankName) -> None:
    """Take away what loads that were cut off left of banks whose names start so."""
    for state in unpublished(storage, under):
        storage.discard(state.number)


def erase_under(
    storage: Storage,
    contexts: Sequence[BankContext],
    *,
    under: BankName,
    confirm: BankName,
    requested_by: str | None = None,
) -> list[ErasureReceipt]:
    """Remove all these banks, then look for their bytes once. Raises InputError where `confirm` isn't the prefix."""
    if not under or tuple(confirm) != tuple(under):
        raise InputError(
            "erase_all: confirm= must be the same prefix as under=, of at least one name: "
            'store.erase_all(under=("acme",), confirm=("acme",)).'
        )
    hashes = {_drop_bank(ctx, requested_by).hash for ctx in contexts}
    _drop_unfinished(storage, under)
    storage.purge(thorough=False, wait=READER_WAIT_S)
    return [receipt for receipt in storage.receipts() if receipt.hash in hashes]


def _drop_caches(ctx: BankContext, state: BankState) -> None:
    ctx.services.surprisals.drop(state.number)
    if ctx.state() is None:
        ctx.services.indexes.drop(state.number)


def repeat_erasures(
    context_of: Callable[[BankName], BankContext],
    storage: Storage,
    listed: Sequence[ErasureReceipt],
    fingerprints: Sequence[tuple[BankName, bytes]] = (),
) -> list[ErasureReceipt]:
    """Erase what the listed receipts say was erased and this database knows nothing of; gives back those receipts.

    They take the place of those that this writes. Raises InputError where the list isn't that of the same database.
    """
    missing = missing_receipts(listed, storage.receipts())
    _erase_again(context_of, storage, missing)
    storage.adopt_receipts(missing, fingerprints)
    storage.purge(thorough=False, wait=READER_WAIT_S)
    return missing


def _erase_again(
    context_of: Callable[[BankName], BankContext], storage: Storage, receipts: Sequence[ErasureReceipt]
) -> None:
    for receipt in receipts:
        state = storage.find_bank(receipt.bank)
        if state is not None and receipt.whole and state.created_at == receipt.born:
            storage.drop_bank(state.number, at=receipt.at, requested_by=receipt.requested_by)
        elif state is not None:
            with storage.view(state.number) as view:
                there = list(view.locate(receipt.erased))
            if there:
                erase(context_of(receipt.bank), None, ids=there, requested_by=receipt.requested_by)
