"""The demo, scene by scene: observe, think, ask, let time pass, erase."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import memkit
from memkit.bank import MemoryBank
from memkit.cli.demo.away import erasing, time_passes
from memkit.cli.demo.figures import Figures
from memkit.cli.demo.metered import Metered
from memkit.cli.demo.stage import Stage, date
from memkit.cli.output import excerpt, near, pairs, shown, size, table
from memkit.evaluation.formats.cases import moment
from memkit.evaluation.formats.jsonl import UNKNOWN, lines, read_turns
from memkit.models import Memory, Turn
from memkit.protocols import Encoder
from memkit.store import MemoryStore
from memkit.testing import FrozenClock

FIRST = 3  # results that are shown; an answer is right if one of them is evidence
SAMPLE = 6  # thoughts that are shown
TOKENS = 400  # of the prompt that results are placed into


@dataclass(frozen=True)
class Folder:
    """Where the demo's files go; what an earlier demo left there is replaced."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "year.db"

    @property
    def plot(self) -> Path:
        return self.path / "year.png"

    def clear(self) -> None:
        """Make the folder, and take an earlier database away."""
        self.path.mkdir(parents=True, exist_ok=True)
        for file in self.path.glob(f"{self.database.name}*"):
            file.unlink()


@dataclass(frozen=True)
class Case:
    """A question of the demo, with the ids of the turns that answer it."""

    text: str
    answer: str
    evidence: frozenset[str]


def play(conversation: Path, questions: Path, folder: Folder, encoder: Encoder, *, quiet: bool = False) -> Figures:
    """Run the whole demo. Raises InputError where its files can't be read."""
    turns = read_turns(conversation)
    cases = [case for _, item in lines(questions) if (case := _case(item)) is not None]
    start = time.perf_counter()
    folder.clear()
    stage, figures, clock = Stage(quiet=quiet), Figures(), FrozenClock(moment(turns[-1]) + timedelta(days=1))
    _opening(stage, turns, conversation)
    name = ("demo", conversation.stem)
    thinker = Metered()
    with memkit.open(folder.database, encoder=encoder, clock=clock, thinker=thinker) as store:
        bank = store.bank(*name)
        _observe(stage, figures, store, bank, turns)
        _think(stage, figures, bank, thinker)
        _audit(stage, figures, store)
        answered = _ask(stage, figures, bank, [case for case in cases if case.evidence])
        _ask_unknown(stage, figures, bank, [case for case in cases if not case.evidence])
    with memkit.open(folder.database, encoder=encoder, clock=clock) as store:
        bank = store.bank(*name)
        used = {id for case in answered for id in case.evidence}
        time_passes(stage, figures, bank, clock, folder.plot, used)
        erasing(stage, figures, bank, folder.database, answered)
    figures.file_bytes = folder.database.stat().st_size
    figures.files.insert(0, near(folder.database))
    figures.seconds = time.perf_counter() - start
    _closing(stage, figures, "/".join(name))
    return figures


def _case(item: Any) -> Case | None:
    """A question of the demo; None for those that only the evaluation asks."""
    if not item.get("demo"):
        return None
    evidence = [] if item.get("category") == UNKNOWN else item.get("evidence") or []
    return Case(item["question"], str(item.get("answer") or ""), frozenset(evidence))


def _opening(stage: Stage, turns: Sequence[Turn], conversation: Path) -> None:
    people = list(dict.fromkeys(turn.speaker for turn in turns))
    stage.names = max(map(len, people))
    first, last = moment(turns[0]), moment(turns[-1])
    days = (last - first).days
    stage.opening(
        "memkit: a year remembered",
        f"{' and '.join(people[:2])} talk from {date(first).strip()} to {date(last).strip()}: {len(turns):,} turns "
        f"over {days} days. memkit hears all of it, and is then asked. There is no language model, no key, "
        f"no server and no network; everything happens in one file on this machine.\n\n"
        f"The conversation: {near(conversation)}",
    )


def _observe(stage: Stage, figures: Figures, store: MemoryStore, bank: MemoryBank, turns: Sequence[Turn]) -> None:
    stage.scene(1, "Observe", "Turns are stored as they came, cut into episodes, encoded, searchable at once.")
    start = time.perf_counter()
    with stage.console.status("loading the encoder"):
        store.warm()
    figures.load_seconds = time.perf_counter() - start
    sessions = [list(group) for _, group in groupby(turns, key=lambda turn: turn.session)]
    start = time.perf_counter()
    with stage.progress() as progress:
        task = progress.add_task("observing", total=len(turns))
        for session in sessions:
            bank.observe(session)
            progress.update(task, advance=len(session), description=date(moment(session[0])))
        progress.update(task, description="observed")
    figures.observe_seconds = time.perf_counter() - start
    figures.turns, figures.sessions = len(turns), len(sessions)
    rate = len(turns) / max(figures.observe_seconds, 1e-9)
    stage.line(
        (f" {len(turns):,} turns of {len(sessions)} sessions", "bold"),
        (f" in {figures.observe_seconds:.1f} s, {rate:,.0f} per second, after {figures.load_seconds:.1f} s ", ""),
        ("for loading the encoder.", ""),
    )


def _think(stage: Stage, figures: Figures, bank: MemoryBank, thinker: Metered) -> None:
    stage.scene(2, "Think", "What people say of themselves becomes thoughts; new ones take the place of old ones.")
    bank.think()
    bank.reflect()
    held = bank.list(kinds=["thought"], limit=10_000)
    old = bank.list(kinds=["thought"], limit=10_000, states=("superseded",))
    figures.thoughts, figures.superseded = len(held), len(old)
    if held:
        made = table("thought", "said on")
        for thought in held[:: max(1, len(held) // SAMPLE)][:SAMPLE]:
            made.add_row(excerpt(thought.text), date(thought.occurred_at))
        stage.show(made)
    _changes(stage, bank, old)
    stage.line((f" {len(held)} thoughts hold now", "bold"), (f", {len(old)} were superseded and stay in history.", ""))
    figures.exchanges, figures.prompt_tokens = thinker.tasks, thinker.tokens_each
    stage.line(
        (f" With a chat model as thinker, {thinker.tasks} exchanges would be as many calls", ""),
        (f" of {thinker.tokens_each} prompt tokens on average.", ""),
    )


def _audit(stage: Stage, figures: Figures, store: MemoryStore) -> None:
    [report] = store.audit()
    figures.near_copies = sum(report.counts[flaw] for flaw in ("copies", "near copies"))
    figures.contradictions = report.counts["contradictions"]
    stage.line(
        (f" memkit audit: {figures.near_copies} of them are copies or near copies,", ""),
        (f" {figures.contradictions} contradict another.", ""),
    )


def _changes(stage: Stage, bank: MemoryBank, old: Sequence[Memory]) -> None:
    changes = [(was, bank.get(was.superseded_by)) for was in old if was.superseded_by]
    if not changes:
        return
    made = table("what held before", "what took its place", "since")
    for was, now in changes[:3]:
        if now is not None:
            made.add_row(excerpt(was.text, 60), excerpt(now.text, 60), date(now.occurred_at))
    stage.show(made)


def _ask(stage: Stage, figures: Figures, bank: MemoryBank, cases: Sequence[Case]) -> list[Case]:
    stage.scene(
        3,
        "Ask",
        f"The first {FIRST} results to each question; ✓ marks the turn that answers it (known beforehand, never "
        "shown to memkit). What is used in a prompt grows stronger.",
    )
    answered = []
    for number, case in enumerate(cases, start=1):
        start = time.perf_counter()
        found = bank.recall(case.text, k=FIRST)
        figures.recalls.append((time.perf_counter() - start) * 1000)
        found.prompt(max_tokens=TOKENS)
        stage.question(number, case.text, case.answer)
        right = [hit.memory.id for hit in found if hit.memory.id in case.evidence]
        stage.hits(found, right)
        if right:
            answered.append(case)
        else:
            stage.line(("     not among the first", "red"))
    figures.asked, figures.answered = len(cases), len(answered)
    stage.line((f"\n {len(answered)} of {len(cases)} answers", "bold"), (" are among the first three, ", ""),
               (f"{figures.recall_ms:.0f} ms each, encoding included.", ""))  # fmt: skip
    return answered


def _ask_unknown(stage: Stage, figures: Figures, bank: MemoryBank, cases: Sequence[Case]) -> None:
    stage.scene(4, "Know nothing", "Questions that nobody ever spoke about get no result, instead of a bad one.")
    for case in cases:
        found = bank.recall(case.text, k=FIRST, reinforce=False)
        figures.silent += not found
        mark = ("✓", "bold green") if not found else ("✗", "bold red")
        stage.line(
            (" ", ""), mark, (f" {case.text}  ", ""), ("nothing" if not found else f"{len(found)} results", "dim")
        )
    figures.unknown = len(cases)


def _closing(stage: Stage, figures: Figures, bank: str) -> None:
    stage.scene(7, "In short", "")
    rate = figures.turns / max(figures.observe_seconds, 1e-9)
    kept = "SOME OF IT IS STILL IN THE FILE" if figures.bytes_left else "nothing of it is left in the file"
    values = {
        "heard": f"{figures.turns:,} turns, {rate:,.0f} per second",
        "thought": f"{figures.thoughts} thoughts, {figures.superseded} superseded",
        "answered": f"{figures.answered} of {figures.asked}, {figures.recall_ms:.0f} ms each",
        "unknown": f"{figures.silent} of {figures.unknown} questions without an answer got none",
        "erased": f"{figures.erased} memories; {kept}",
        "database": f"{figures.files[0]} ({size(figures.file_bytes)})",
        "time": f"{figures.seconds:.0f} s, all in all",
        "plot": ", ".join(figures.files[1:]) or "none",
    }
    stage.show(pairs(values))
    stage.line(("\n Go on asking:", "dim"))
    stage.line((f' memkit recall {shown(bank)} "your question" --why --db {figures.files[0]}', "bold"))
