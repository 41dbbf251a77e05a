"""Restore: a backup in the place of the database."""

from pathlib import Path
from typing import Annotated

import typer

import memkit
from memkit.cli.options import DEFAULT_FILE, AsJson, Database, confirm
from memkit.cli.output import answer, err, line
from memkit.storage.locations import is_server


def restore(
    file: Annotated[Path, typer.Argument(metavar="BACKUP", exists=True, dir_okay=False, help="What backup wrote.")],
    erasures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Whose list of erasures to carry out: a database, or what receipts --out wrote. Default: that of "
            "the database that is written over.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before a database is written over.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Put a backup in the place of the database, and carry out again every erasure that was made since."""
    if not is_server(db) and Path(db).exists():
        unasked = f"restore: {db} would be written over, and --json doesn't ask. Add --yes."
        confirm(f"Write over {db}?", yes=yes, as_json=json, unasked=unasked, refused="Nothing was restored.")
    with err.status("Restoring …"):
        receipts = memkit.restore(file, db, erasures=erasures)
    carried_out = f" {len(receipts):,} erasures since were carried out again."
    answer(json, receipts, [line(f"{db} is restored.", carried_out, style="bold")])
