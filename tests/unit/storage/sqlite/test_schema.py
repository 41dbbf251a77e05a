"""All migrations together come to the schema that `schema.sql` shows, for those who read SQL."""

import sqlite3
from contextlib import closing
from importlib.resources import files

from memkit.storage.sqlite.migrations import migrate, schema


def test_all_migrations_come_to_schema_sql() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        migrated = schema(connection)
    assert migrated == files("memkit.storage.sqlite").joinpath("schema.sql").read_text("utf-8")
