"""Export: memories as JSON lines."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts, open_store
from memkit.cli.output import answer, err, line


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: JSON lines.")],
    prefix: Prefix = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Write memories as JSON lines, whole and readable; load reads them back."""
    with open_store(db) as store, err.status("Exporting …"):
        count = store.export(file, prefix=bank_parts(prefix) if prefix else ())
    answer(
        json, {"file": str(file), "memories": count}, [line(f"{count:,} memories", f" are in {file}.", style="bold")]
    )
