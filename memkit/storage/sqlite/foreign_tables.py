"""Tables of other programs' SQLite databases, read as they are."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from memkit.errors import InputError


def read_table(path: Path, table: str) -> Iterator[Mapping[str, Any]]:
    """Rows of a table in the order in which they were written, by column; none where there is no such table.

    The database is opened to be read alone. Raises InputError where it can't be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            known_tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if table in [name for (name,) in known_tables]:
                rows = connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')  # noqa: S608  # no user's name
                columns = [column[0] for column in rows.description]
                yield from (dict(zip(columns, row, strict=True)) for row in rows)
    except sqlite3.Error:
        raise InputError(
            f"{path.name}: this database can't be read. Close the program that writes it, and copy it again."
        ) from None
