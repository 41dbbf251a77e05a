"""The second half of the demo: time passes and memories fade; then one is erased for good."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from memkit.bank import MemoryBank
from memkit.cli.erasure_tables import erasure_sentence, plan_table
from memkit.cli.output import excerpt, near, new_table, who
from memkit.cli.retention_plot import draw_retention
from memkit.cli.start.figures import DemoFigures
from memkit.cli.start.screen import Screen, date
from memkit.errors import MissingExtraError
from memkit.forget.decay import FadeReport
from memkit.forget.erasure_plan import ErasePlan
from memkit.models import Memory
from memkit.settings import Settings
from memkit.testing import FrozenClock

if TYPE_CHECKING:
    from memkit.cli.start.scenes import DemoQuestion

HORIZON_MONTHS = (0, 6, 12, 18, 24, 30, 36)
ELAPSED_MONTHS = 18  # that the clock moves on
MONTH_SPAN = timedelta(days=30.44)
EXAMPLES_EACH = 4
CURVE_TEXT = (
    "What nobody recalls fades, R = exp(-t / (c S)); S grows with each recall. This is a dry run: what fades is "
    "archived only when asked for, and can be brought back. All of it was stored today, and what was stored or "
    f"recalled less than {Settings().decay.archive_after:g} days ago stays."
)


def time_passes(
    screen: Screen, figures: DemoFigures, bank: MemoryBank, clock: FrozenClock, picture: Path, used: Collection[str]
) -> None:
    """Show what would fade as the clock moves on, beside what was used; nothing is archived here."""
    screen.scene(5, "Let time pass", "The file was closed and opened again. " + CURVE_TEXT)
    _horizons(screen, figures, bank, clock())
    clock.advance(ELAPSED_MONTHS * MONTH_SPAN)
    report = bank.decay(dry_run=True)
    screen.line((f" The clock is moved on by {ELAPSED_MONTHS} months, to {date(clock()).strip()}:", "bold"))
    _examples(screen, bank, report, used)
    _plot(screen, figures, bank, clock(), picture)


def _horizons(screen: Screen, figures: DemoFigures, bank: MemoryBank, start: datetime) -> None:
    table = new_table(
        "later",
        "turns faded",
        "thoughts",
        "summaries",
        "still remembered",
        right=("turns faded", "thoughts", "summaries"),
    )
    for months in HORIZON_MONTHS:
        report = bank.decay(start + months * MONTH_SPAN, dry_run=True)
        share = 1 - len(report.rows) / max(sum(report.considered.values()), 1)
        counts = [report.counts.get(kind, 0) for kind in ("turn", "thought", "summary")]
        figures.fading.append(
            {"months": months, "turns": counts[0], "thoughts": counts[1], "share_kept": round(share, 3)}
        )
        blocks = "█" * round(share * 20)
        table.add_row(_later(months), *map(str, counts), f"{blocks:<20} {share:.0%}")
    screen.show(table)


def _later(months: int) -> str:
    if months == 0:
        return "today"
    return "1 month" if months == 1 else f"{months} months"


def _examples(screen: Screen, bank: MemoryBank, report: FadeReport, used: Collection[str]) -> None:
    going = set(report.ids)
    turns = bank.list(kinds=["turn"], limit=10_000)
    strong = sorted((m for m in turns if m.id not in going), key=lambda m: (m.id not in used, -m.strength))[
        :EXAMPLES_EACH
    ]
    weak = [memory for row in report.rows[:EXAMPLES_EACH] if (memory := bank.get(row.id)) is not None]
    unused = {row.id: row.retention for row in report.rows}
    table = new_table("", "said", "who", "what", "recalled", right=("recalled",))
    for memory in weak:
        table.add_row(f"fades (R {unused[memory.id]:.3f})", *_cells(memory))
    for memory in strong:
        table.add_row("stays", *_cells(memory))
    screen.show(table)


def _cells(memory: Memory) -> tuple[str, str, str, str]:
    return date(memory.occurred_at), who(memory), excerpt(memory.text, 60), f"{memory.recall_count}×"


def _plot(screen: Screen, figures: DemoFigures, bank: MemoryBank, now: datetime, picture: Path) -> None:
    try:
        draw_retention(bank, now, picture)
    except MissingExtraError as error:
        screen.line((f" No plot: {error}", "yellow"))
    else:
        figures.files.append(near(picture))


def erasing(
    screen: Screen, figures: DemoFigures, bank: MemoryBank, database: Path, answered: "Sequence[DemoQuestion]"
) -> None:
    """Erase what answered a question, with everything that rests on it, and look for it in the file."""
    screen.scene(
        6, "Erase", "Fading keeps history; erasing is for good: the turns, what rests on them, and their bytes."
    )
    plans = [(case, bank.plan_erase(ids=sorted(case.evidence))) for case in answered]
    if not plans:
        return
    case, plan = max(plans, key=lambda pair: _clarity(pair[1]))
    texts = [memory.text for id in plan.chosen if (memory := bank.get(id)) is not None]
    screen.line((" The answer to ", ""), (case.text, "bold"), (" is to go. The plan:", ""))
    screen.show(plan_table(bank, plan))
    before = _files_with(database, texts)
    receipt = bank.erase(plan)
    after = _files_with(database, texts)
    figures.erased, figures.bytes_left = len(plan.ids), bool(after) or receipt.bytes_pending
    screen.line((f" {erasure_sentence(receipt)}", "bold"))
    screen.line((f" Files that hold the text: {len(before)} before, {len(after)} after.", ""))
    _ask_again(screen, bank, case)


def _clarity(plan: ErasePlan) -> tuple[bool, int]:
    """A short plan that reaches a thought shows best what an erasure does."""
    return "thought" in plan.counts, -len(plan.ids)


def _files_with(database: Path, texts: Sequence[str]) -> list[str]:
    forms = [text.encode() for text in texts]
    files = database.parent.glob(f"{database.name}*")
    return [file.name for file in files if any(form in file.read_bytes() for form in forms)]


def _ask_again(screen: Screen, bank: MemoryBank, case: "DemoQuestion") -> None:
    hits = bank.recall(case.text, k=1, reinforce=False)
    if not hits:
        screen.line((" Asked again: ", ""), ("nothing", "bold"), (".", ""))
        return
    screen.line((" Asked again, the nearest that is left: ", ""), (excerpt(hits[0].memory.text, 90), "italic"))
