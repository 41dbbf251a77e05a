"""All rows of a database of memkit's, as they lie: what two databases that hold the same have in common."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

OWN_TABLES = ("migration",)  # when a file was made
NOTED_KEYS = ("bank.last", "moved.")  # what a database notes of banks that left it


def all_tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of each table of a file, in an order of their own."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        tables = {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for name in names
            if name not in OWN_TABLES
        }
    tables["meta"] = [row for row in tables["meta"] if not row[0].startswith(NOTED_KEYS)]
    return tables
