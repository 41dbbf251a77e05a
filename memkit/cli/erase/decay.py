"""Decay: what has faded goes out of recall."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, open_bank, parse_moment
from memkit.cli.output import answer, line, new_table, note, when
from memkit.cli.tables import draw_retention, memory_cells
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
    with open_bank(db, bank_name, write=not dry_run) as bank:
        then = parse_moment(at, bank.zone)
        if then is not None and not dry_run:
            raise InputError("decay: --at goes with --dry-run alone: what fades is archived as of now.")
        report = bank.decay(then, dry_run=dry_run)
        if plot is not None:
            draw_retention(bank, report.at, plot)
            note(f"The plot is in {plot}.")
        answer(json, report, _fading(bank, report, limit, verb="would fade" if dry_run else "faded"))


def _fading(bank: MemoryBank, report: FadeReport, limit: int, *, verb: str) -> Iterator[RenderableType]:
    considered, going, zone = sum(report.considered.values()), len(report.rows), bank.zone
    rows = [
        (
            *memory_cells(memory, zone),
            f"{row.unused:.0f} d",
            f"{row.strength:.1f}",
            f"{row.retention:.3f}",
            row.rule or "curve",
        )
        for row in report.rows[:limit]
        if (memory := bank.get(row.id)) is not None
    ]
    if rows:
        numbers = ("unused", "S", "R")
        yield new_table(("when", "kind", "who", "what", *numbers, "by"), rows, right=numbers)
    if going > limit > 0:
        note(f"… and {going - limit:,} more: --limit")
    ruled = sum(row.rule is not None for row in report.rows)
    by_rule = f" {ruled:,} of them by a rule." if ruled else ""
    yield line(
        f"{going:,} of {considered:,} memories {verb}",
        f" by {when(report.at, zone)}: retention R under {report.threshold:g}.{by_rule}",
        style="bold",
    )
