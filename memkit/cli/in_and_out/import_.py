"""Import: what another memory or chat exported comes into a bank."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import RenderableType

import memkit
from memkit.cli.options import (
    DEFAULT_FILE,
    EXIT_REFUSED,
    AsJson,
    Database,
    EncoderName,
    bank_parts,
    load_encoder,
    open_store,
    parse_choices,
)
from memkit.cli.output import answer, bar, line, new_table, note, shown
from memkit.encoders import HashingEncoder
from memkit.flows.portability.importing import ImportReport
from memkit.forget.erasure_plan import plural
from memkit.identifiers import bank_path
from memkit.importers import IMPORT_FORMATS, SPLIT_FORMATS, ImportFormat
from memkit.storage.locations import is_server, public_name
from memkit.store import MemoryStore

BANKS_SHOWN = 5


def import_(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help=f"One of {', '.join(IMPORT_FORMATS)}.")],
    file: Annotated[Path, typer.Argument(exists=True, help="The file, or the folder, that was exported.")],
    bank: Annotated[
        str | None, typer.Argument(metavar="[BANK]", help="Where to: acme/ana. Default: named after the format.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Who the user is, to whom the file gives no name.")
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="To each person in the file a bank of their own: BANK/NAME.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come in, and what not, and why.")] = (
        False
    ),
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Bring in what another memory or chat exported; what is there already stays as it is. Makes the database.

    Ids are the file's own, so that importing again adds only what is new. Of a file that can't be read, nothing is
    stored. Where a turn is from stands in its metadata: --where imported_from=chatgpt finds them.
    """
    parse_choices("FORMAT", [format], IMPORT_FORMATS)
    with _opened(db, encoder, dry_run=dry_run) as store:
        if not dry_run:
            load_encoder(store)
        with bar() as progress:
            task = progress.add_task("importing", total=None)
            report = store.import_from(
                cast("ImportFormat", format),
                file,
                bank=bank_parts(bank) if bank else () if format in SPLIT_FORMATS else (format,),
                speakers={"user": user} if user else None,
                split=split,
                dry_run=dry_run,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    document = {"file": str(file), "db": public_name(db), "read": report.read, **report.model_dump(mode="json")}
    answer(json, document, _shown(report, file, db))
    if report.refused or not (report.new or report.passed_over):
        raise typer.Exit(EXIT_REFUSED)


@contextmanager
def _opened(db: str, encoder: str | None, *, dry_run: bool) -> Iterator[MemoryStore]:
    """The database; of a dry run, to be read alone, and an empty one where there is none."""
    if dry_run and not is_server(db) and not Path(db).exists():
        with memkit.open(":memory:", encoder=HashingEncoder()) as store:
            yield store
    else:
        with open_store(db, encoder=encoder, write=not dry_run, create=not dry_run) as store:
            yield store


def _shown(report: ImportReport, file: Path, db: str) -> Iterator[RenderableType]:
    rows = [
        ("would come in" if report.dry_run else "new", plural(kind, 2), count) for kind, count in report.new.items()
    ]
    rows += [("there already", "", report.present)] if report.present else []
    rows += [("left out", reason, count) for reason, count in report.skipped.items()]
    rows += [("refused", reason, count) for reason, count in report.refused.items()]
    if rows:
        cells = ((outcome, shown(what), f"{count:,}") for outcome, what, count in rows)
        yield new_table(("what became of it", "what", "number"), cells, right=("number",))
    yield line(*_conclusion(report, file, db), style="bold")
    if report.unencoded:
        note(f"Not encoded yet: {report.unencoded:,}. Words find them meanwhile, and their vectors follow.")
    if report.perhaps_erased:
        note(
            f"{report.perhaps_erased:,} of them have no ids in the file. Whether they were erased here before can't be "
            "known without an erasure_key: memkit.open(path, erasure_key=...)."
        )


def _conclusion(report: ImportReport, file: Path, db: str) -> tuple[str, str]:
    count = sum(report.new.values())
    if not count and not report.passed_over:
        return "Nothing came in:", f" {file} holds nothing that can be imported as {report.format}."
    if not count:
        return "0 new memories:", f" nothing of {file} that can be imported is missing in {public_name(db)}."
    banks = [bank_path(name) for name in report.banks[:BANKS_SHOWN]]
    more = f" and {len(report.banks) - BANKS_SHOWN:,} more banks" if len(report.banks) > BANKS_SHOWN else ""
    verb = "would come from" if report.dry_run else "came from"
    return (
        f"{count:,} new {'memory' if count == 1 else 'memories'}",
        f" {verb} {file} into {', '.join(banks)}{more}, in {public_name(db)}.",
    )
