"""Growth of recall's time and memory with the bank: 1,000 to 1,000,000 memories, beside flat search, HNSW and Chroma.

Run:  python tests/benchmarks/recall_scale.py --folder SCRATCH     (the largest bank takes ten minutes and 1.5 GB, once)
Shows ratios first; all times are without the encoding of the question, on one thread, in one process per bank.
"""

import argparse
import contextlib
import functools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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
from memkit.protocols import FloatArray, Token
from memkit.settings import ObserveSettings, RuntimeSettings, Settings

BANK_SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUESTION_COUNT = 200
GRAPH_UP_TO = 100_000  # larger ones take too long to build here
OTHERS_UP_TO = 20_000  # they take long to fill
BUILD_SETTINGS = Settings(observe=ObserveSettings(small_talk=0), runtime=RuntimeSettings(encode_batch=CHUNK_MEMORIES))
STAGE_NAMES = ("lexical", "sketch", "fetching", "cosines", "ranking", "memories")


class Silent:
    """A surprisal model without cost: surprisal is no matter of recall."""

    def score(self, text: str) -> list[Token]:
        return []

    def learn(self, text: str) -> None:
        return None


def build(corpus: Corpus, path: Path, size: int) -> None:
    """A bank of this size through `observe`, as a user would fill it; it stays for the next run."""
    if path.exists():
        memkit.open(path, encoder=Given(384)).close()  # a file of an older version is brought up to date
        return
    part, encoder = path.with_suffix(".part"), Given(384)
    part.unlink(missing_ok=True)
    with (
        Progress(console=Console(stderr=True)) as progress,
        memkit.open(part, encoder=encoder, surprisal=Silent, settings=BUILD_SETTINGS) as store,
    ):
        task = progress.add_task(f"{size:,} memories", total=size)
        for chunk in corpus.chunks(size):
            encoder.know(chunk)
            store.bank("user").observe(chunk.turns)
            progress.advance(task, len(chunk.turns))
    part.rename(path)


class Stages:
    """Time spent in some of memkit's functions, each without that of those it calls."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._open: list[float] = []

    @contextlib.contextmanager
    def during(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        self._open.append(0.0)
        try:
            yield
        finally:
            whole = time.perf_counter() - start
            self.spent[stage] = self.spent.get(stage, 0.0) + whole - self._open.pop()
            if self._open:
                self._open[-1] += whole

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Count every call of a function from now on."""
        function: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.during(stage):
                return function(*args, **kwargs)

        setattr(owner, name, timed)


def watched() -> Stages:
    from memkit.flows import recall
    from memkit.recall import search
    from memkit.recall.index import sketch_search, vectors
    from memkit.runtime import encoder_slot
    from memkit.storage.sql import view

    stages = Stages()
    stages.watch(encoder_slot.EncoderSlot, "question_vectors", "encoding")
    stages.watch(search, "lexical_evidence", "lexical")
    stages.watch(sketch_search.SketchSearch, "candidates", "sketch")
    stages.watch(view.SqliteView, "with_passages", "fetching")
    stages.watch(vectors.VectorIndex, "cosines", "cosines")
    for part in ("_features_of", "_score", "_rank", "_calibrate"):
        stages.watch(search.Searcher, part, "ranking")
    stages.watch(recall, "_memories", "memories")
    return stages


def resident() -> float:
    """Megabytes of this process in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    values = np.percentile(milliseconds, [50, 95, 99])
    return dict(zip(("p50", "p95", "p99"), values.round(3).tolist(), strict=True))


def measure(folder: Path, size: int, count: int) -> dict[str, Any]:
    """All figures of one bank, in a process of its own."""
    corpus = Corpus.cached(folder)
    asked = corpus.questions(size, count)
    corpus.forget()
    encoder = Given(asked.vectors.shape[1])
    encoder.know(asked)
    _loaded(encoder, asked)
    path, base = folder / f"{size}.db", resident()
    start, busy = time.perf_counter(), time.process_time()
    with memkit.open(path, encoder=encoder, read_only=True) as store:
        store.bank("user").recall(asked.turns[0].text, reinforce=False)
        cold = {"cold_s": time.perf_counter() - start, "cold_cpu_s": time.process_time() - busy}
        times = recalling(store, asked)
        memory = resident() - base
        figures = store.stats(measure=True)["banks"]["user"]
    vectors = np.concatenate([chunk.vectors for chunk in corpus.chunks(size)])
    return {
        "memories": size,
        **times,
        **cold,
        "memory_mb": memory,
        "bytes_per_memory": path.stat().st_size / size,
        "sketch_recall": figures["sketch_recall"],
        "candidates": figures["candidates"],
        "beside": beside(vectors, asked.vectors),
    }


def _loaded(encoder: Given, asked: Chunk) -> None:
    """Import what a recall needs, so that memory and opening are the bank's alone."""
    with memkit.open(":memory:", encoder=encoder, surprisal=Silent) as store:
        store.bank("user").observe(asked.turns[:50])
        store.bank("user").recall(asked.turns[0].text)
    import faiss

    faiss.omp_set_num_threads(1)


def recalling(store: memkit.MemoryStore, asked: Chunk) -> dict[str, Any]:
    """Milliseconds of each recall, whole and by stage, the question's encoding taken out."""
    stages, bank = watched(), store.bank("user")
    whole: list[float] = []
    busy: list[float] = []
    by_stage: dict[str, list[float]] = {stage: [] for stage in STAGE_NAMES}
    for turn in asked.turns:
        stages.spent = {}
        start, cpu = time.perf_counter(), time.process_time()
        bank.recall(turn.text, reinforce=False)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - start
        encoding = stages.spent.get("encoding", 0.0)
        whole.append(1000 * (wall - encoding))
        busy.append(1000 * cpu)
        for stage in STAGE_NAMES:
            by_stage[stage].append(1000 * stages.spent.get(stage, 0.0))
    return {
        "recall_ms": percentiles(whole),
        "recall_cpu_ms": percentiles(busy),  # encoding's part included
        "stages_ms": {stage: percentiles(times) for stage, times in by_stage.items()},
    }


def beside(vectors: FloatArray, queries: FloatArray) -> dict[str, float]:
    """Median milliseconds of bare vector searches for ten neighbours among the same vectors."""
    import faiss

    def timed(search: Callable[[FloatArray], Any]) -> float:
        times = []
        for query in queries:
            start = time.perf_counter()
            search(query)
            times.append(1000 * (time.perf_counter() - start))
        return float(np.median(times))

    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    times = {"flat": timed(lambda query: flat.search(query[None], 10))}
    if len(vectors) <= GRAPH_UP_TO:
        graph = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        graph.add(vectors)
        times["hnsw"] = timed(lambda query: graph.search(query[None], 10))
    if len(vectors) <= OTHERS_UP_TO:
        for searcher in (chroma, qdrant, time_weighted):
            with contextlib.suppress(ImportError):
                times[searcher.__name__] = timed(searcher(vectors))
    return times


def chroma(vectors: FloatArray) -> Callable[[FloatArray], Any]:
    """Chroma's bare vector query with a filter on the user, as integrations ask it. Raises ImportError."""
    import chromadb

    collection = chromadb.EphemeralClient().create_collection(f"c{len(vectors)}", metadata={"hnsw:space": "cosine"})
    for start in range(0, len(vectors), CHUNK_MEMORIES):
        rows = vectors[start : start + CHUNK_MEMORIES]
        ids = [str(start + i) for i in range(len(rows))]
        collection.add(ids=ids, embeddings=rows, metadatas=[{"user": "ana"}] * len(rows))
    return lambda query: collection.query(query_embeddings=[query], n_results=10, where={"user": "ana"})


def qdrant(vectors: FloatArray) -> Callable[[FloatArray], Any]:
    """qdrant-client's local mode with a filter on the user. Raises ImportError."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    space = models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)
    client.create_collection("memories", vectors_config=space)
    payload = [{"user": "ana"}] * len(vectors)
    client.upload_collection("memories", vectors=vectors, payload=payload, ids=range(len(vectors)))
    user = models.FieldCondition(key="user", match=models.MatchValue(value="ana"))
    chosen = models.Filter(must=[user])
    return lambda query: client.query_points("memories", query=query.tolist(), query_filter=chosen, limit=10)


def time_weighted(vectors: FloatArray) -> Callable[[FloatArray], Any]:
    """LangChain's time-weighted retriever over its in-memory store. Raises ImportError."""
    from langchain_classic.retrievers import TimeWeightedVectorStoreRetriever
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import InMemoryVectorStore

    class Numbered(Embeddings):
        """Gives the vector of the place that a text names; for any question the one that is asked now."""

        asked = vectors[0]

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return vectors[[int(text) for text in texts]].tolist()

        def embed_query(self, text: str) -> list[float]:
            return self.asked.tolist()

    class Cosines(InMemoryVectorStore):
        def _select_relevance_score_fn(self) -> Callable[[float], float]:
            return lambda cosine: cosine

    numbered = Numbered()
    retriever = TimeWeightedVectorStoreRetriever(vectorstore=Cosines(numbered), k=10)
    retriever.add_documents([Document(str(number)) for number in range(len(vectors))])

    def search(query: FloatArray) -> list[Document]:
        numbered.asked = query
        return retriever.invoke("now")

    return search


def exponents(results: list[dict[str, Any]]) -> dict[str, float]:
    """Growth of each stage's median: e in N ** e, fitted over the banks in which it takes place, three at least."""
    sizes = np.array([result["memories"] for result in results])
    medians = {stage: np.array([r["stages_ms"][stage]["p50"] for r in results]) for stage in STAGE_NAMES}
    medians["whole"] = np.array([r["recall_ms"]["p50"] for r in results])
    there = {stage: times > 0 for stage, times in medians.items()}
    return {
        stage: float(np.polyfit(np.log(sizes[there[stage]]), np.log(times[there[stage]]), 1)[0])
        for stage, times in medians.items()
        if there[stage].sum() > 2
    }


def plot(results: list[dict[str, Any]], path: Path) -> None:
    """Medians against the size of the bank, both on log scales."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5))
    sizes = [result["memories"] for result in results]
    for stage in STAGE_NAMES:
        axes.loglog(sizes, [r["stages_ms"][stage]["p50"] or np.nan for r in results], marker="o", label=stage)
    axes.loglog(sizes, [r["recall_ms"]["p50"] for r in results], "k-o", label="whole recall")
    axes.loglog(sizes, [r["beside"]["flat"] for r in results], "k--", label="bare flat search")
    axes.set(xlabel="memories in the bank", ylabel="median, ms")
    axes.legend()
    figure.savefig(path, dpi=120)


def table(results: list[dict[str, Any]]) -> Table:
    shown = Table("figure", *(f"{result['memories']:,}" for result in results))

    def row(name: str, values: list[float | None]) -> None:
        shown.add_row(name, *("" if value is None else f"{value:,.3g}" for value in values))

    for other in ("flat", "hnsw", "chroma", "qdrant", "time_weighted"):
        if any(other in r["beside"] for r in results):
            row(
                f"whole recall / bare {other}",
                [r["recall_ms"]["p50"] / r["beside"][other] if other in r["beside"] else None for r in results],
            )
    row("p99 / p50", [r["recall_ms"]["p99"] / r["recall_ms"]["p50"] for r in results])
    row("sketch recall@10 of exact", [r["sketch_recall"] for r in results])
    for p in ("p50", "p95", "p99"):
        row(f"recall {p}, ms", [r["recall_ms"][p] for r in results])
    row("recall p50, CPU ms", [r["recall_cpu_ms"]["p50"] for r in results])
    for stage in STAGE_NAMES:
        row(f"  {stage} p50, ms", [r["stages_ms"][stage]["p50"] for r in results])
    for name in ("memory_mb", "cold_s", "cold_cpu_s", "bytes_per_memory", "candidates"):
        row(name.replace("_", " "), [r[name] for r in results])
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where banks are kept for the next run")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(BANK_SIZES))
    parser.add_argument("--questions", type=int, default=QUESTION_COUNT)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.folder, args.only, args.questions)))
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for size in args.sizes:
        build(Corpus.cached(args.folder), args.folder / f"{size}.db", size)
        command = [sys.executable, __file__, "--folder", str(args.folder), "--only", str(size)]
        command += ["--questions", str(args.questions)]
        results.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1]))
    if args.plot:
        plot(results, args.plot)
    grown = exponents(results) if len(results) > 1 else {}
    if args.json:
        print(json.dumps({"banks": results, "exponents": grown}, indent=2))
        return
    Console().print(table(results))
    for stage, exponent in grown.items():
        print(f"{stage}: grows as N^{exponent:.2f}")


if __name__ == "__main__":
    main()
