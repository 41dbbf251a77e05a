"""Backup: a consistent copy of the database."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, open_store
from memkit.cli.output import answer, err, line, size


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; an older backup there is replaced.")],
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Write a consistent copy of the database, also while it is in use."""
    with open_store(db) as store, err.status("Copying …"):
        store.backup(file)
    count = file.stat().st_size
    answer(json, {"file": str(file), "bytes": count}, [line(size(count), f" are in {file}.", style="bold")])
