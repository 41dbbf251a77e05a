"""All migrations together come to the schema that `schema.sql` shows, for those who read SQL."""

import sqlite3
from importlib.resources import files

from memkit.storage.migrations import migrate, schema


def test_all_migrations_come_to_schema_sql() -> None:
    connection = sqlite3.connect(":memory:")
    migrate(connection)
    assert schema(connection) == files("memkit.storage").joinpath("schema.sql").read_text("utf-8")
