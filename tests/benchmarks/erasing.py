"""How long an erasure takes: until nobody finds the memory, until its bytes are gone, and a whole bank.

Run:  python tests/benchmarks/erasing.py [--memories 100000]     (small encoder, random words; a minute to fill)
Shows seconds, and how long a recall took at most while the erasures went on.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import memkit
from memkit.encoders.hashing import HashingEncoder

START = datetime(2024, 1, 1, tzinfo=UTC)
BATCH = 5_000
ERASED = 5


def turns(count: int) -> Iterator[memkit.Turn]:
    """Random sentences in sessions of forty turns."""
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(8_000)]
    for i in range(count):
        text = " ".join(chance.choices(words, k=chance.randint(6, 20)))
        yield memkit.Turn(text, "ana" if i % 2 else "bob", id=f"t{i}", session=f"s{i // 40}",
                          at=START + timedelta(minutes=i))  # fmt: skip


def filled(bank: memkit.MemoryBank, count: int) -> None:
    said = list(turns(count))
    for start in range(0, count, BATCH):
        bank.observe(said[start : start + BATCH])


class Watch(threading.Thread):
    """Asks a bank over and over; keeps the longest recall, and when a memory was no longer there."""

    def __init__(self, bank: memkit.MemoryBank, id: str) -> None:
        super().__init__()
        self._bank, self._id = bank, id
        self.gone_at = 0.0
        self.longest = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            if not self.gone_at and self._bank.get(self._id) is None:
                self.gone_at = time.perf_counter()
            start = time.perf_counter()
            self._bank.recall("river boat garden", k=5, min_score=0, reinforce=False)
            self.longest = max(self.longest, time.perf_counter() - start)


def unseen(bank: memkit.MemoryBank, id: str) -> float:
    """Seconds until nobody finds a memory, its bytes not yet looked for."""
    watch = threading.Thread(target=bank.erase, kwargs={"ids": [id]})
    start = time.perf_counter()
    watch.start()
    while bank.get(id) is not None:
        time.sleep(0.002)
    seconds = time.perf_counter() - start
    watch.join()
    return seconds


def erased(bank: memkit.MemoryBank, id: str) -> tuple[float, float]:
    """Seconds of an erasure with the search of the files, and of the longest recall meanwhile."""
    watch = Watch(bank, id)
    watch.start()
    time.sleep(0.5)
    start = time.perf_counter()
    receipt = bank.erase(ids=[id])
    seconds = time.perf_counter() - start
    watch.done.set()
    watch.join()
    if receipt.bytes_pending:
        raise SystemExit("bytes are still pending")
    return seconds, watch.longest


def measure(count: int) -> dict[str, Any]:
    """All figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        with memkit.open(path, encoder=HashingEncoder(384)) as store:
            bank = store.bank("big")
            filled(bank, count)
            size = path.stat().st_size
            bank.recall("river boat garden", min_score=0)
            ids = [f"t{count * (i + 1) // (2 * ERASED + 2)}" for i in range(2 * ERASED)]
            fast = [unseen(bank, id) for id in ids[:ERASED]]
            whole = [erased(bank, id) for id in ids[ERASED:]]
            start = time.perf_counter()
            receipt = bank.erase_all(confirm=bank.name)
            everything = time.perf_counter() - start
    return {
        "memories": count,
        "megabytes": size / 1e6,
        "one_unseen_s": max(fast),
        "one_with_search_s": max(seconds for seconds, _ in whole),
        "longest_recall_meanwhile_s": max(longest for _, longest in whole),
        "whole_bank_s": everything,
        "whole_bank_pending": receipt.bytes_pending,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = measure(args.memories)
    if args.json:
        print(json.dumps(figures, indent=2))
        return
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
