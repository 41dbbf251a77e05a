"""Decay archives what the forgetting curve has let go and what is past its span; prune erases what a rule says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from memkit.errors import StalePlanError
from memkit.flows import erase
from memkit.flows.context import BankContext, apply, zone_of
from memkit.forget.decay import FADING_KINDS, FadeReport, fade, fading_candidates
from memkit.forget.erasure_plan import ErasePlan, plan
from memkit.forget.retention_rules import OverdueMemory, overdue
from memkit.models import ErasureReceipt, FrozenModel, IndexRow, Kind
from memkit.settings import DecaySettings, KeepRule, rules_by_kind
from memkit.times import Moment, as_utc

RECALLED_STATES = ("active", "superseded")  # states of what decay archives by a rule
RULES_REQUESTER = "rules of retention"


class PruneReport(FrozenModel):
    """Memories that the rules of retention erase: `rules` says by which, id by id, `held` which are to go later.

    `receipt`: of the erasure; None where nothing was erased.
    """

    at: datetime
    plan: ErasePlan | None = None  # None: no rule erases anything in this bank
    rules: dict[str, str] = {}
    held: tuple[str, ...] = ()
    receipt: ErasureReceipt | None = None


def decay(ctx: BankContext, now: Moment | None = None, *, dry_run: bool = False) -> FadeReport:
    """Archive memories below the threshold or past their span; with `dry_run`, only report them."""
    moment = ctx.now() if now is None else as_utc(now, field="now")
    if not dry_run:
        ctx.services.reinforcements.flush()
    report = _find_faded(ctx, moment)
    if report.operations and not dry_run:
        apply(ctx, report.operations, at=moment)
    return report


def _find_faded(ctx: BankContext, now: datetime) -> FadeReport:
    state = ctx.state()
    if state is None:
        return fade((), now, ctx.settings.decay)
    rules = _rules(ctx)
    settings = _sparing_settings(ctx.settings.decay, rules)
    with ctx.storage.view(state.number) as view:
        rows = list(view.rows())
        recalled = {row.seq for row in rows if row.state in RECALLED_STATES}
        ruled = overdue(rows, rules, now, zone_of(state)) if rules else []
        past = {row.seq: str(row.rule) for row in ruled if row.seq in recalled}
        memories_by_seq = view.memories(sorted({*fading_candidates(rows, now, settings), *past}))
    named = {memories_by_seq[seq].id: rule for seq, rule in past.items()}
    report = fade(memories_by_seq.values(), now, settings, past=named)
    return report.model_copy(update={"considered": _considered(rows, rules)})


def _rules(ctx: BankContext) -> dict[Kind, KeepRule]:
    return rules_by_kind(ctx.settings.keep or (), ctx.name)


def _sparing_settings(settings: DecaySettings, rules: Mapping[Kind, KeepRule]) -> DecaySettings:
    """The curve's settings, by which what a rule keeps for ever doesn't fade."""
    spared = {kind: None for kind in FADING_KINDS if kind in rules and rules[kind].days is None}
    return settings.model_copy(update={"kinds": {**settings.kinds, **spared}})


def _considered(rows: Sequence[IndexRow], rules: Mapping[Kind, KeepRule]) -> dict[str, int]:
    fading = (row.kind for row in rows if row.state == "active" and row.kind in FADING_KINDS)
    ruled = (row.kind for row in rows if row.state in RECALLED_STATES and row.kind in rules)
    return dict(sorted((Counter(fading) | Counter(ruled)).items()))


def prune(ctx: BankContext, now: Moment | None = None, *, dry_run: bool = False, search: bool = True) -> PruneReport:
    """Erase what a rule says is to be erased, with what rests on it; with `dry_run`, only report it.

    Without `search`, its bytes are looked for by the next purge.
    """
    moment = ctx.now() if now is None else as_utc(now, field="now")
    for _ in range(erase.MAX_REPLANS):
        report = _plan_prune(ctx, moment)
        if dry_run or report.plan is None or not report.plan.rows:
            return report
        try:
            receipt = erase.erase(ctx, report.plan, ids=None, requested_by=RULES_REQUESTER, search=search)
        except StalePlanError:
            continue  # somebody wrote in between
        return report.model_copy(update={"receipt": receipt})
    raise StalePlanError("prune: the bank changes too fast to plan an erasure. Run it again.")


def _plan_prune(ctx: BankContext, now: datetime) -> PruneReport:
    state, rules = ctx.state(), _rules(ctx)
    if state is None or all(rule.then != "erase" for rule in rules.values()):
        return PruneReport(at=now)
    with ctx.storage.view(state.number) as view:
        overdue_rows = overdue(view.rows(), rules, now, zone_of(state))
        going: dict[int, OverdueMemory] = {row.seq: row for row in overdue_rows if row.erased}
        memories = view.memories([row.seq for row in overdue_rows if row.erased or row.held])
        named = {memories[seq].id: str(row.rule) for seq, row in going.items()}
        held = tuple(memories[row.seq].id for row in overdue_rows if row.held)
        return PruneReport(at=now, plan=plan(list(named), view), rules=named, held=held)
