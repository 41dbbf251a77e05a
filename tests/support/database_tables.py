"""All rows of a database of memkit's, of either engine, as they lie, with banks' names in the place of numbers."""

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from memkit.storage.locations import is_server

Rows = list[tuple[Any, ...]]
OTHER_TABLES = ("migration", "applied", "lease")  # of the database itself, or of who works on it now
NOTED_KEYS = ("bank.last", "moved.", "purge.")  # what a database notes of banks that left it
NUMBERED_KEY = re.compile(r"(\w+)\.(\d+)")


def all_tables(location: Path | str) -> dict[str, Rows]:
    """Rows of each table of a file, or of a server's schema, in an order of their own."""
    tables = _of_server(str(location)) if is_server(str(location)) else _of_file(Path(location))
    names = {row["bank"]: row["name"] for table in ("erasure", "bank") for row in tables[table] if row["name"]}
    meta = {_named(row["key"], names): row["value"] for row in tables["meta"]}
    renamed = {
        table: [{**row, "bank": names[row["bank"]]} for row in tables[table]] for table in set(tables) - {"meta"}
    }
    return {
        "meta": sorted((key, value) for key, value in meta.items() if not key.startswith(NOTED_KEYS)),
        **{name: sorted((tuple(row.values()) for row in rows), key=repr) for name, rows in renamed.items()},
    }


def _named(key: str, names: Mapping[int, str]) -> str:
    match = NUMBERED_KEY.fullmatch(key)
    return f"{match[1]}.{names.get(int(match[2]), match[2])}" if match else key


def _of_file(path: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')]
            for name in tables
            if name not in OTHER_TABLES
        }


def _of_server(url: str) -> dict[str, list[dict[str, Any]]]:
    """Columns come in the order that the file has them in, as both schemas do."""

    import psycopg  # not there where memkit is tested without extras

    from memkit.storage.postgres.dialect import column_types

    with psycopg.connect(url.partition("?")[0]) as connection:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        tables = [name for name in column_types() if name not in OTHER_TABLES]
        return {name: cursor.execute(f"SELECT * FROM memkit.{name}".encode()).fetchall() for name in tables}
