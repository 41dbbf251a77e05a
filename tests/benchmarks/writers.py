"""Costs of durable writes, alone and with several processes and threads that share one file.

Run:  python tests/benchmarks/writers.py [--seconds 5] [--writers 8] [--folder SCRATCH]
Shows ratios first. `bare`: one-row commits of the same bytes by plain SQLite, WAL and synchronous=FULL as memkit's
own, alternated with memkit's in short slices of the same run. A wait is the time of one whole call.
"""

import argparse
import functools
import json
import multiprocessing as mp
import os
import random
import re
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
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
from memkit.models import Memory
from memkit.operations import Insert

SLICE_SECONDS = 0.25
VECTOR_DIMENSION = 384
STORED_AT = datetime(2025, 6, 2, 12, tzinfo=UTC)


def opened(path: Path) -> memkit.MemoryStore:
    return memkit.open(path, encoder=HashingEncoder(dimension=VECTOR_DIMENSION))


def sentence(me: int, number: int) -> str:
    """A new sentence of a dozen words."""
    return " ".join(random.Random(1000 * number + me).choices(words(), k=12)) + f" {me}."


@functools.cache
def words() -> list[str]:
    conversation = (CONVERSATIONS_FOLDER / "conversation.jsonl").read_text("utf-8")
    return sorted(set(re.findall(r"[a-z]{3,}", conversation)))


class Bare:
    """One row per commit, as bare as SQLite can be, with the same bytes."""

    def __init__(self, path: Path, size: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, data BLOB)")
        self._data = os.urandom(size)

    def __call__(self, number: int) -> None:
        self._connection.execute("INSERT INTO row (data) VALUES (?)", (self._data,))


class Applied:
    """`storage.apply` of one memory that is ready to be stored."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        bank = store.bank("applied")
        self._context = bank._context
        self._state = self._context.ensure()
        self._vector = np.random.default_rng(1).normal(size=(1, VECTOR_DIMENSION)).astype(np.float32)

    def operation(self, number: int) -> Insert:
        services = self._context.services
        memory_id = services.new_id(STORED_AT)
        moments = {"occurred_at": STORED_AT, "recorded_at": STORED_AT}
        memory = Memory(id=memory_id, kind="thought", text=sentence(0, number), author="import", **moments)
        entry = services.indexer.words(self._state, _bare(memory))
        return Insert(memory, services.indexer.complete([entry], self._vector)[0])

    def __call__(self, number: int) -> None:
        self._context.storage.apply(self._state.number, [self.operation(number)], at=STORED_AT)

    def size(self) -> int:
        """Bytes of one memory: text, vector, sketch and terms."""
        insert = self.operation(0)
        entry = insert.entry
        return len(insert.memory.text) + len(entry.vector or b"") + len(entry.sketch or b"") + 1 + 9 * len(entry.terms)


def _bare(memory: Memory) -> Any:
    from memkit.runtime.indexer import IndexableText as BareText

    return BareText.of(memory)


def single(folder: Path, seconds: float) -> dict[str, Any]:
    """Rates of single durable writes, in alternating slices."""
    with opened(folder / "single.db") as store:
        applied, bank = Applied(store), store.bank("observed")
        bare = Bare(folder / "bare.db", applied.size())
        verbs: dict[str, Callable[[int], object]] = {
            "bare": bare,
            "apply": applied,
            "insert": lambda n: bank.insert([sentence(1, n)]),
            "observe": lambda n: bank.observe([("ana", sentence(2, n))]),
        }
        waits: dict[str, list[float]] = {name: [] for name in verbs}
        for _ in range(max(1, round(seconds / SLICE_SECONDS))):
            for name, verb in verbs.items():
                waits[name] += waiting(verb, len(waits[name]), SLICE_SECONDS)
    rates = {name: len(times) / sum(times) for name, times in waits.items()}
    return {
        "row_bytes": applied.size(),
        "per_s": rates,
        "of_bare": {name: rate / rates["bare"] for name, rate in rates.items()},
        "wait_ms": {name: percentiles(times) for name, times in waits.items()},
    }


def waiting(verb: Callable[[int], object], first: int, seconds: float) -> list[float]:
    """Call until the time is over; the seconds that each call took."""
    waits, end, number = [], time.perf_counter() + seconds, first
    while (start := time.perf_counter()) < end:
        verb(number)
        number += 1
        waits.append(time.perf_counter() - start)
    return waits


def percentiles(waits: Sequence[float]) -> dict[str, float]:
    values = np.percentile(np.array(waits) * 1000, [50, 99, 100])
    return dict(zip(("p50", "p99", "most"), values.tolist(), strict=True))


def process(path: Path, me: int, seconds: float, ready: Any, report: Any) -> None:
    with opened(path) as store:
        bank = store.bank("shared")
        bank.observe([(f"w{me}", "warm")])
        ready.wait()
        report.put((me, waiting(lambda n: bank.observe([(f"w{me}", sentence(me, n))]), 0, seconds)))


def by_processes(folder: Path, count: int, seconds: float) -> list[list[float]]:
    context = mp.get_context("spawn")
    path, ready, report = folder / f"processes{count}.db", context.Barrier(count), context.Queue()
    opened(path).close()
    workers = [context.Process(target=process, args=(path, me, seconds, ready, report)) for me in range(count)]
    for worker in workers:
        worker.start()
    waits = [report.get(timeout=seconds + 120)[1] for _ in workers]
    for worker in workers:
        worker.join()
    return waits


def by_threads(folder: Path, count: int, seconds: float) -> list[list[float]]:
    waits: list[list[float]] = [[] for _ in range(count)]
    with opened(folder / f"threads{count}.db") as store:

        def work(me: int) -> None:
            bank = store.bank("shared")
            waits[me] = waiting(lambda n: bank.observe([(f"w{me}", sentence(me, n))]), 0, seconds)

        threads = [threading.Thread(target=work, args=(me,)) for me in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return waits


def together(run: Callable[[Path, int, float], list[list[float]]], folder: Path, count: int, seconds: float) -> Any:
    """Rates of `count` writers together, against one alone before and one after."""
    alone = [run(folder, 1, seconds / 2)]
    waits = run(folder, count, seconds)
    for name in folder.glob("*1.db*"):
        name.unlink()
    alone.append(run(folder, 1, seconds / 2))
    alone_per_s = sum(len(waits_of_one) for [waits_of_one] in alone) / seconds
    counts = [len(times) for times in waits]
    spread = percentiles([wait for times in waits for wait in times])
    return {
        "writers": count,
        "one_per_s": alone_per_s,
        "together_per_s": sum(counts) / seconds,
        "of_one": sum(counts) / seconds / alone_per_s,
        "slowest_of_fastest": min(counts) / max(counts),
        "p99_of_p50": spread["p99"] / spread["p50"],
        "wait_ms": spread,
    }


def table(results: dict[str, Any]) -> Table:
    shown = Table("figure", "value", "aim")
    single = results["single"]
    for name, share in single["of_bare"].items():
        aim = "" if name == "bare" else ".35"
        shown.add_row(f"single {name}, of bare commits", f"{share:.2f}  ({single['per_s'][name]:,.0f}/s)", aim)
    for kind in ("processes", "threads"):
        figures = results[kind]
        shown.add_section()
        rates = f"({figures['together_per_s']:,.0f}/s, one {figures['one_per_s']:,.0f}/s)"
        shown.add_row(f"{figures['writers']} {kind} together, of one", f"{figures['of_one']:.2f}  {rates}", ".80")
        shown.add_row("slowest of fastest", f"{figures['slowest_of_fastest']:.2f}", ".25")
        waits = figures["wait_ms"]
        shown.add_row(
            "p99 of p50", f"{figures['p99_of_p50']:.1f}  ({waits['p99']:.1f} of {waits['p50']:.1f} ms)", "at most 50"
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as scratch, Progress(console=Console(stderr=True)) as progress:
        folder, task, results = Path(scratch), progress.add_task("writing", total=3), dict[str, Any]()
        results["single"] = single(folder, args.seconds)
        progress.advance(task)
        for kind, run in (("processes", by_processes), ("threads", by_threads)):
            results[kind] = together(run, folder, args.writers, args.seconds)
            progress.advance(task)
    Console().print(table(results)) if not args.json else print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
