"""Restore: a backup in the place of the database."""

from pathlib import Path
from typing import Annotated

import typer

import memkit
from memkit.cli.options import DEFAULT_FILE, EXIT_ERROR, AsJson, Database
from memkit.cli.output import err, note, out, say, write_json
from memkit.errors import InputError


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
    if db.exists() and not yes:
        if json:
            raise InputError(f"restore: {db} would be written over, and --json doesn't ask. Add --yes.")
        if not typer.confirm(f"Write over {db}?", err=True):
            note("Nothing was restored.")
            raise typer.Exit(EXIT_ERROR)
    with err.status("Restoring …"):
        receipts = memkit.restore(file, db, erasures=erasures)
    if json:
        write_json([receipt.model_dump(mode="json") for receipt in receipts])
    else:
        say(out, f"{db} is restored.", f" {len(receipts):,} erasures since were carried out again.", style="bold")
