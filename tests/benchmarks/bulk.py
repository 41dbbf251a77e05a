"""Taking in many memories at once, durably: memkit with all that `observe` does, beside Chroma and qdrant's local mode.

Run:  python tests/benchmarks/bulk.py --folder SCRATCH [--size 20000]
All get the same texts and vectors, alternately, 5,000 at a time; nothing is encoded. memkit splits into sessions and
episodes, measures surprisal, indexes words, tells small talk apart, and queues for thinking; the others store texts
with vectors and the user's name. Shows ratios first. --onto FILE: in a copy of a bank that recall_scale.py filled.
"""

import argparse
import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["ANONYMIZED_TELEMETRY"] = "False"

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scale_corpus import CHUNK_MEMORIES, Chunk, Corpus, Given

import memkit
from memkit.settings import RuntimeSettings, Settings

Taker = Callable[[Chunk], None]


@contextlib.contextmanager
def memkit_takes(path: Path) -> Iterator[Taker]:
    encoder = Given(384)
    settings = Settings(runtime=RuntimeSettings(encode_batch=CHUNK_MEMORIES))

    with memkit.open(path, encoder=encoder, settings=settings) as store:

        def take(chunk: Chunk) -> None:
            encoder.know(chunk)
            store.bank("user").observe(chunk.turns)

        yield take


@contextlib.contextmanager
def chroma_takes(path: Path) -> Iterator[Taker]:
    import chromadb

    collection = chromadb.PersistentClient(str(path)).create_collection("memories", metadata={"hnsw:space": "cosine"})

    def take(chunk: Chunk) -> None:
        start = collection.count()
        collection.add(
            ids=[str(start + i) for i in range(len(chunk.turns))],
            embeddings=chunk.vectors,
            documents=[turn.text for turn in chunk.turns],
            metadatas=[{"user": "user"}] * len(chunk.turns),
        )

    yield take


@contextlib.contextmanager
def qdrant_takes(path: Path) -> Iterator[Taker]:
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(path))
    space = models.VectorParams(size=384, distance=models.Distance.COSINE)
    client.create_collection("memories", vectors_config=space)

    def take(chunk: Chunk) -> None:
        start = client.count("memories").count
        payload = [{"user": "user", "text": turn.text} for turn in chunk.turns]
        ids = range(start, start + len(chunk.turns))
        client.upload_collection("memories", vectors=chunk.vectors, payload=payload, ids=ids)

    yield take
    client.close()


def takers(folder: Path, onto: Path | None, stack: contextlib.ExitStack) -> dict[str, Taker]:
    """Those that are installed."""
    path = folder / "memkit.db"
    if onto is not None:
        shutil.copy(onto, path)
    takers = {"memkit": stack.enter_context(memkit_takes(path))}
    for name, taking in (("chroma", chroma_takes), ("qdrant", qdrant_takes)):
        with contextlib.suppress(ImportError):
            takers[name] = stack.enter_context(taking(folder / name))
    return takers


def measure(corpus: Corpus, size: int, onto: Path | None) -> dict[str, Any]:
    """Memories per second of each, wall clock and processor time."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        taking = takers(Path(folder), onto, stack)
        progress = stack.enter_context(Progress(console=Console(stderr=True)))
        for chunk in progress.track(list(corpus.chunks(size)), description=", ".join(taking)):
            for name, take in taking.items():
                wall, busy = time.perf_counter(), time.process_time()
                take(chunk)
                times = spent.setdefault(name, [0.0, 0.0])
                times[0] += time.perf_counter() - wall
                times[1] += time.process_time() - busy
    return {name: {"per_s": size / wall, "per_cpu_s": size / busy} for name, (wall, busy) in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the sentences' encodings are kept")
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--onto", type=Path, help="a bank file; it stays as it is")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    figures = measure(Corpus.cached(args.folder), args.size, args.onto)
    if args.json:
        print(json.dumps(figures, indent=2))
        return
    shown = Table("", "memkit / this", "memories/s", "per processor second")
    for name, rates in figures.items():
        ratio = figures["memkit"]["per_s"] / rates["per_s"]
        shown.add_row(name, f"{ratio:.2f}", f"{rates['per_s']:,.0f}", f"{rates['per_cpu_s']:,.0f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
