"""Load: what export wrote, read back."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

import memkit
from memkit.cli.options import DEFAULT_FILE, AsJson, Database, EncoderName, encoder_from_option
from memkit.cli.output import answer, bar, line, new_table
from memkit.encoders import encoder_named
from memkit.flows.portability.manifest import read_manifest
from memkit.flows.transfer import BankReport, LoadReport
from memkit.forget.erasure_plan import plural
from memkit.identifiers import bank_path
from memkit.runtime.file_settings import ENCODER_KEY
from memkit.settings import Settings
from memkit.storage import open_storage
from memkit.storage.locations import is_server, public_name
from memkit.store import MemoryStore


def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What export wrote.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Read back what export wrote, into banks of the same names: each as a whole or not at all. Makes the database.

    A new database gets the encoder of the file, unless another is named. A bank that holds all of it stays as it is.
    """
    with _opened(file, db, encoder) as store, bar() as progress:
        task = progress.add_task("loading", total=_count_memories(file))
        report = store.load(file, progress=lambda done: progress.advance(task, done))
    document = {"file": str(file), "new": report.new, "counts": report.counts, **report.model_dump(mode="json")}
    answer(json, document, _shown(report, file, db))


def _opened(file: Path, db: str, encoder: str | None) -> MemoryStore:
    """The database; a new one, for a file that can be read, with what the file was written with."""
    given = None if encoder is None else encoder_from_option(encoder)
    if not _is_new(db):
        return memkit.open(db, encoder=given)
    header = read_manifest(file).header
    return memkit.open(db, encoder=given or encoder_named(header.encoder.name), settings=Settings(index=header.index))


def _is_new(db: str) -> bool:
    if not is_server(db):
        return not Path(db).exists()
    with closing(open_storage(db)) as storage:
        return storage.get_meta(ENCODER_KEY) is None


def _count_memories(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(text.startswith(b'{"memory"') for text in lines)


def _shown(report: LoadReport, file: Path, db: str) -> Iterator[RenderableType]:
    columns = ["bank", "new", "there already", "erased here", "changes", "to think", "erasures"]
    yield new_table(columns, map(_row, report.banks), right=columns[1:])
    for sentence in report.notes:
        yield line(sentence)
    yield _conclusion(report, file, db)


def _conclusion(report: LoadReport, file: Path, db: str) -> RenderableType:
    if not any(bank.new for bank in report.banks):
        return line(
            "0 new memories:", f" {public_name(db)} has all of {file} already, and nothing was changed.", style="bold"
        )
    kinds = ", ".join(f"{count:,} {plural(kind, count)}" for kind, count in report.counts.items())
    return line(
        f"{report.new:,} new memories",
        f"{f' ({kinds})' if kinds else ''} from {file} are in {public_name(db)}.",
        style="bold",
    )


def _row(bank: BankReport) -> list[str]:
    counts = bank.counts
    new = sum(counts.memories.values())
    numbers = (new, bank.present, bank.erased, counts.history, counts.exchanges, counts.receipts)
    return [bank_path(bank.bank), *(f"{number:,}" for number in numbers)]
