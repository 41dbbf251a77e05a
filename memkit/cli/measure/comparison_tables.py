"""The tables of `memkit evaluate` that compare settings: parts switched off, and each conversation left out."""

from typing import Any

from rich.text import Text

from memkit.cli.output import new_table, out, say, shown
from memkit.evaluation.recall.ablation import AblatedVariant, Ablation
from memkit.evaluation.recall.aggregation import MAIN_CUTOFF
from memkit.evaluation.recall.leave_one_out import LeaveOneOut
from memkit.evaluation.recall.sweep import Sweep

CHANGE_COLUMN = f"change @{MAIN_CUTOFF}"
BOUNDS_COLUMN = f"95 % of the change @{MAIN_CUTOFF}"


def decimal(value: float) -> str:
    """A share with three decimals, without the leading zero."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def signed(value: float) -> str:
    """A difference with three decimals, without a zero before the point; one of nothing has no sign."""
    text = f"{value:+.3f}"
    return "0" if text in ("+0.000", "-0.000") else text[0] + text[1:].removeprefix("0")


def ablation_table(ablation: Ablation) -> Any:
    """A row per part switched off, what is missed most first."""
    ks = [f"@{k}" for k in ablation.ks]
    columns = [*ks, CHANGE_COLUMN, BOUNDS_COLUMN]
    table = new_table("settings", *columns, title="Fraction found with parts switched off", right=columns)
    defaults = [Text(decimal(value), style="bold") for value in ablation.defaults]
    table.add_row(Text("defaults", style="bold"), *defaults, "", "", end_section=True)
    for variant in sorted(ablation.variants, key=lambda variant: variant.difference):
        figures = (*map(decimal, variant.fractions), signed(variant.difference), _bounds(variant))
        table.add_row(variant.name, *figures)
    return table


def _bounds(variant: AblatedVariant) -> str:
    interval = variant.interval
    return "–" if interval is None else f"{signed(interval[0])} to {signed(interval[1])}"


def show_left_out(left_out: LeaveOneOut) -> None:
    """A row per conversation, and their means."""
    columns = ("questions", "defaults", "chosen")
    title = f"Fraction found @{MAIN_CUTOFF} with settings chosen on the other conversations"
    table = new_table("format", "conversation", *columns, "chosen settings", title=title, right=columns)
    last = len(left_out.conversations) - 1
    for number, row in enumerate(left_out.conversations):
        figures = (f"{row.questions:,}", decimal(row.defaults), decimal(row.chosen))
        table.add_row(row.format, shown(row.conversation), *figures, row.candidate, end_section=number == last)
    means = (decimal(left_out.defaults), decimal(left_out.chosen))
    table.add_row("mean", "", "", *means, "", style="bold")
    out.print()
    out.print(table)
    say(out, "· ", f"chosen among {left_out.candidates} settings, the defaults among them, by the mean fraction "
        f"@{MAIN_CUTOFF} of the other conversations; formats count alike", style="dim")  # fmt: skip


def sweep_table(sweep: Sweep) -> Any:
    """A row per share of small talk, from none on."""
    ks = [f"@{k}" for k in sweep.ks]
    columns = ["no vector", *ks, CHANGE_COLUMN, "95 %", "observing"]
    title = f"{sweep.format}: fraction found when small talk gets no vectors"
    table = new_table("share", *columns, title=title, right=columns)
    for row in sweep.rows:
        bounds = "–" if row.interval is None else f"{signed(row.interval[0])}…{signed(row.interval[1])}"
        table.add_row(
            f"{row.share:.0%}",
            f"{row.filtered:.1%}",
            *map(decimal, row.fractions),
            signed(row.difference),
            bounds,
            f"{row.faster:.2f}×",
        )
    return table
