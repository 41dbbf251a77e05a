"""Export: all that banks are, as JSON lines."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts, open_store
from memkit.cli.output import answer, err, line, new_table
from memkit.flows.transfer import ExportReport
from memkit.identifiers import bank_path


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: JSON lines.")],
    prefix: Prefix = None,
    vectors: Annotated[
        bool, typer.Option("--vectors/--no-vectors", help="With the vectors, or to be made anew by load.")
    ] = True,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Write all that banks are as JSON lines: memories, links, histories, the queue, receipts; load reads them back."""
    with open_store(db) as store, err.status("Exporting …"):
        report = store.export(file, prefix=bank_parts(prefix) if prefix else (), vectors=vectors)
    document = {"file": str(file), "memories": report.memories, "banks": report.banks}
    answer(json, document, [_table(report), line(f"{report.memories:,} memories", f" are in {file}.", style="bold")])


def _table(report: ExportReport) -> Table:
    rows = [
        (bank_path(name), f"{sum(c.memories.values()):,}", f"{c.history:,}", f"{c.exchanges:,}", f"{c.receipts:,}")
        for name, c in report.banks
    ]
    columns = ["bank", "memories", "changes", "waiting exchanges", "erasures"]
    return new_table(columns, rows, right=columns[1:])
