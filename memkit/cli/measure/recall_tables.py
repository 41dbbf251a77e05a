"""The tables of `memkit evaluate`: systems, categories and wordings, parts switched off, conversations left out."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from memkit.cli.output import line, new_table, shown
from memkit.evaluation.plot import SYSTEM_NAMES
from memkit.evaluation.recall.comparison import MAIN_CUTOFF, Ablation, LeaveOneOut
from memkit.evaluation.recall.report import RecallReport, SystemFigures
from memkit.evaluation.recall.sweep import Sweep

CHANGE_COLUMN = f"change @{MAIN_CUTOFF}"
BOUNDS_COLUMN = f"95 % of the change @{MAIN_CUTOFF}"
MIN_WIDTHS = {"category": 12}
METRIC_NAMES = {"fraction": "fraction found", "any": "any found", "all": "all found", "ndcg": "NDCG", "mrr": "MRR"}
SESSIONS_NAME = "sessions found"


def decimal(value: float) -> str:
    """A share with three decimals, without the leading zero."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def signed(value: float) -> str:
    """A difference with three decimals, without a zero before the point; one of nothing has no sign."""
    text = f"{value:+.3f}"
    return "0" if text in ("+0.000", "-0.000") else text[0] + text[1:].removeprefix("0")


def bounds(interval: tuple[float, float] | None, missing: str = "") -> str:
    """An interval of shares."""
    return missing if interval is None else f"{decimal(interval[0])}–{decimal(interval[1])}"


def signed_bounds(interval: tuple[float, float] | None, between: str = " to ") -> str:
    """An interval of differences."""
    return "–" if interval is None else f"{signed(interval[0])}{between}{signed(interval[1])}"


def remarks(*lines: str) -> Iterator[Text]:
    """Remarks beneath a table."""
    return (line("· ", text, style="dim") for text in lines)


def report_parts(report: RecallReport) -> Iterator[RenderableType]:
    """All figures of a report, for people."""
    yield line(
        f"\n{report.format}: {report.questions:,} questions about {report.conversations} "
        f"{'conversation' if report.conversations == 1 else 'conversations'}",
        f" ({report.turns:,} turns), scored by {report.unit}, encoder {report.encoder}"
        + (", with thoughts" if report.thoughts else ""),
        style="bold",
    )
    yield _overall(report)
    yield _by_category(report)
    if len(report.systems["memkit"].wordings) > 1:
        yield _by_wording(report)
    if report.ablation is not None:
        yield _ablation_table(report.ablation)
    yield from remarks(*_remarks(report))


def _overall(report: RecallReport) -> Table:
    figures = [*(f"@{k}" for k in report.ks), f"95 % @{MAIN_CUTOFF}"]
    table = new_table(("system", "metric", *figures), right=figures)
    for name, system in report.systems.items():
        for cells in _metric_rows(name, system):
            table.add_row(*cells)
        table.add_section()
    return table


def _metric_rows(name: str, system: SystemFigures) -> Iterator[list[RenderableType]]:
    """A row for each metric; the first has the name and the interval, too."""
    style = "bold" if name == "memkit" else ""
    label, interval, name_style = SYSTEM_NAMES.get(name, name), bounds(system.interval, "–"), ""
    rows = {METRIC_NAMES[metric]: values for metric, values in system.metrics.items()}
    rows |= {} if system.sessions is None else {SESSIONS_NAME: system.sessions}
    for metric, values in rows.items():
        figures = [Text(decimal(value), style=style) for value in values]
        yield [Text(label, style=style), Text(metric, style=name_style), *figures, interval]
        label, interval, style, name_style = "", "", "dim", "dim"


def _by_category(report: RecallReport) -> Table:
    columns = ["questions", *(SYSTEM_NAMES.get(name, name) for name in report.systems)]
    at, rows = report.ks.index(MAIN_CUTOFF), list[tuple[RenderableType, ...]]()
    for category, count in report.counts.items():
        values = [system.categories[category][at] for system in report.systems.values()]
        figures = [Text(decimal(value), style="bold" if value == max(values) else "") for value in values]
        rows.append((shown(category), f"{count:,}", *figures))
    return new_table(
        ("category", *columns), rows, title=f"Fraction found @{MAIN_CUTOFF}", right=columns, least=MIN_WIDTHS
    )


def _by_wording(report: RecallReport) -> Table:
    count = len(report.systems["memkit"].wordings)
    columns = ["as written", *(f"other words {n}" for n in range(1, count))]
    rows = ([SYSTEM_NAMES.get(name, name), *map(decimal, each.wordings)] for name, each in report.systems.items())
    return new_table(("system", *columns), rows, title=f"Fraction found @{MAIN_CUTOFF}, by wording", right=columns)


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
    if report.sketches.same_top is not None:
        lines.append(
            "scoring candidates gives the same ten results as scoring everything "
            f"for {report.sketches.same_top:.1%} of the questions"
        )
    if report.sketches.sketch_recall is not None:
        share = f"{report.sketches.sketch_recall:.1%}"
        lines.append(f"sketches and rerank find {share} of exact search's ten nearest vectors")
    return lines


def _ablation_table(ablation: Ablation) -> Table:
    """A row per part switched off, what is missed most first."""
    columns = [*(f"@{k}" for k in ablation.ks), CHANGE_COLUMN, BOUNDS_COLUMN]
    table = new_table(("settings", *columns), title="Fraction found with parts switched off", right=columns)
    table.add_row("defaults", *map(decimal, ablation.defaults), "", "", style="bold", end_section=True)
    for each in sorted(ablation.variants, key=lambda variant: variant.difference):
        table.add_row(each.name, *map(decimal, each.fractions), signed(each.difference), signed_bounds(each.interval))
    return table


def left_out_parts(left_out: LeaveOneOut) -> Iterator[RenderableType]:
    """A row per conversation, and their means."""
    columns = ("questions", "defaults", "chosen")
    rows = (
        (row.format, shown(row.conversation), f"{row.questions:,}", decimal(row.defaults), decimal(row.chosen),
         row.candidate)
        for row in left_out.conversations
    )  # fmt: skip
    title = f"Fraction found @{MAIN_CUTOFF} with settings chosen on the other conversations"
    table = new_table(("format", "conversation", *columns, "chosen settings"), rows, title=title, right=columns)
    table.add_section()
    table.add_row("mean", "", "", decimal(left_out.defaults), decimal(left_out.chosen), "", style="bold")
    yield ""
    yield table
    yield from remarks(
        f"chosen among {left_out.candidates} settings, the defaults among them, by the mean fraction "
        f"@{MAIN_CUTOFF} of the other conversations; formats count alike"
    )


def sweep_table(sweep: Sweep) -> Table:
    """A row per share of small talk, from none on."""
    columns = ["no vector", *(f"@{k}" for k in sweep.ks), CHANGE_COLUMN, "95 %", "observing"]
    rows = (
        (
            f"{row.share:.0%}",
            f"{row.filtered:.1%}",
            *map(decimal, row.fractions),
            signed(row.difference),
            signed_bounds(row.interval, between="…"),
            f"{row.faster:.2f}×",
        )
        for row in sweep.rows
    )
    return new_table(
        ("share", *columns),
        rows,
        title=f"{sweep.format}: fraction found when small talk gets no vectors",
        right=columns,
    )
