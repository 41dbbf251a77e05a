"""One schema in two dialects: SQLite's and PostgreSQL's tables have the same columns, keys and indexes."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from postgres_server import server

from memkit.settings import RuntimeSettings
from memkit.storage import open_storage
from memkit.storage.sqlite.migrations import FORMAT_STEPS

TYPES = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea", "REAL": "double precision"}
OWN_TABLES = {"applied", "migration"}  # of PostgreSQL: tokens of commits, and the ledger, which sqlite-utils keeps
Index = tuple[bool, tuple[str, ...], str]
UNIQUE_NAME = (
    True,
    ("name",),
    "",
)  # of a bank; in PostgreSQL its hash is the key

COLUMNS_QUERY = """
SELECT column_name, data_type, is_nullable FROM information_schema.columns
WHERE table_schema = 'memkit' AND table_name = %s
"""
INDEXES_QUERY = r"""
SELECT i.indisprimary, i.indisunique,
    array(SELECT substring(pg_get_indexdef(i.indexrelid, k, true) FROM '^(?:\w+\()?(\w+)')
          FROM generate_series(1, i.indnkeyatts) k), pg_get_expr(i.indpred, i.indrelid)
FROM pg_index i WHERE i.indrelid = ('memkit.' || %s)::regclass
"""
REFERENCES_QUERY = """
SELECT array(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY k (n, o)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.o), t.relname, c.condeferred
FROM pg_constraint c JOIN pg_class t ON t.oid = c.confrelid
WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ('memkit.' || %s)::regclass
"""


@pytest.fixture(scope="module", params=["", "?partitions=3"], ids=["plain", "partitioned"])
def postgres(request: pytest.FixtureRequest) -> Iterator[Any]:
    address = server().new_database()
    open_storage(address + request.param, settings=RuntimeSettings()).close()
    with psycopg.connect(address) as connection:
        yield connection


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in FORMAT_STEPS.values():
            step(connection)
        yield connection


def tables_of(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def condition(text: str | None) -> str:
    """A condition without spaces and brackets, which PostgreSQL adds."""
    return re.sub(r"[\s()]", "", text or "").lower()


def sqlite_indexes(connection: sqlite3.Connection, table: str) -> set[Index]:
    indexes = set()
    for name, unique, partial in connection.execute(
        f"SELECT name, [unique], partial FROM pragma_index_list('{table}')"
    ):
        columns = tuple(row[0] for row in connection.execute(f"SELECT name FROM pragma_index_info('{name}')"))
        [(sql,)] = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = ? UNION ALL SELECT NULL LIMIT 1", (name,)
        )
        indexes.add((bool(unique), columns, condition(sql.partition(" WHERE ")[2] if partial else "")))
    key = connection.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk").fetchall()
    return indexes | ({(True, tuple(row[0] for row in key), "")} if key else set())


def postgres_indexes(connection: Any, table: str) -> set[Index]:
    rows = connection.execute(INDEXES_QUERY, [table]).fetchall()
    return {(unique, tuple(columns), condition(predicate)) for _, unique, columns, predicate in rows}


def test_both_have_the_same_tables(postgres: Any, sqlite: sqlite3.Connection) -> None:
    rows = postgres.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'memkit'::regnamespace "
        "AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    )
    assert {row[0] for row in rows} - OWN_TABLES == tables_of(sqlite)


def test_tables_have_the_same_columns_in_the_same_order(postgres: Any, sqlite: sqlite3.Connection) -> None:
    for table in tables_of(sqlite):
        rows = sqlite.execute(f"SELECT name, type, [notnull] OR pk FROM pragma_table_info('{table}')").fetchall()
        expected = [(name, TYPES[kind], "NO" if required else "YES") for name, kind, required in rows]
        assert postgres.execute(COLUMNS_QUERY + " ORDER BY ordinal_position", [table]).fetchall() == expected


def test_tables_have_the_same_keys_and_indexes(postgres: Any, sqlite: sqlite3.Connection) -> None:
    for table in tables_of(sqlite):
        expected = sqlite_indexes(sqlite, table)
        if UNIQUE_NAME in expected and table == "bank":
            expected = expected - {UNIQUE_NAME} | {(False, *UNIQUE_NAME[1:])}
        assert postgres_indexes(postgres, table) == expected, table


def test_tables_refer_to_the_same_tables(postgres: Any, sqlite: sqlite3.Connection) -> None:
    for table in tables_of(sqlite):
        sql = sqlite.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        whole = re.findall(r"FOREIGN KEY \(([^)]+)\) REFERENCES (\w+) \([^)]+\)( DEFERRABLE)?", sql)
        single = re.findall(r"^ +(\w+) \w+[^,]* REFERENCES (\w+) \(\w+\)()", sql, flags=re.MULTILINE)
        expected = {(tuple(columns.split(", ")), target, bool(later)) for columns, target, later in [*whole, *single]}
        rows = postgres.execute(REFERENCES_QUERY, [table]).fetchall()
        assert {(tuple(columns), target, later) for columns, target, later in rows} == expected, table


def test_no_sample_of_words_or_bytes_lies_in_statistics_and_nothing_is_compressed(postgres: Any) -> None:
    rows = postgres.execute(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'memkit'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 "
        "AND a.atttypid IN ('text'::regtype, 'bytea'::regtype) "
        "AND (a.attstattarget IS DISTINCT FROM 0 OR a.attstorage <> 'e')"
    )
    assert rows.fetchall() == []
