"""Away: decay, erase."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, ERROR, AsJson, Bank, Database, Since, Speaker, Until, bank_parts, moment
from memkit.cli.output import err, excerpt, note, out, say, speaker_of, table, when, write_json
from memkit.cli.stores import bank_in, opened, warmed
from memkit.errors import InputError
from memkit.forget.decay import FadeReport
from memkit.forget.erase import ErasePlan
from memkit.models import ErasureReceipt, Memory
from memkit.settings import Settings
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
    """Archive what the forgetting curve has let go: out of recall, still in history, back on request."""
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
    made = table("when", "kind", "who", "what", "unused", "S", "R", right=("unused", "S", "R"))
    for row in report.rows[:limit]:
        memory = bank.get(row.id)
        if memory is not None:
            figures = (f"{row.unused:.0f} d", f"{row.strength:.1f}", f"{row.retention:.3f}")
            made.add_row(when(row.occurred_at, zone)[:10], row.kind, speaker_of(memory), excerpt(memory.text), *figures)
    if made.row_count:
        out.print(made)
    if going > limit > 0:
        note(f"… and {going - limit:,} more: --limit")
    say(
        out,
        f"{going:,} of {considered:,} memories {verb}",
        f" by {when(report.at, zone)}: retention R under {report.threshold:g}.",
        style="bold",
    )


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


def plan_table(bank: MemoryBank, plan: ErasePlan, limit: int = 20) -> Any:
    """What a plan would remove, each with its reason."""
    zone = bank.zone
    made = table("when", "kind", "who", "what", "because")
    for row in plan.rows[:limit]:
        memory = bank.get(row.id)
        if memory is not None:
            reason = "made again" if row.remade else ("chosen" if row.why == "chosen" else "rests on it")
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
