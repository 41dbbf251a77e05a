"""Export: all that banks are, as JSON lines."""

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts, open_store, parse_choices
from memkit.cli.output import answer, err, line, new_table
from memkit.flows.portability.exporting import EXPORT_FORMATS, ExportFormat
from memkit.flows.transfer import ExportReport
from memkit.identifiers import bank_path


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: a file, or with --as a new folder.")],
    prefix: Prefix = None,
    vectors: Annotated[
        bool, typer.Option("--vectors/--no-vectors", help="With the vectors, or to be made anew by load.")
    ] = True,
    form: Annotated[
        str | None, typer.Option("--as", metavar="FORMAT", help=f"For reading: {', '.join(EXPORT_FORMATS)}.")
    ] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Write all that banks are as JSON lines: memories, links, histories, the queue, receipts; load reads them back.

    With --as, what is active in them, for people and other programs: a new folder of Markdown notes, or of a memory
    tool's files; or the turns of one bank as JSON lines, which observe and import read.
    """
    if form is not None:
        _write_files(file, prefix, form, db, json)
        return
    with open_store(db) as store, err.status("Exporting …"):
        report = store.export(file, prefix=bank_parts(prefix) if prefix else (), vectors=vectors)
    document = {"file": str(file), "memories": report.memories, "banks": report.banks}
    answer(json, document, [_table(report), line(f"{report.memories:,} memories", f" are in {file}.", style="bold")])


def _write_files(path: Path, prefix: str | None, form: str, db: str, json: bool) -> None:
    parse_choices("--as", [form], EXPORT_FORMATS)
    with open_store(db) as store, err.status("Exporting …"):
        report = store.export_as(cast("ExportFormat", form), path, prefix=bank_parts(prefix) if prefix else ())
    count = sum(number for _, number in report.files)
    total = f"{report.turns:,} turns" if form == "jsonl" else f"{count:,} files"
    rows = [(bank_path(name), f"{number:,}") for name, number in report.files]
    table = [new_table(["bank", "files"], rows, right=["files"])] if form != "jsonl" else []
    document = {"path": str(path), **report.model_dump(mode="json")}
    answer(json, document, [*table, line(total, f" are in {path}.", style="bold")])


def _table(report: ExportReport) -> Table:
    rows = [
        (bank_path(name), f"{sum(c.memories.values()):,}", f"{c.history:,}", f"{c.exchanges:,}", f"{c.receipts:,}")
        for name, c in report.banks
    ]
    columns = ["bank", "memories", "changes", "waiting exchanges", "erasures"]
    return new_table(columns, rows, right=columns[1:])
