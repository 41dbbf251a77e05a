"""Footprint: disk, memory and first calls where memkit runs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

import memkit
from memkit.cli.options import AsJson, ModelName, encoder_from_option, load_encoder
from memkit.cli.output import answer, err, line, new_table
from memkit.evaluation.footprint import measure as measuring
from memkit.evaluation.texts import lines_of

SAMPLE_FILES = ("unrelated.txt", "stream/fillers.txt")
MAX_PACKAGES_SHOWN = 8


def footprint(
    memories: Annotated[int, typer.Option(min=10, max=1_000_000, help="How many the measured bank holds.")] = 2000,
    encoder: ModelName = "minilm",
    json: AsJson = False,
) -> None:
    """Measure what memkit takes: on disk, in a worker's memory, at its first call, of an event loop, and per memory.

    A bank is filled and asked in a fresh process. Takes half a minute with the default encoder.
    """
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "footprint.db"
        name = _fill(db, encoder, memories)
        with err.status("Asking in a fresh process …"):
            figures = measuring.measure(db, encoder if Path(encoder).is_dir() else name, memories)
    answer(json, figures, _parts(figures))


def _fill(db: Path, encoder: str, memories: int) -> str:
    texts = [line for name in SAMPLE_FILES for line in lines_of(name)]
    with memkit.open(db, encoder=encoder_from_option(encoder)) as store:
        load_encoder(store)
        with err.status(f"Observing {memories:,} turns …"):
            store.bank("ana").observe(list(measuring.turns(texts, memories)))
        return str(store.stats()["encoder"]["name"])


def _parts(figures: measuring.Footprint) -> Iterator[RenderableType]:
    sizes, worker = list(figures.installed_mb.items()), figures.worker
    rest = [size for _, size in sizes[MAX_PACKAGES_SHOWN:]]
    sums = [(f"{len(rest)} others", sum(rest)), ("all", sum(figures.installed_mb.values()))]
    packages = ((name, f"{size:,.1f}") for name, size in [*sizes[:MAX_PACKAGES_SHOWN], *sums])
    yield new_table(("installed", "MB"), packages, right=("MB",), title="On disk, without extras")
    steps = (
        ("Python", f"{worker.python_mb:,.0f}", ""),
        ("memkit imported", f"{worker.imported_mb:,.0f}", f"{worker.import_ms:,.0f}"),
        ("file opened", f"{worker.opened_mb:,.0f}", f"{worker.open_ms:,.0f}"),
        ("first recall", f"{worker.recalled_mb:,.0f}", f"{worker.first_recall_ms:,.0f}"),
        ("next recall", "", f"{worker.next_recall_ms:,.1f}"),
    )
    numbers = ("MB", "took, ms")
    yield new_table(("a worker", *numbers), steps, right=numbers, title="In a fresh process")
    held = [(name, f"{added:,.1f}", f"{mb:,.0f}") for name, added, mb in measuring.added(figures.held_mb)]
    yield new_table(("a worker holds, with", "more MB", "MB"), held, right=("more MB", "MB"), title="Step by step")
    yield line(
        f"{worker.recalls_at_once} recalls at once:",
        f" {worker.recalls_per_s:,.0f} a second; the event loop was held for {worker.longest_hold_ms:,.1f} ms at most.",
    )
    yield line(
        f"A user with {figures.memories:,} memories:",
        f" {figures.file_bytes / 1e6:,.1f} MB of file, {figures.bytes_per_memory:,.0f} bytes a memory.",
    )
