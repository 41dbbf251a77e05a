"""An endless stream into a bank: that memory stays flat, and that the end is as fast as the start.

Run:  python tests/benchmarks/stream_bank.py [--tokens 2000000] [--json]
The talk of stream.py is observed in one session, a hundred turns at a time, with everything that observe does (the
small hashing encoder stands for the real one), and after every thousand turns the window of 1,024 tokens is asked for.
Shows, ten times along the way, turns per second of the process, the time of a window, the memory of the process and
the size of the file. The first tenth also pays for imports and caches of words: the last is compared with the second.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from stream import rss_mb, talk

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.surprisal.ngram import NgramSurprisal

PARTS = 10
BATCH, WINDOW_EVERY = 100, 1_000  # turns
WINDOW = 1_024  # tokens


class Part(NamedTuple):
    """A tenth of the stream."""

    turns: int
    tokens: int
    observe_s: float  # of the process
    window_ms: float
    rss_mb: float
    file_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.db"
        with memkit.open(path, encoder=HashingEncoder()) as store:
            bank, turns = store.bank("stream"), talk(random.Random(args.seed))
            parts = [part(bank, turns, args.tokens // PARTS, path) for _ in range(PARTS)]
    show(parts, as_json=args.json)


def part(bank: memkit.MemoryBank, turns: Iterator[str], tokens: int, path: Path) -> Part:
    counter, heard, read, seconds, windows = NgramSurprisal(), 0, 0, 0.0, []
    while read < tokens:
        batch = [next(turns) for _ in range(BATCH)]
        read += sum(len(counter.score(text)) for text in batch)
        start = time.process_time()
        bank.observe([memkit.Turn(text, "ana", session="stream") for text in batch])
        seconds += time.process_time() - start
        heard += BATCH
        if heard % WINDOW_EVERY == 0:
            start = time.process_time()
            assert bank.window(WINDOW).tokens <= WINDOW
            windows.append(1000 * (time.process_time() - start))
    file_mb = sum(file.stat().st_size for file in path.parent.iterdir()) / 1e6
    return Part(heard, read, seconds, sum(windows) / max(len(windows), 1), rss_mb(), file_mb)


def show(parts: list[Part], *, as_json: bool) -> None:
    speeds = [one.turns / one.observe_s for one in parts]
    figures = {
        "tokens": sum(one.tokens for one in parts),
        "turns": sum(one.turns for one in parts),
        "turns_per_s": [round(speed) for speed in speeds],
        "last_over_second": speeds[-1] / speeds[1],
        "rss_mb": [round(one.rss_mb, 1) for one in parts],
        "file_mb": [round(one.file_mb, 1) for one in parts],
    }
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    made = Table("turns so far", "turns/s", "window, ms", "RSS, MB", "file, MB", caption="seconds of the process")
    for number, (one, speed) in enumerate(zip(parts, speeds, strict=True), start=1):
        so_far = sum(part.turns for part in parts[:number])
        made.add_row(f"{so_far:,}", f"{speed:,.0f}", f"{one.window_ms:.1f}", f"{one.rss_mb:.1f}", f"{one.file_mb:.1f}")
    Console().print(made)
    print(
        f"{figures['tokens']:,} tokens; the last tenth is {figures['last_over_second']:.2f} times as fast as the second"
    )


if __name__ == "__main__":
    main()
