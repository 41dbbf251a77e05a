"""Formats of a file: `schema.sql` is the first one, and steps lead from there to later ones.

Each step runs in one transaction together with its line in the ledger (table `migration`), through sqlite-utils. A
step is never changed once a file may hold it. Formats are still drafts: until they are closed their texts are changed
in place, DRAFT_NUMBER is raised, and files of other drafts are refused.
"""

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from memkit.errors import NewerVersionError, NotADatabaseError, OtherDraftError

if TYPE_CHECKING:
    from sqlite_utils.migrations import Migrations

APPLICATION_ID = 0x6D6B6974  # "mkit", in the header of every memkit database
DRAFT_NUMBER = 7  # of all formats
DRAFTS_PER_FORMAT = 1000

Step = Callable[[sqlite3.Connection], None]


def run_script(script: str, connection: sqlite3.Connection) -> None:
    """Run the statements of a file beside this one, which create tables."""
    text = files("memkit.storage.sqlite").joinpath(script).read_text("utf-8")
    for statement in text.split(";\n"):  # one by one, so that they can run inside a transaction
        connection.execute(statement)


FORMAT_STEPS: dict[str, Step] = {
    "format_1": partial(run_script, "schema.sql"),
    "format_2": partial(run_script, "access.sql"),
}  # a step for each format, in order


def file_version(format_number: int) -> int:
    """The number in the header (user_version) of files of a format."""
    return format_number * DRAFTS_PER_FORMAT + DRAFT_NUMBER


def is_current(connection: sqlite3.Connection, path: Path) -> bool:
    """True for a database of this format, False for an empty or older one.

    Raises NotADatabaseError, NewerVersionError, OtherDraftError.
    """
    identity = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if identity != APPLICATION_ID:
        if identity or version or connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            raise NotADatabaseError(
                f"{path}: is a database, but not memkit's; it was left as it is. Give another path."
            )
        return False
    number, draft = divmod(version, DRAFTS_PER_FORMAT)
    if number > len(FORMAT_STEPS):
        raise NewerVersionError(
            f"{path}: was written by a newer memkit (format {number}; this one knows {len(FORMAT_STEPS)}). "
            "Update memkit; the file was left as it is."
        )
    if draft != DRAFT_NUMBER or not number:
        raise OtherDraftError(
            f"{path}: was written in another draft of the file format, and drafts are not converted. Export it with "
            "the memkit that wrote it (store.export), then load that file here (store.load); it was left as it is."
        )
    return bool(number == len(FORMAT_STEPS))


def migrate(connection: sqlite3.Connection, steps: Mapping[str, Step] = FORMAT_STEPS) -> None:
    """Create a database, or bring an older one to this format; call it inside a write transaction."""
    from sqlite_utils import Database

    ledger(steps).apply(Database(connection))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {file_version(len(steps))}")


def ledger(steps: Mapping[str, Step]) -> "Migrations":
    """All steps, in order."""
    from sqlite_utils.migrations import Migrations

    class Steps(Migrations):
        migrations_table = "migration"

    migrations = Steps("memkit")
    for name, step in steps.items():
        migrations(name=name)(lambda database, step=step: step(database.conn))
    return migrations
