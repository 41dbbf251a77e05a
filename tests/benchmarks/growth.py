"""Cost of every verb as a bank of memories of one pattern grows, with the exponent fitted to each.

Run:  python tests/benchmarks/growth.py [--sizes 1000 10000 100000] [--json FILE]
Processor time in seconds: of verbs over all memories at their first call, of verbs over one the median of a few
calls. An exponent of 1 is a cost in proportion to the bank, 0 a cost that doesn't depend on it; a verb over all may
have at most 1.1, a verb over one .3. Texts are templates ("Order 17 was shipped ..."), vectors are given.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import memkit
from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import FloatArray, Task

START_TIME = datetime(2025, 1, 1, 8, tzinfo=UTC)
BATCH_TURNS = 1000
PAGE_MEMORIES = 1000
CALLS_OVER_ONE = 7
DIMENSION = 384
MAX_EXPONENT_OVER_ALL, MAX_EXPONENT_OVER_ONE = 1.1, 0.3

Seconds = dict[str, float]


class PatternEncoder:
    """Vectors out of a pool by the hash of a text: encoding costs next to nothing."""

    name = "pattern"
    dimension = DIMENSION

    def __init__(self) -> None:
        pool = np.random.default_rng(0).normal(size=(4096, DIMENSION)).astype(np.float32)
        self._pool = pool / np.linalg.norm(pool, axis=1, keepdims=True)

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of the pool, shape (len(texts), dimension)."""
        return self._pool[[sum(text.encode()) * 31 % 4096 for text in texts]]


def turns(first: int, size: int) -> list[memkit.Turn]:
    """Turns of one pattern, two minutes apart; ten make a session."""
    return [
        memkit.Turn(
            f"I like shop {n} in street {n % 977}.",
            "Ana",
            at=START_TIME + timedelta(minutes=2 * n),
            session=f"s{n // 10}",
        )
        for n in range(first, first + size)
    ]


class Clock:
    """Processor time of blocks, by name."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self._times[name].append(time.process_time() - start)

    def total(self) -> Seconds:
        return {name: sum(times) for name, times in self._times.items()}

    def median(self) -> Seconds:
        return {name: statistics.median(times) for name, times in self._times.items()}


def over_all(store: memkit.MemoryStore, folder: Path, size: int) -> Seconds:
    """Seconds of the verbs that go over a whole bank, which is filled by the first of them."""
    clock, bank, made = Clock(), store.bank("grown"), store.bank("inserted")
    for first in range(0, size, BATCH_TURNS):
        with clock.measure("insert"):
            numbers = range(first, min(size, first + BATCH_TURNS))
            made.insert([f"Order {n} was shipped on day {n % 28 + 1} of May." for n in numbers])
    with clock.measure("audit"):
        store.audit(prefix=("inserted",))
    for first in range(0, size, BATCH_TURNS):
        with clock.measure("observe"):
            bank.observe(turns(first, min(BATCH_TURNS, size - first)))
    verbs: dict[str, Callable[[], object]] = {
        "list": lambda: list_all(bank),
        "stats": store.stats,
        "decay": lambda: bank.decay(dry_run=True),
        "doctor": store.doctor,
        "export": lambda: store.export(folder / "all.jsonl"),
        "load": lambda: _load(folder),
        "reencode": lambda: store.reencode(PatternEncoder()),
        "plan_erase by speaker": lambda: bank.plan_erase(speaker="Ana"),
    }
    for name, verb in verbs.items():
        with clock.measure(name):
            verb()
    return clock.total()


def list_all(bank: memkit.MemoryBank) -> None:
    """Every memory, page by page."""
    page = bank.list(limit=PAGE_MEMORIES)
    while page.next is not None:
        page = bank.list(limit=PAGE_MEMORIES, after=page.next)


def _load(folder: Path) -> None:
    with memkit.open(folder / "loaded.db", encoder=PatternEncoder()) as other:
        other.load(folder / "all.jsonl")


def think_all(folder: Path, size: int) -> Seconds:
    """Seconds of thinking about a bank's turns, every exchange in turn."""
    with memkit.open(folder / "thinking.db", encoder=PatternEncoder()) as store:
        bank = store.bank("thinking")
        for first in range(0, size, BATCH_TURNS):
            bank.observe(turns(first, min(BATCH_TURNS, size - first)))
        clock = Clock()
        with clock.measure("think"):
            bank.think(batch=50)
        with clock.measure("reflect"):
            bank.reflect()
        with clock.measure("beliefs"):
            bank.beliefs()
        with clock.measure("audit of thoughts"):
            report = store.audit()[0]
        assert report.thoughts > size / 2, "nearly every turn should have become a thought"
    return clock.total()


class SilentThinker:
    """A thinker that finds nothing: what waits is settled in a moment."""

    name = "silent"

    def think(self, task: Task) -> list[Proposal]:
        """Nothing."""
        return []


def thoughts_about_ana(size: int) -> list[Memory]:
    """Thoughts of one pattern, as thinking leaves them."""
    likes = [f"shop {n} in street {n % 977}" for n in range(size)]
    return [
        Memory(
            id=f"like-{n}",
            kind="thought",
            text=f"Ana likes {tail}.",
            head="Ana",
            relation="likes",
            tail=tail,
            speaker="Ana",
            occurred_at=START_TIME,
            recorded_at=START_TIME,
        )
        for n, tail in enumerate(likes)
    ]


def over_one(path: Path, size: int) -> Seconds:
    """Seconds of the verbs that are about one memory, in a bank that has been used before."""
    with memkit.open(path, encoder=PatternEncoder(), thinker=SilentThinker()) as store:
        store.bank("grown").think(batch=50)
        store.bank("grown").insert(thoughts_about_ana(size // 10))
    with memkit.open(path, encoder=PatternEncoder()) as store:
        return _over_one(store, size)


def _over_one(store: memkit.MemoryStore, size: int) -> Seconds:
    clock, bank, made, numbers = Clock(), store.bank("grown"), store.bank("inserted"), count(size)
    for call in range(CALLS_OVER_ONE + 1):
        n = next(numbers)
        used = Clock() if not call else clock  # the first call loads what it needs
        with used.measure("observe one"):
            bank.observe(turns(n, 1))
        with used.measure("think about one"):
            bank.think()
        with used.measure("recall"):
            bank.recall(f"Which street is shop {n * 7 % size} in?", k=5)
        with used.measure("recall rare word"):
            bank.recall("the zeppelin of last summer", k=5)
        with used.measure("window"):
            bank.window(200)
        with used.measure("insert one"):
            id = made.insert(f"Order {n} was shipped on day {n % 28 + 1} of June.").ids[0]
        with used.measure("get"):
            made.get(id)
        with used.measure("supersede"):
            new = made.supersede(id, f"Order {n} was lost.").ids[0]
        with used.measure("correct"):
            new = made.correct(new, f"Order {n} was found.").ids[0]
        with used.measure("history"):
            made.history(new)
        with used.measure("pin"):
            receipt = made.pin(new)
        with used.measure("undo"):
            made.undo(receipt)
        with used.measure("forget"):
            made.forget(new, reason="test")
        with used.measure("list of ten"):
            bank.list(limit=10)
        with used.measure("plan_erase of one session"):
            bank.plan_erase(session=f"s{call}")
    for call in range(CALLS_OVER_ONE):
        with clock.measure("erase of one session"):
            bank.erase(bank.plan_erase(session=f"s{call}"))
        with clock.measure("recall after an erasure"):
            bank.recall(f"Which street is shop {call * 7} in?", k=5)
    return clock.median()


def exponent(seconds: Sequence[float], sizes: Sequence[int]) -> float:
    """Slope of the logarithm of seconds over that of sizes."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(seconds, 1e-6)), 1)[0])


def measure(sizes: Sequence[int], thinking_sizes: Sequence[int]) -> dict[str, dict[str, Seconds]]:
    """Seconds by group of verbs, verb and size."""
    groups: dict[str, dict[str, Seconds]] = {"over all": defaultdict(dict), "over one": defaultdict(dict)}
    for size in track(sizes, "banks", console=Console(stderr=True)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with memkit.open(folder / "g.db", encoder=PatternEncoder()) as store:
                seconds_over_all = over_all(store, folder, size)
            measured = {"over all": seconds_over_all, "over one": over_one(folder / "g.db", size)}
        for group, seconds in measured.items():
            for verb, value in seconds.items():
                groups[group][verb][str(size)] = value
    for size in track(thinking_sizes, "thinking", console=Console(stderr=True)):
        with tempfile.TemporaryDirectory() as name:
            for verb, value in think_all(Path(name), size).items():
                groups["over all"][verb][str(size)] = value
    return groups


def show(groups: dict[str, dict[str, Seconds]], console: Console) -> None:
    """A table of seconds and exponents."""
    for group, most in (("over all", MAX_EXPONENT_OVER_ALL), ("over one", MAX_EXPONENT_OVER_ONE)):
        table = Table("verb", "exponent", "seconds by size", title=f"verbs {group}, at most {most}")
        for verb, by_size in groups[group].items():
            fitted = exponent(list(by_size.values()), [int(size) for size in by_size])
            seconds = ", ".join(f"{int(size):,}: {value:.4f}" for size, value in by_size.items())
            table.add_row(verb, f"[{'red' if fitted > most else 'green'}]{fitted:.2f}[/]", seconds)
        console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--thinking", type=int, nargs="+", default=[1000, 3000, 10_000])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    groups = measure(options.sizes, options.thinking)
    if options.json:
        options.json.write_text(json.dumps(groups))
    show(groups, Console(width=140))


if __name__ == "__main__":
    main()
