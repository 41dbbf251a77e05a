"""Away: keep, decay, prune, erase."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

import memkit
from memkit.bank import MemoryBank
from memkit.cli.options import (
    DEFAULT_FILE,
    ERROR,
    AsJson,
    Bank,
    Database,
    Since,
    Speaker,
    Until,
    bank_parts,
    keep_rule,
    moment,
)
from memkit.cli.output import err, excerpt, note, out, say, speaker_of, table, when, write_json
from memkit.cli.stores import bank_in, opened, warmed
from memkit.errors import InputError
from memkit.flows.fade import PruneReport
from memkit.forget.decay import FadeReport
from memkit.forget.erasure_plan import ErasePlan, plural
from memkit.models import ErasureReceipt, Memory
from memkit.settings import KeepRule, Settings
from memkit.store import MemoryStore

PAGE = 10_000


def decay(
    bank: Bank,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    at: Annotated[str | None, typer.Option(metavar="WHEN", help="As of then, past or to come. Default: now.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw retention over time (PNG).")] = None,
    limit: Annotated[int, typer.Option(min=0, help="List at most this many.")] = 15,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Archive what the forgetting curve or a rule has let go: out of recall, still in history, back on request."""
    with opened(db, write=not dry_run) as store:
        chosen = bank_in(store, bank)
        then = moment(at, chosen.zone)
        if then is not None and not dry_run:
            raise InputError("decay: --at goes with --dry-run alone: what fades is archived as of now.")
        report = chosen.decay(then, dry_run=dry_run)
        if plot is not None:
            draw(chosen, report.at, plot)
            note(f"The plot is in {plot}.")
        if json:
            write_json(report.model_dump(mode="json"))
        else:
            _show_fading(chosen, report, limit, dry_run=dry_run)


def everything(bank: MemoryBank) -> list[Memory]:
    """All memories that fade or have faded."""
    found: list[Memory] = []
    while batch := bank.list(after=found[-1].id if found else None, limit=PAGE, states=("active", "archived")):
        found += batch
    return found


def draw(bank: MemoryBank, at: datetime, path: Path) -> None:
    """Write the plot of a bank's retention. Raises MissingExtraError without matplotlib."""
    from memkit.forget.plot import plot as draw_retention

    draw_retention(everything(bank), at, Settings().decay, path, title=f"What {'/'.join(bank.name)} remembers")


def _show_fading(bank: MemoryBank, report: FadeReport, limit: int, *, dry_run: bool) -> None:
    considered, going = sum(report.considered.values()), len(report.rows)
    verb = "would fade" if dry_run else "faded"
    zone = bank.zone
    made = table("when", "kind", "who", "what", "unused", "S", "R", "by", right=("unused", "S", "R"))
    for row in report.rows[:limit]:
        memory = bank.get(row.id)
        if memory is not None:
            figures = (f"{row.unused:.0f} d", f"{row.strength:.1f}", f"{row.retention:.3f}", row.rule or "curve")
            made.add_row(when(row.occurred_at, zone)[:10], row.kind, speaker_of(memory), excerpt(memory.text), *figures)
    if made.row_count:
        out.print(made)
    if going > limit > 0:
        note(f"… and {going - limit:,} more: --limit")
    ruled = sum(row.rule is not None for row in report.rows)
    by_rule = f" {ruled:,} of them by a rule." if ruled else ""
    say(
        out,
        f"{going:,} of {considered:,} memories {verb}",
        f" by {when(report.at, zone)}: retention R under {report.threshold:g}.{by_rule}",
        style="bold",
    )


def keep(
    rules: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RULE]...", help="turn=90, thought=forever, acme/trial:all=7,erase, turn+thought=30."),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Take all rules away.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Show the rules of retention in the file, or put these in their place: how many days a kind is kept.

    A rule may hold for banks that start so (acme/trial:...). What is past its days is archived by decay, or with
    ",erase" erased by prune; maintain does both. What is pinned stays.
    """
    if rules and none:
        raise InputError("keep: give rules, or --none.")
    chosen = [keep_rule(text) for text in rules or ()]
    with opened(db, write=bool(rules or none)) as store:
        settings = store.settings
    if rules or none:
        settings = _with_rules(settings, chosen)
        memkit.open(db, settings=settings).close()
    if json:
        write_json([rule.model_dump(mode="json") for rule in settings.keep or ()])
    for rule in () if json else settings.keep or ():
        say(out, str(rule), f": {_in_words(rule)}")
    if not json and not settings.keep:
        note("There are no rules: the curve alone decides.")


def _with_rules(settings: Settings, rules: list[KeepRule]) -> Settings:
    try:
        return Settings(**{**dict(settings), "keep": tuple(rules)})
    except ValidationError as error:
        raise InputError(f"keep: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _in_words(rule: KeepRule) -> str:
    kinds = ", ".join(plural(kind, 2) for kind in rule.kinds) or "everything"
    where = f" of banks under {'/'.join(rule.under)}" if rule.under else ""
    if rule.days is None:
        return f"{kinds}{where} kept for ever"
    fate = "erased for good" if rule.then == "erase" else "archived"
    return f"{kinds}{where} {fate} after {rule.days:,} {'day' if rule.days == 1 else 'days'}"


def prune(
    bank: Bank,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    at: Annotated[str | None, typer.Option(metavar="WHEN", help="As of then, past or to come. Default: now.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="List at most this many.")] = 15,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Erase for good what a rule of retention says is to be erased after its span. Shows the plan and asks."""
    with opened(db, write=not dry_run) as store:
        chosen = bank_in(store, bank)
        then = moment(at, chosen.zone)
        if then is not None and not dry_run:
            raise InputError("prune: --at goes with --dry-run alone: what is past its span is erased as of now.")
        report = chosen.prune(then, dry_run=True)
        if not json:
            _show_pruning(chosen, report, limit)
        if not dry_run and report.plan is not None and report.plan.rows:
            _confirm(yes=yes, as_json=json)
            with err.status("Erasing …"):
                report = chosen.prune()
            if report.receipt is not None and not json:
                say(out, told(report.receipt))
        _write_if(json, report.model_dump(mode="json"))


def _show_pruning(bank: MemoryBank, report: PruneReport, limit: int) -> None:
    if report.plan is None:
        note("No rule erases anything in this bank: see memkit keep.")
        return
    if report.plan.rows:
        out.print(plan_table(bank, report.plan, limit, rules=report.rules))
    say(out, str(report.plan), style="bold")
    if report.held:
        note(f"Past its span, but something that is kept rests on it: {len(report.held):,} more. Decay archives that.")


def erase(
    bank: Bank,
    id: Annotated[list[str] | None, typer.Option(metavar="ID", help="This memory; may be repeated.")] = None,
    about: Annotated[str | None, typer.Option(metavar="WORDS", help="What is about this.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="The whole bank.")] = False,
    under: Annotated[bool, typer.Option("--under", help="All banks whose names start so: acme.")] = False,
    speaker: Speaker = None,
    session: Annotated[str | None, typer.Option(metavar="NAME", help="Only this session.")] = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    asked_by: Annotated[
        str | None, typer.Option("--asked-by", metavar="NAME", help="On whose request; kept in the receipt.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Remove memories for good, and all that rests on them, down to the bytes. Shows the plan and asks.

    Conditions hold together: --speaker and --since chooses what this person said since then. --whole and --under
    take none.
    """
    if whole or under:
        _refuse_conditions([id, about, speaker, session, since, until])
        _erase_banks(bank, db, under=under, dry_run=dry_run, yes=yes, as_json=json, asked_by=asked_by)
        return
    with opened(db, write=not dry_run) as store:
        chosen = bank_in(store, bank)
        if about is not None:
            warmed(store)
        plan = chosen.plan_erase(
            about=about,
            speaker=speaker,
            session=session,
            since=moment(since, chosen.zone),
            until=moment(until, chosen.zone),
            ids=id or None,
        )
        if not json:
            out.print(plan_table(chosen, plan))
            say(out, str(plan), style="bold")
        if dry_run or not plan.rows:
            _write_if(json, {"plan": plan.model_dump(mode="json"), "receipt": None})
            return
        _confirm(yes=yes, as_json=json)
        with err.status("Erasing …"):
            receipt = chosen.erase(plan, requested_by=asked_by)
        _write_if(json, {"plan": plan.model_dump(mode="json"), "receipt": receipt.model_dump(mode="json")})
        if not json:
            say(out, told(receipt))


def _refuse_conditions(given: Sequence[object]) -> None:
    if any(given):
        raise InputError("erase: --whole and --under erase everything; leave the conditions out.")


def _erase_banks(
    name: str, db: Path, *, under: bool, dry_run: bool, yes: bool, as_json: bool, asked_by: str | None
) -> None:
    parts = bank_parts(name)
    with opened(db, write=not dry_run) as store:
        chosen = store.banks(parts) if under else [bank_in(store, name).name]
        if not as_json:
            said = f"{len(chosen):,} {'bank' if len(chosen) == 1 else 'banks'} with everything in them: "
            say(out, said, ", ".join("/".join(one) for one in chosen[:10]))
        receipts: list[ErasureReceipt] = []
        if chosen and not dry_run:
            _confirm(yes=yes, as_json=as_json)
            receipts = _dropped(store, parts, under=under, asked_by=asked_by)
        names = ["/".join(one) for one in chosen]
        _write_if(as_json, {"banks": names, "receipts": [r.model_dump(mode="json") for r in receipts]})
        for receipt in [] if as_json else receipts:
            say(out, told(receipt))


def _dropped(store: MemoryStore, name: tuple[str, ...], *, under: bool, asked_by: str | None) -> list[ErasureReceipt]:
    if under:
        return store.erase_all(under=name, confirm=name, requested_by=asked_by)
    return [store.bank(*name).erase_all(confirm=name, requested_by=asked_by)]


def _write_if(as_json: bool, value: Any) -> None:
    if as_json:
        write_json(value)


def _confirm(*, yes: bool, as_json: bool) -> None:
    if yes:
        return
    if as_json:
        raise InputError("erase: --json doesn't ask. Add --yes to erase, or --dry-run to see the plan.")
    if not typer.confirm("Erase this for good?", err=True):
        note("Nothing was erased.")
        raise typer.Exit(ERROR)


def plan_table(bank: MemoryBank, plan: ErasePlan, limit: int = 20, *, rules: Mapping[str, str] | None = None) -> Any:
    """What a plan would remove, each with its reason: for some by id a rule."""
    zone = bank.zone
    made = table("when", "kind", "who", "what", "because")
    for row in plan.rows[:limit]:
        memory = bank.get(row.id)
        if memory is not None:
            chosen = (rules or {}).get(row.id, "chosen")
            reason = "made again" if row.remade else (chosen if row.why == "chosen" else "rests on it")
            made.add_row(
                when(memory.occurred_at, zone)[:10], row.kind, speaker_of(memory), excerpt(memory.text), reason
            )
    if len(plan.rows) > limit:
        made.add_row("…", "", "", f"and {len(plan.rows) - limit:,} more", "")
    return made


def told(receipt: ErasureReceipt) -> str:
    """What an erasure came to, in a sentence."""
    count = sum(receipt.counts.values())
    rest = (
        "Their bytes may still lie in the file until other readers close it; `memkit maintain` goes on."
        if receipt.bytes_pending
        else "No byte of them is left in the file."
    )
    return f"{count} {'memory is' if count == 1 else 'memories are'} gone. {rest}"
