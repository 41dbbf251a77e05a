"""Decay: what has faded goes out of recall."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import (
    DEFAULT_FILE,
    AsJson,
    BankName,
    Database,
    parse_moment,
)
from memkit.cli.output import excerpt, new_table, note, out, say, speaker_of, when, write_json
from memkit.cli.retention_plot import draw_retention
from memkit.cli.stores import existing_bank, open_store
from memkit.errors import InputError
from memkit.forget.decay import FadeReport


def decay(
    bank_name: BankName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    at: Annotated[str | None, typer.Option(metavar="WHEN", help="As of then, past or to come. Default: now.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw retention over time (PNG).")] = None,
    limit: Annotated[int, typer.Option(min=0, help="List at most this many.")] = 15,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Archive what the forgetting curve or a rule has let go: out of recall, still in history, back on request."""
    with open_store(db, write=not dry_run) as store:
        bank = existing_bank(store, bank_name)
        then = parse_moment(at, bank.zone)
        if then is not None and not dry_run:
            raise InputError("decay: --at goes with --dry-run alone: what fades is archived as of now.")
        report = bank.decay(then, dry_run=dry_run)
        if plot is not None:
            draw_retention(bank, report.at, plot)
            note(f"The plot is in {plot}.")
        if json:
            write_json(report.model_dump(mode="json"))
        else:
            _show_fading(bank, report, limit, dry_run=dry_run)


def _show_fading(bank: MemoryBank, report: FadeReport, limit: int, *, dry_run: bool) -> None:
    considered, going = sum(report.considered.values()), len(report.rows)
    verb = "would fade" if dry_run else "faded"
    zone = bank.zone
    table = new_table("when", "kind", "who", "what", "unused", "S", "R", "by", right=("unused", "S", "R"))
    for row in report.rows[:limit]:
        memory = bank.get(row.id)
        if memory is not None:
            figures = (f"{row.unused:.0f} d", f"{row.strength:.1f}", f"{row.retention:.3f}", row.rule or "curve")
            table.add_row(
                when(row.occurred_at, zone)[:10], row.kind, speaker_of(memory), excerpt(memory.text), *figures
            )
    if table.row_count:
        out.print(table)
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
