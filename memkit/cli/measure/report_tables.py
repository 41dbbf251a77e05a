"""The tables of `memkit evaluate`."""

from typing import Any

from rich.text import Text

from memkit.cli.measure.comparison_tables import ablation_table, decimal
from memkit.cli.output import new_table, out, say, shown
from memkit.evaluation.plot import SYSTEM_NAMES
from memkit.evaluation.recall.aggregation import MAIN_CUTOFF
from memkit.evaluation.recall.report import RecallReport, SketchFigures, SystemFigures

MIN_WIDTHS = {"category": 12}
METRIC_NAMES = {"fraction": "fraction found", "any": "any found", "all": "all found", "ndcg": "NDCG"}


def show_report(report: RecallReport) -> None:
    """Write all figures of a report, for people."""
    say(
        out,
        f"\n{report.format}: {report.questions:,} questions about {report.conversations} "
        f"{'conversation' if report.conversations == 1 else 'conversations'}",
        f" ({report.turns:,} turns), scored by {report.unit}, encoder {report.encoder}"
        + (", with thoughts" if report.thoughts else ""),
        style="bold",
    )
    out.print(_overall(report))
    out.print(_by_category(report))
    if len(report.systems["memkit"].wordings) > 1:
        out.print(_by_wording(report))
    if report.ablation is not None:
        out.print(ablation_table(report.ablation))
    for line in _remarks(report):
        say(out, "· ", line, style="dim")


def _overall(report: RecallReport) -> Any:
    ks = [f"@{k}" for k in report.ks]
    table = new_table("system", "metric", *ks, f"95 % @{MAIN_CUTOFF}", right=(*ks, f"95 % @{MAIN_CUTOFF}"))
    for name, system in report.systems.items():
        _add_system(table, name, system)
    return table


def _add_system(table: Any, name: str, system: SystemFigures) -> None:
    style = "bold" if name == "memkit" else ""
    for number, (metric, values) in enumerate(system.metrics.items()):
        first = number == 0
        label = Text(SYSTEM_NAMES.get(name, name) if first else "", style=style)
        bounds = _bounds(system) if first else ""
        figures = [Text(decimal(value), style=style if first else "dim") for value in values]
        last = number == len(system.metrics) - 1
        table.add_row(
            label, Text(METRIC_NAMES[metric], style="" if first else "dim"), *figures, bounds, end_section=last
        )


def _bounds(system: SystemFigures) -> str:
    return "–" if system.interval is None else f"{decimal(system.interval[0])}–{decimal(system.interval[1])}"


def _by_category(report: RecallReport) -> Any:
    names = list(report.systems)
    columns = [SYSTEM_NAMES.get(name, name) for name in names]
    table = new_table(
        "category",
        "questions",
        *columns,
        title=f"Fraction found @{MAIN_CUTOFF}",
        right=("questions", *columns),
        least=MIN_WIDTHS,
    )
    at = report.ks.index(MAIN_CUTOFF)
    for category, count in report.counts.items():
        values = [report.systems[name].categories[category][at] for name in names]
        best = max(values)
        figures = [Text(decimal(value), style="bold" if value == best else "") for value in values]
        table.add_row(shown(category), f"{count:,}", *figures)
    return table


def _by_wording(report: RecallReport) -> Any:
    count = len(report.systems["memkit"].wordings)
    columns = ["as written", *(f"other words {n}" for n in range(1, count))]
    table = new_table("system", *columns, title=f"Fraction found @{MAIN_CUTOFF}, by wording", right=columns)
    for name, system in report.systems.items():
        table.add_row(SYSTEM_NAMES.get(name, name), *map(decimal, system.wordings))
    return table


def _remarks(report: RecallReport) -> list[str]:
    floor, speed = report.floor, report.speed
    lines = [
        "dense: cosine alone; BM25: words alone; dense+BM25: both by reciprocal rank",
        f"the floor gives {floor.unrelated_results:.2f} results per unrelated question "
        f"({floor.unrelated_questions:,} asked, {floor.unrelated_answered:.1%} got any)",
        f"it changes the fraction found among ten results from {decimal(floor.recall_without)} "
        f"to {decimal(floor.recall_with)}",
        f"a recall takes {speed.p50:.1f} ms (p50), {speed.p95:.1f} ms (p95), the question's encoding left out",
        f"a prompt of ten results holds at most {report.prompt_tokens:,.0f} tokens on average "
        f"(budget {report.prompt_budget:,})",
    ]
    if floor.unknown_questions:
        none = floor.unknown_questions - floor.unknown_answered
        lines.insert(2, f"{none} of {floor.unknown_questions} questions that nothing here answers get no result")
    if floor.other_questions:
        lines.insert(2, f"questions about the other conversations get {floor.other_results:.2f} results each")
    leads = {name: system.lead for name, system in report.systems.items() if system.lead is not None}
    for name, (mean, low, high) in leads.items():
        over = f"memkit's lead over {SYSTEM_NAMES.get(name, name)} @{MAIN_CUTOFF}"
        lines.append(f"{over}: {mean:+.3f} (95 %: {low:+.3f} to {high:+.3f})")
    return lines + _on_sketches(report.sketches)


def _on_sketches(sketches: SketchFigures) -> list[str]:
    lines: list[str] = []
    if sketches.same_top is not None:
        lines.append(
            "scoring candidates gives the same ten results as scoring everything "
            f"for {sketches.same_top:.1%} of the questions"
        )
    if sketches.sketch_recall is not None:
        lines.append(f"sketches and rerank find {sketches.sketch_recall:.1%} of exact search's ten nearest vectors")
    return lines
