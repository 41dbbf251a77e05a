"""Many users in one file: 1,000 banks of 2,000 memories, 100,000 banks of 20.

Run:  python tests/benchmarks/many_banks.py --folder SCRATCH [--banks 1000 --memories 2000]
Shows how long opening the store takes, a recall in a bank that isn't loaded, what stays in memory under a budget, and
what a bank takes on disk. Vectors are given, times are without the encoding of the question. Filling 100,000 banks
takes the better part of an hour, once.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scale_corpus import CHUNK_MEMORIES, Chunk, Corpus, Given

import memkit
from memkit.settings import RuntimeSettings, Settings

CACHE_MB = 64
EXTRAPOLATED_USERS, MEMORIES_EACH = 200_000, 2_000
RECALL_COUNT = 300  # each in another bank
SESSION_TURNS = 50  # observed at a time
SHARED_MEMORIES = 50_000  # banks draw from them in turn


def settings(*, batch: int = 64) -> Settings:
    return Settings(runtime=RuntimeSettings(cache_bytes=CACHE_MB * 2**20, encode_batch=batch))


def portions(corpus: Corpus, memories: int) -> Iterator[Chunk]:
    """Turns for one bank after the other, without end."""
    while True:
        for chunk in corpus.chunks(SHARED_MEMORIES):
            for start in range(0, CHUNK_MEMORIES - memories + 1, memories):
                part = slice(start, start + memories)
                yield Chunk(chunk.turns[part], chunk.vectors[part])


def fill(corpus: Corpus, path: Path, banks: int, memories: int) -> None:
    """Fill a file as users would, a sitting at a time, through `observe` with all defaults; kept for the next run."""
    if path.exists():
        memkit.open(path, encoder=Given(384)).close()  # a file of an older version is brought up to date
        return
    part, encoder = path.with_suffix(".part"), Given(384)
    part.unlink(missing_ok=True)
    chunks = portions(corpus, memories)
    with (
        Progress(console=Console(stderr=True)) as progress,
        memkit.open(part, encoder=encoder, settings=settings(batch=memories)) as store,
    ):
        for number in progress.track(range(banks), description=f"{banks:,} banks of {memories:,}"):
            chunk = next(chunks)
            encoder.know(chunk)
            for start in range(0, memories, SESSION_TURNS):  # so that the last ones lie in no block yet, as with users
                store.bank("app", f"user{number}").observe(chunk.turns[start : start + SESSION_TURNS])
    part.rename(path)


def resident() -> float:
    """Megabytes of this process in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def recalls(store: memkit.MemoryStore, asked: Chunk, banks: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each recall, in a bank that isn't loaded, then in the same one again."""
    cold: list[float] = []
    warm: list[float] = []
    chosen = np.random.default_rng(3).permutation(banks)[: len(asked.turns)]
    for number, turn in zip(chosen.tolist(), asked.turns, strict=True):
        bank = store.bank("app", f"user{number}")
        for times in (cold, warm):
            start = time.perf_counter()
            bank.recall(turn.text, reinforce=False)
            times.append(1000 * (time.perf_counter() - start))
    return cold, warm


def measure(folder: Path, banks: int, memories: int) -> dict[str, Any]:
    """All figures of one file."""
    corpus = Corpus.cached(folder)
    path = folder / f"{banks}x{memories}.db"
    fill(corpus, path, banks, memories)
    asked, encoder = corpus.questions(SHARED_MEMORIES, min(RECALL_COUNT, banks)), Given(384)
    corpus.forget()
    encoder.know(asked)
    with memkit.open(":memory:", encoder=encoder) as warmed:
        warmed.bank("x").observe(asked.turns[:5])
        warmed.bank("x").recall(asked.turns[0].text)
    base, start = resident(), time.perf_counter()
    with memkit.open(path, encoder=encoder, read_only=True, settings=settings()) as store:
        opened = 1000 * (time.perf_counter() - start)
        cold, warm = recalls(store, asked, banks)
        grown = resident() - base
    per_memory = path.stat().st_size / banks / memories
    return {
        "banks": banks,
        "memories_each": memories,
        "open_ms": opened,
        **{f"cold_recall_p{q}_ms": float(np.percentile(cold, q)) for q in (50, 95, 99)},
        "warm_recall_p50_ms": float(np.median(warm)),
        "memory_grown_mb": grown,
        "bytes_per_bank": path.stat().st_size / banks,
        "bytes_per_memory": per_memory,
        f"gb_for_{EXTRAPOLATED_USERS}_users_of_{MEMORIES_EACH}": per_memory * EXTRAPOLATED_USERS * MEMORIES_EACH / 1e9,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where files are kept for the next run")
    parser.add_argument("--banks", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument(
        "--memories", type=int, nargs="+", default=[2_000, 20], help="of each bank, one for each --banks"
    )
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    results = [measure(args.folder, b, m) for b, m in zip(args.banks, args.memories, strict=True)]
    if args.json:
        print(json.dumps(results, indent=2))
        return
    shown = Table("figure", *(f"{r['banks']:,} x {r['memories_each']:,}" for r in results))
    for name in [name for name in results[0] if name not in ("banks", "memories_each")]:
        shown.add_row(name.replace("_", " "), *(f"{result[name]:,.3g}" for result in results))
    Console().print(shown)


if __name__ == "__main__":
    main()
