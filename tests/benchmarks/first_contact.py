"""First contact: observing speed, the time of a recall, an event loop that stays free.

Run:  python tests/benchmarks/first_contact.py FILE     (a LoCoMo-format file; needs the default encoder)
Shows ratios measured in one run; absolute times are those of your machine.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from rich.console import Console
from rich.table import Table

import memkit
from memkit.evaluation.formats.files import read_conversations

BATCH_TEXTS = 64


class Plain:
    """Encoding without memkit, as a user would write it: sentence-transformers, float32, batches of 64."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        from memkit.encoders.sentence_transformer import model_location

        self.model = SentenceTransformer(model_location(), device="cpu")
        self.model.encode(["warm"] * BATCH_TEXTS, batch_size=BATCH_TEXTS)

    def seconds(self, turns: list[memkit.Turn]) -> float:
        """Seconds to encode these turns."""
        texts = [f"{turn.speaker}: {turn.text}" for turn in turns]
        start = time.perf_counter()
        self.model.encode(texts, batch_size=BATCH_TEXTS, normalize_embeddings=True)
        return time.perf_counter() - start


def observing(
    store: memkit.MemoryStore, plain: Plain, conversations: dict[str, list[memkit.Turn]]
) -> tuple[float, float]:
    """Seconds end to end, and seconds of only encoding; alternated, so that noise meets both."""
    whole = encoded = 0.0
    for name, turns in conversations.items():
        encoded += plain.seconds(turns)
        start = time.perf_counter()
        store.bank("locomo", name).observe(turns)
        whole += time.perf_counter() - start
    return whole, encoded


def recalling(store: memkit.MemoryStore, questions: dict[str, list[str]]) -> list[float]:
    """Milliseconds of each recall, the question's encoding included."""
    times = []
    for name, asked in questions.items():
        bank = store.bank("locomo", name)
        bank.recall("warm up", reinforce=False)
        for question in asked:
            start = time.perf_counter()
            bank.recall(question, reinforce=False)
            times.append((time.perf_counter() - start) * 1000)
    return times


async def loop_lag(store: memkit.MemoryStore, turns: list[memkit.Turn]) -> float:
    """The longest time in ms that the event loop was held while a thousand turns were observed."""
    worst, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal worst
        while not done.is_set():
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - start - 0.001)

    watcher = asyncio.create_task(watch())
    await store.bank("async").aio.observe(turns)
    done.set()
    await watcher
    return worst * 1000


def thousand(conversations: dict[str, list[memkit.Turn]]) -> list[memkit.Turn]:
    every = [turn for turns in conversations.values() for turn in turns]
    return [memkit.Turn(t.text, t.speaker, at=t.at) for t in every[:1000]]


def measure(file: Path) -> dict[str, Any]:
    """All figures of one run."""
    samples = read_conversations(file)[1]
    conversations = {s.name: list(s.turns) for s in samples}
    questions = {s.name: [q.text for q in s.questions][:40] for s in samples}
    every = [turn for turns in conversations.values() for turn in turns]
    with tempfile.TemporaryDirectory() as folder, memkit.open(Path(folder) / "memory.db") as store:
        store.warm()
        whole, encoded = observing(store, Plain(), conversations)
        times = recalling(store, questions)
        lag = asyncio.run(loop_lag(store, thousand(conversations)))
    return {
        "turns": len(every),
        "observe_per_second": len(every) / whole,
        "encode_only_fp32_per_second": len(every) / encoded,
        "ratio": encoded / whole,
        "recall_ms_p50": statistics.median(times),
        "recall_ms_p95": statistics.quantiles(times, n=20)[-1],
        "recall_ms_max": max(times),
        "loop_held_ms": lag,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = measure(args.file)
    if args.json:
        print(json.dumps(figures, indent=2))
        return
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
