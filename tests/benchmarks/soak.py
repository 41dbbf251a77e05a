"""Mixed load on one file for long: is everything there that must be, and does anything grow without a reason?

Run:  python tests/benchmarks/soak.py --minutes 10 [--banks 20] [--plot soak.png] [--json]
In the first half the banks grow; in the second as many turns are erased as are heard, so that nothing may grow any
more. A model beside the store knows which turns must be there; recalls, pages and the doctor are checked against it.
"""

import argparse
import ctypes
import json
import os
import random
import re
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.texts import CONVERSATIONS_FOLDER
from memkit.models import MEMORY_STATES
from memkit.testing import FrozenClock
from memkit.text.terms.tokens import CACHED_WORDS

WARM_UP = 0.2  # of each half, before it is judged
SAMPLE = 2.0  # seconds
VERBS = {"observe": 40, "recall": 40, "think": 8, "decay": 2, "erase": 6, "check": 2, "reflect": 1, "maintain": 1}
PAGES = 16_384_000  # bytes of the file that SQLite keeps in RAM for each connection, at most
UNEXPLAINED = 1_500  # bytes of RAM for each memory beyond what the caches say they hold
STILL = 0.06  # share that may be added in the second half
WORDS = re.findall(r"[a-z]{3,}", (CONVERSATIONS_FOLDER / "conversation.jsonl").read_text("utf-8"))
FORMS = (
    "I moved to {}.",
    "My sister lives in {} with two dogs.",
    "I work in {} now.",
    "{} is where we met, and {more}",
)


def sentence(bank: int, number: int) -> str:
    chance = random.Random(bank * 1_000_003 + number)
    place = f"Town{bank}x{number}"
    return chance.choice(FORMS).format(place, more=" ".join(chance.choices(WORDS, k=15)))


@dataclass
class Model:
    """Which turns of each bank must be there; their texts follow from their numbers."""

    there: list[set[int]]
    next: list[int]

    @classmethod
    def of(cls, banks: int) -> "Model":
        return cls([set() for _ in range(banks)], [0] * banks)

    def size(self) -> int:
        return sum(map(len, self.there))


@dataclass
class Sample:
    """What was measured at one moment."""

    seconds: float
    memories: int
    rss: int
    cached: int
    file: int
    latency_ms: dict[str, float]


@dataclass
class Soak:
    """A store under load, its model, and what was measured."""

    store: memkit.MemoryStore
    path: Path
    clock: FrozenClock
    model: Model
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    samples: list[Sample] = field(default_factory=list)
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    done: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: list[str] = field(default_factory=list)
    target: int | None = None  # turns to keep to

    @classmethod
    def on(cls, path: Path, banks: int) -> "Soak":
        """Over a new file; its store is to be closed."""
        clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
        store = memkit.open(path, encoder=HashingEncoder(dimension=384), clock=clock)
        return cls(store, path, clock, Model.of(banks))

    def bank(self, number: int) -> memkit.MemoryBank:
        return self.store.bank("soak", f"user{number}")

    def step(self) -> None:
        verb = self.chance.choices(list(VERBS), list(VERBS.values()))[0]
        if self.target is not None and self.model.size() > self.target:
            verb = "erase" if verb in ("observe", "erase") else verb
        number = self.chance.randrange(len(self.model.there))
        start = time.perf_counter()
        getattr(self, f"_{verb}")(number)
        self.waits[verb].append(time.perf_counter() - start)
        self.done[verb] += 1
        self.clock.advance(timedelta(minutes=2))

    def _observe(self, number: int) -> None:
        first = self.model.next[number]
        turns = [memkit.Turn(sentence(number, n), f"user{number}", id=str(n)) for n in range(first, first + 3)]
        self.bank(number).observe(turns)
        self.model.there[number].update(range(first, first + 3))
        self.model.next[number] = first + 3

    def _recall(self, number: int) -> None:
        asked = self.chance.choice(sorted(self.model.there[number]) or [0])
        found = self.bank(number).recall(sentence(number, asked), k=10)
        found.prompt(max_tokens=300)
        for hit in found:
            if hit.memory.kind == "turn" and not self._right(number, hit.memory):
                self.wrong.append(f"recall in bank {number} gave what is not there")

    def _right(self, number: int, memory: memkit.Memory) -> bool:
        n = int(memory.id)
        return n in self.model.there[number] and memory.text == sentence(number, n)

    def _think(self, number: int) -> None:
        self.bank(number).think()

    def _reflect(self, number: int) -> None:
        self.bank(number).reflect()

    def _decay(self, number: int) -> None:
        self.bank(number).decay()

    def _maintain(self, number: int) -> None:
        self.store.maintain(budget_s=0.5)

    def _erase(self, number: int) -> None:
        oldest = sorted(self.model.there[number])[: 3 if self.target is None else 12]
        if oldest:
            self.bank(number).erase(ids=[str(n) for n in oldest])
            self.model.there[number].difference_update(oldest)

    def _check(self, number: int) -> None:
        bank, found, after = self.bank(number), list[memkit.Memory](), None
        while page := bank.list(kinds=["turn"], states=MEMORY_STATES, limit=1000, after=after):
            found += page
            after = page[-1].id
        if {int(m.id) for m in found} != self.model.there[number]:
            self.wrong.append(f"bank {number} doesn't hold the turns that it must")
        if not all(self._right(number, m) for m in found):
            self.wrong.append(f"bank {number} holds other words")

    def counted(self, files: int) -> int:
        """Bytes that the store says it holds in RAM, with what SQLite holds of the files for each connection."""
        connections = len(self.store._storage._connections._idle)  # type: ignore[attr-defined]
        services = self.store._services
        return services.indexes.nbytes() + connections * min(files, PAGES)

    def sample(self, seconds: float) -> None:
        latency = {verb: 1000 * float(np.median(waits)) for verb, waits in self.waits.items() if waits}
        latency |= {f"{verb} p99": 1000 * float(np.percentile(w, 99)) for verb, w in self.waits.items() if w}
        self.waits.clear()
        memories = sum(state.size for state in self.store._storage.banks())
        files = sum(file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*"))
        self.samples.append(Sample(seconds, memories, resident(), self.counted(files), files, latency))


def resident() -> int:
    """Bytes of this process in RAM, without what the C library's allocator can give back."""
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def warm_up(folder: Path) -> None:
    """Load what a process loads once, and fill what it keeps of words, which is bounded and shared by all banks."""
    chance = random.Random(2)
    words = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(CACHED_WORDS + CACHED_WORDS // 4)
    ]
    turns = [" ".join(words[start : start + 50]) for start in range(0, len(words), 50)]
    soak = Soak.on(folder / "warm.db", 2)
    with soak.store as store:
        bank = store.bank("words")
        bank.observe([("ana", turn) for turn in turns])
        for turn in turns:
            bank.recall(f"{turn} last week")
        for _ in range(400):
            soak.step()


def run(folder: Path, seconds: float, banks: int, tell: Callable[[float], object]) -> Soak:
    warm_up(folder)
    soak = Soak.on(folder / "soak.db", banks)
    with soak.store as store:
        start, sampled = time.monotonic(), 0.0
        while (now := time.monotonic() - start) < seconds:
            if now > seconds / 2 and soak.target is None:
                soak.target = soak.model.size()
            soak.step()
            if now - sampled > SAMPLE:
                soak.sample(now)
                tell(now)
                sampled = now
        for number in range(banks):
            soak._check(number)
        soak.wrong += store.doctor()
    return soak


def judged(soak: Soak) -> dict[str, Any]:
    """What grew, and whether the data explains it."""
    half = soak.samples[-1].seconds / 2
    first = [s for s in soak.samples if half * WARM_UP < s.seconds <= half]
    second = [s for s in soak.samples if s.seconds > half * (1 + WARM_UP)]
    memories = [s.memories for s in first]
    rss, cached, file = (
        float(np.polyfit(memories, [getattr(s, name) for s in first], 1)[0]) for name in ("rss", "cached", "file")
    )
    found = {
        "memories": soak.samples[-1].memories,
        "growing_rss_bytes_per_memory": rss,
        "growing_cached_bytes_per_memory": cached,
        "growing_file_bytes_per_memory": file,
        "still": {name: _added(second, name) for name in ("memories", "rss", "file")},
        "recall_ms": [
            np.median([s.latency_ms.get("recall", np.nan) for s in part]) for part in (first[-9:], second[-9:])
        ],
        "calls": dict(soak.done),
        "wrong": soak.wrong,
    }
    explained = found["still"]["memories"] + STILL
    verdicts = {
        "nothing is wrong": not soak.wrong,
        "growing: RAM is explained by the caches": rss - cached <= UNEXPLAINED,
        "still: RAM stands still": found["still"]["rss"] <= explained,
        "still: the file stands still": found["still"]["file"] <= explained,
    }
    return {**found, "verdicts": {name: bool(good) for name, good in verdicts.items()}}


def _typical(samples: list[Sample], verb: str) -> float:
    return float(np.nanmedian([s.latency_ms.get(verb, np.nan) for s in samples]))


def _added(samples: list[Sample], name: str) -> float:
    """The share that was added between the first and the last fifth of some samples, by their medians."""
    fifth = max(1, len(samples) // 5)
    before, after = (np.median([getattr(s, name) for s in part]) for part in (samples[:fifth], samples[-fifth:]))
    return float(after / before - 1)


def plot(soak: Soak, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(4, 1, figsize=(8, 11), sharex=True)
    at = [s.seconds / 60 for s in soak.samples]
    axes[0].plot(at, [s.memories for s in soak.samples], label="memories")
    axes[1].plot(at, [s.rss / 1e6 for s in soak.samples], label="process, MB")
    axes[1].plot(at, [s.cached / 1e6 for s in soak.samples], label="caches, MB")
    axes[2].plot(at, [s.file / 1e6 for s in soak.samples], label="files, MB")
    for verb in ("observe", "recall", "recall p99", "think", "erase"):
        axes[3].semilogy(at, [s.latency_ms.get(verb, np.nan) for s in soak.samples], label=f"{verb}, ms")
    for axis in axes:
        axis.axvline(at[-1] / 2, color="grey", linewidth=0.5)
        axis.legend(loc="upper left")
    axes[-1].set_xlabel("minutes")
    figure.savefig(path, dpi=110)


def table(found: dict[str, Any]) -> Table:
    shown = Table("figure", "value")
    for name, good in found["verdicts"].items():
        shown.add_row(name, "yes" if good else "NO")
    shown.add_section()
    for name, share in found["still"].items():
        shown.add_row(f"still: {name} added", f"{share:+.1%}")
    for name in ("rss", "cached", "file"):
        shown.add_row(f"growing: {name}, bytes per memory", f"{found[f'growing_{name}_bytes_per_memory']:,.0f}")
    shown.add_row("recall p50 ms at the end of each half", ", ".join(f"{ms:.1f}" for ms in found["recall_ms"]))
    shown.add_row("memories at the end", f"{found['memories']:,}")
    shown.add_row("calls", ", ".join(f"{count:,} {verb}" for verb, count in sorted(found["calls"].items())))
    for words in found["wrong"][:10]:
        shown.add_row("wrong", words)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--banks", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    seconds = 60 * args.minutes
    with tempfile.TemporaryDirectory(dir=args.folder) as folder, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("soaking", total=seconds)
        soak = run(Path(folder), seconds, args.banks, lambda now: progress.update(task, completed=now))
    found = judged(soak)
    if args.plot:
        plot(soak, args.plot)
    if args.json:
        print(json.dumps({**found, "samples": [asdict(sample) for sample in soak.samples]}, indent=2))
    else:
        Console().print(table(found))


if __name__ == "__main__":
    main()
