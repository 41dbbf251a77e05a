"""Footprint: disk, memory and first calls where memkit runs."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

import memkit
from memkit.cli.options import AsJson, ModelName
from memkit.cli.output import err, new_table, out, say, write_json
from memkit.cli.stores import encoder_from_option, load_encoder
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
    if json:
        write_json(figures.model_dump())
        return
    _show(figures)


def _fill(db: Path, encoder: str, memories: int) -> str:
    texts = [line for name in SAMPLE_FILES for line in lines_of(name)]
    with memkit.open(db, encoder=encoder_from_option(encoder)) as store:
        load_encoder(store)
        with err.status(f"Observing {memories:,} turns …"):
            store.bank("ana").observe(list(measuring.turns(texts, memories)))
        return str(store.stats()["encoder"]["name"])


def _show(figures: measuring.Footprint) -> None:
    sizes = figures.installed_mb
    disk = new_table("installed", "MB", right=("MB",), title="On disk, without extras")
    for name, size in list(sizes.items())[:MAX_PACKAGES_SHOWN]:
        disk.add_row(name, f"{size:,.1f}")
    disk.add_row(
        f"{max(len(sizes) - MAX_PACKAGES_SHOWN, 0)} others", f"{sum(list(sizes.values())[MAX_PACKAGES_SHOWN:]):,.1f}"
    )
    disk.add_row("all", f"{sum(sizes.values()):,.1f}")
    out.print(disk)
    worker = figures.worker
    process = new_table("a worker", "MB", "took, ms", right=("MB", "took, ms"), title="In a fresh process")
    process.add_row("Python", f"{worker.python_mb:,.0f}", "")
    process.add_row("memkit imported", f"{worker.imported_mb:,.0f}", f"{worker.import_ms:,.0f}")
    process.add_row("file opened", f"{worker.opened_mb:,.0f}", f"{worker.open_ms:,.0f}")
    process.add_row("first recall", f"{worker.recalled_mb:,.0f}", f"{worker.first_recall_ms:,.0f}")
    process.add_row("next recall", "", f"{worker.next_recall_ms:,.1f}")
    out.print(process)
    say(
        out,
        f"{worker.recalls_at_once} recalls at once:",
        f" {worker.recalls_per_s:,.0f} a second; the event loop was held for {worker.longest_hold_ms:,.1f} ms at most.",
    )
    say(
        out,
        f"A user with {figures.memories:,} memories:",
        f" {figures.file_bytes / 1e6:,.1f} MB of file, {figures.bytes_per_memory:,.0f} bytes a memory.",
    )
