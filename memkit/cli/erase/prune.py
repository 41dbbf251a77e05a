"""Prune: erased for good, by a rule of retention."""

from typing import Annotated

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, confirm_erasure, open_bank, parse_moment
from memkit.cli.output import answer, err, line, note, out, say
from memkit.cli.tables import erasure_sentence, plan_table
from memkit.errors import InputError
from memkit.flows.fade import PruneReport


def prune(
    bank_name: BankName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    at: Annotated[str | None, typer.Option(metavar="WHEN", help="As of then, past or to come. Default: now.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="List at most this many.")] = 15,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Erase for good what a rule of retention says is to be erased after its span. Shows the plan and asks."""
    with open_bank(db, bank_name, write=not dry_run) as bank:
        then = parse_moment(at, bank.zone)
        if then is not None and not dry_run:
            raise InputError("prune: --at goes with --dry-run alone: what is past its span is erased as of now.")
        report = bank.prune(then, dry_run=True)
        if not json:
            _show_pruning(bank, report, limit)
        if not dry_run and report.plan is not None and report.plan.rows:
            confirm_erasure(yes=yes, as_json=json)
            with err.status("Erasing …"):
                report = bank.prune()
        answer(json, report, [line(erasure_sentence(report.receipt))] if report.receipt else [])


def _show_pruning(bank: MemoryBank, report: PruneReport, limit: int) -> None:
    if report.plan is None:
        note("No rule erases anything in this bank: see memkit keep.")
        return
    if report.plan.rows:
        out.print(plan_table(bank, report.plan, limit, rules=report.rules))
    say(out, str(report.plan), style="bold")
    if report.held:
        note(f"Past its span, but something that is kept rests on it: {len(report.held):,} more. Decay archives that.")
