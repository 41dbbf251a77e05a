"""The demo, scene by scene: observe, think, ask, let time pass, erase."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import memkit
from memkit.bank import MemoryBank
from memkit.cli.output import excerpt, near, pairs, shown, size, who
from memkit.cli.start.figures import DemoFigures
from memkit.cli.start.metered_thinker import MeteredThinker
from memkit.cli.start.screen import Screen, date
from memkit.cli.tables import draw_retention, erasure_sentence, plan_table
from memkit.errors import MissingExtraError
from memkit.evaluation.formats.conversation import turn_time
from memkit.evaluation.formats.jsonl import UNKNOWN_CATEGORY, lines, read_turns
from memkit.forget.decay import FadeReport
from memkit.forget.erasure_plan import ErasePlan
from memkit.identifiers import bank_path
from memkit.models import Memory, Receipt, Turn
from memkit.protocols import Encoder
from memkit.settings import Settings
from memkit.store import MemoryStore
from memkit.testing import FrozenClock

MAX_RESULTS = 3  # shown; an answer is right if one of them is evidence
MAX_THOUGHTS = 6  # shown
PROMPT_TOKENS = 400  # for results
HORIZON_MONTHS = (0, 6, 12, 18, 24, 30, 36)
ELAPSED_MONTHS = 18  # that the clock moves on
MONTH_SPAN = timedelta(days=30.44)
EXAMPLES_EACH = 4
CURVE_TEXT = (
    "What nobody recalls fades, R = exp(-t / (c S)); S grows with each recall. This is a dry run: what fades is "
    "archived only when asked for, and can be brought back. All of it was stored today, and what was stored or "
    f"recalled less than {Settings().decay.archive_after:g} days ago stays."
)


@dataclass(frozen=True)
class DemoFiles:
    """Files that the demo reads, and the folder and the plot that it writes."""

    conversation: Path
    questions: Path
    folder: Path
    plot: Path

    @property
    def database(self) -> Path:
        return self.folder / "year.db"

    def clear(self) -> None:
        """Make the folder, and take an earlier database away."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in self.folder.glob(f"{self.database.name}*"):
            file.unlink()


@dataclass(frozen=True)
class DemoQuestion:
    """A question of the demo, with the ids of the turns that answer it."""

    text: str
    answer: str
    evidence: frozenset[str]


def play(files: DemoFiles, encoder: Encoder, *, quiet: bool = False) -> DemoFigures:
    """Run the whole demo. Raises InputError where its files can't be read."""
    turns = read_turns(files.conversation)
    cases = [case for _, item in lines(files.questions) if (case := _case(item)) is not None]
    start = time.perf_counter()
    files.clear()
    screen, figures, clock = Screen(quiet=quiet), DemoFigures(), FrozenClock(turn_time(turns[-1]) + timedelta(days=1))
    _opening(screen, turns, files.conversation)
    name = ("demo", files.conversation.stem)
    thinker = MeteredThinker()
    with memkit.open(files.database, encoder=encoder, clock=clock, thinker=thinker) as store:
        bank = store.bank(*name)
        _observe(screen, figures, store, bank, turns)
        _think(screen, figures, bank, thinker)
        _audit(screen, figures, store)
        answered = _ask(screen, figures, bank, [case for case in cases if case.evidence])
        _ask_unknown(screen, figures, bank, [case for case in cases if not case.evidence])
    with memkit.open(files.database, encoder=encoder, clock=clock) as store:
        bank = store.bank(*name)
        _let_time_pass(screen, figures, bank, clock, files.plot, {id for case in answered for id in case.evidence})
        _erase(screen, figures, bank, files.database, answered)
    figures.file_bytes = files.database.stat().st_size
    figures.files.insert(0, near(files.database))
    figures.seconds = time.perf_counter() - start
    _closing(screen, figures, bank_path(name))
    return figures


def _case(item: Any) -> DemoQuestion | None:
    """A question of the demo; None for those that only the evaluation asks."""
    if not item.get("demo"):
        return None
    evidence = [] if item.get("category") == UNKNOWN_CATEGORY else item.get("evidence") or []
    return DemoQuestion(item["question"], str(item.get("answer") or ""), frozenset(evidence))


def _opening(screen: Screen, turns: Sequence[Turn], conversation: Path) -> None:
    people = list(dict.fromkeys(turn.speaker for turn in turns))
    screen.names = max(map(len, people))
    first, last = turn_time(turns[0]), turn_time(turns[-1])
    days = (last - first).days
    screen.opening(
        "memkit: a year remembered",
        f"{' and '.join(people[:2])} talk from {date(first).strip()} to {date(last).strip()}: {len(turns):,} turns "
        f"over {days} days. memkit hears all of it, and is then asked. There is no language model, no key, "
        f"no server and no network; everything happens in one file on this machine.\n\n"
        f"The conversation: {near(conversation)}",
    )


def _observe(screen: Screen, figures: DemoFigures, store: MemoryStore, bank: MemoryBank, turns: Sequence[Turn]) -> None:
    screen.scene(1, "Observe", "Turns are stored as they came, cut into episodes, encoded, searchable at once.")
    start = time.perf_counter()
    with screen.console.status("loading the encoder"):
        store.warm()
    figures.load_seconds = time.perf_counter() - start
    sessions = [list(group) for _, group in groupby(turns, key=lambda turn: turn.session)]
    start, receipts = time.perf_counter(), list[Receipt]()
    with screen.progress() as progress:
        task = progress.add_task("observing", total=len(turns))
        for session in sessions:
            receipts.append(bank.observe(session))
            progress.update(task, advance=len(session), description=date(turn_time(session[0])))
        progress.update(task, description="observed")
    figures.observe_seconds = time.perf_counter() - start
    figures.turns, figures.sessions = len(turns), len(sessions)
    rate = len(turns) / max(figures.observe_seconds, 1e-9)
    screen.line(
        (f" {len(turns):,} turns of {len(sessions)} sessions", "bold"),
        (f" in {figures.observe_seconds:.1f} s, {rate:,.0f} per second, after {figures.load_seconds:.1f} s ", ""),
        ("for loading the encoder.", ""),
    )
    total = Receipt.joined(bank.name, receipts)
    figures.unencoded = total.unencoded
    if total.remark:
        screen.line((f" {total.remark}", "yellow"))


def _think(screen: Screen, figures: DemoFigures, bank: MemoryBank, thinker: MeteredThinker) -> None:
    screen.scene(2, "Think", "What people say of themselves becomes thoughts; new ones take the place of old ones.")
    bank.think()
    bank.reflect()
    held = bank.list(kinds=["thought"], limit=10_000)
    old = bank.list(kinds=["thought"], limit=10_000, states=("superseded",))
    figures.thoughts, figures.superseded = len(held), len(old)
    examples = held[:: max(1, len(held) // MAX_THOUGHTS)][:MAX_THOUGHTS]
    screen.table(("thought", "said on"), [(excerpt(m.text), date(m.occurred_at)) for m in examples])
    successors = [(was, bank.get(was.superseded_by)) for was in old if was.superseded_by][:3]
    rows = [(excerpt(was.text, 60), excerpt(now.text, 60), date(now.occurred_at)) for was, now in successors if now]
    screen.table(("what held before", "what took its place", "since"), rows)
    screen.line((f" {len(held)} thoughts hold now", "bold"), (f", {len(old)} were superseded and stay in history.", ""))
    figures.exchanges, figures.prompt_tokens = thinker.tasks, thinker.tokens_each
    screen.line(
        (f" With a chat model as thinker, {thinker.tasks} exchanges would be as many calls", ""),
        (f" of {thinker.tokens_each} prompt tokens on average.", ""),
    )


def _audit(screen: Screen, figures: DemoFigures, store: MemoryStore) -> None:
    [report] = store.audit()
    figures.near_copies = sum(report.counts[flaw] for flaw in ("copies", "near copies"))
    figures.contradictions = report.counts["contradictions"]
    screen.line(
        (f" memkit audit: {figures.near_copies} of them are copies or near copies,", ""),
        (f" {figures.contradictions} contradict another.", ""),
    )


def _ask(screen: Screen, figures: DemoFigures, bank: MemoryBank, cases: Sequence[DemoQuestion]) -> list[DemoQuestion]:
    screen.scene(
        3,
        "Ask",
        f"The first {MAX_RESULTS} results to each question; ✓ marks the turn that answers it (known beforehand, never "
        "shown to memkit). What is used in a prompt grows stronger.",
    )
    answered = []
    for number, case in enumerate(cases, start=1):
        start = time.perf_counter()
        hits = bank.recall(case.text, k=MAX_RESULTS)
        figures.recalls.append((time.perf_counter() - start) * 1000)
        hits.prompt(max_tokens=PROMPT_TOKENS)
        screen.question(number, case.text, case.answer)
        right = [hit.memory.id for hit in hits if hit.memory.id in case.evidence]
        screen.hits(hits, right)
        if right:
            answered.append(case)
        else:
            screen.line(("     not among the first", "red"))
    figures.asked, figures.answered = len(cases), len(answered)
    screen.line((f"\n {len(answered)} of {len(cases)} answers", "bold"), (" are among the first three, ", ""),
               (f"{figures.recall_ms:.0f} ms each, encoding included.", ""))  # fmt: skip
    return answered


def _ask_unknown(screen: Screen, figures: DemoFigures, bank: MemoryBank, cases: Sequence[DemoQuestion]) -> None:
    screen.scene(4, "Know nothing", "Questions that nobody ever spoke about get no result, instead of a bad one.")
    for case in cases:
        hits = bank.recall(case.text, k=MAX_RESULTS, reinforce=False)
        figures.silent += not hits
        mark = ("✓", "bold green") if not hits else ("✗", "bold red")
        screen.line(
            (" ", ""), mark, (f" {case.text}  ", ""), ("nothing" if not hits else f"{len(hits)} results", "dim")
        )
    figures.unknown = len(cases)


def _let_time_pass(
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
    numbers, rows = ("turns faded", "thoughts", "summaries"), []
    for months in HORIZON_MONTHS:
        report = bank.decay(start + months * MONTH_SPAN, dry_run=True)
        share = 1 - len(report.rows) / max(sum(report.considered.values()), 1)
        counts = [report.counts.get(kind, 0) for kind in ("turn", "thought", "summary")]
        figures.fading.append(
            {"months": months, "turns": counts[0], "thoughts": counts[1], "share_kept": round(share, 3)}
        )
        blocks = "█" * round(share * 20)
        later = f"{months} months" if months else "today"
        rows.append((later, *map(str, counts), f"{blocks:<20} {share:.0%}"))
    screen.table(("later", *numbers, "still remembered"), rows, right=numbers)


def _examples(screen: Screen, bank: MemoryBank, report: FadeReport, used: Collection[str]) -> None:
    going = set(report.ids)
    turns = bank.list(kinds=["turn"], limit=10_000)
    strong = sorted((m for m in turns if m.id not in going), key=lambda m: (m.id not in used, -m.strength))[
        :EXAMPLES_EACH
    ]
    weak = [
        (f"fades (R {row.retention:.3f})", *_cells(memory))
        for row in report.rows[:EXAMPLES_EACH]
        if (memory := bank.get(row.id)) is not None
    ]
    screen.table(
        ("", "said", "who", "what", "recalled"),
        [*weak, *(("stays", *_cells(memory)) for memory in strong)],
        right=("recalled",),
    )


def _cells(memory: Memory) -> tuple[str, str, str, str]:
    return date(memory.occurred_at), who(memory), excerpt(memory.text, 60), f"{memory.recall_count}×"


def _plot(screen: Screen, figures: DemoFigures, bank: MemoryBank, now: datetime, picture: Path) -> None:
    try:
        draw_retention(bank, now, picture)
    except MissingExtraError as error:
        screen.line((f" No plot: {error}", "yellow"))
    else:
        figures.files.append(near(picture))


def _erase(
    screen: Screen, figures: DemoFigures, bank: MemoryBank, database: Path, answered: Sequence[DemoQuestion]
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


def _ask_again(screen: Screen, bank: MemoryBank, case: DemoQuestion) -> None:
    hits = bank.recall(case.text, k=1, reinforce=False)
    if not hits:
        screen.line((" Asked again: ", ""), ("nothing", "bold"), (".", ""))
        return
    screen.line((" Asked again, the nearest that is left: ", ""), (excerpt(hits[0].memory.text, 90), "italic"))


def _closing(screen: Screen, figures: DemoFigures, bank: str) -> None:
    screen.scene(7, "In short", "")
    rate = figures.turns / max(figures.observe_seconds, 1e-9)
    remains = "SOME OF IT IS STILL IN THE FILE" if figures.bytes_left else "nothing of it is left in the file"
    values = {
        "heard": f"{figures.turns:,} turns, {rate:,.0f} per second",
        "thought": f"{figures.thoughts} thoughts, {figures.superseded} superseded",
        "answered": f"{figures.answered} of {figures.asked}, {figures.recall_ms:.0f} ms each",
        "unknown": f"{figures.silent} of {figures.unknown} questions without an answer got none",
        "erased": f"{figures.erased} memories; {remains}",
        "database": f"{figures.files[0]} ({size(figures.file_bytes)})",
        "time": f"{figures.seconds:.0f} s, all in all",
        "plot": ", ".join(figures.files[1:]) or "none",
    }
    screen.show(pairs(values))
    screen.line(("\n Go on asking:", "dim"))
    screen.line((f' memkit recall {shown(bank)} "your question" --why --db {figures.files[0]}', "bold"))
