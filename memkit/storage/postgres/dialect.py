"""Named queries, rendered for PostgreSQL: numbered places, lists as arrays, qualified tables, no hints.

Values have the types of their columns: where PostgreSQL infers a place's type it may choose another one, and None has
none. A statement that adds a row is rendered for many at once, too: its columns are sent as arrays.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from memkit.storage.postgres.adapters import ARRAY_TYPES, COLUMN_OIDS, NULL_VALUES
from memkit.storage.sql.queries import LIST_PATTERN, VALUE_PATTERN, NamedQuery, Values, queries, sections

HINT_PATTERN = re.compile(r" (?:INDEXED BY \w+|NOT INDEXED)\b")
TABLE_PATTERN = re.compile(r"\b(FROM|JOIN|INTO|UPDATE) (\w+)\b")
BYTES_OF_TEXT = re.compile(r"CAST\(([\w.]+) AS BLOB\)")
INSERT_PATTERN = re.compile(r"^INSERT INTO (\w+) \(([^)]*)\)\s+VALUES \(([^)]*)\)(.*)$", re.DOTALL)
COLUMN_PATTERN = re.compile(r"^ +(\w+) (BIGINT|TEXT|BYTEA|DOUBLE PRECISION)\b", re.MULTILINE)
CREATE_PATTERN = re.compile(r"^CREATE TABLE \{schema\}\.(\w+) \((.*?)\);$", re.MULTILINE | re.DOTALL)
BYTES_LISTS = ("uids", "macs")  # lists of bytes; all others are of integers
READ_KEYWORDS = ("SELECT", "WITH")

Bind = Callable[[Values], list[Any]]


@dataclass(frozen=True)
class RenderedQuery:
    """A statement with numbered places, and what puts values into their order."""

    sql: bytes
    bind: Bind
    is_read: bool


@dataclass(frozen=True)
class RenderedInsert:
    """A statement for many rows at once; None where there is no such form."""

    sql: bytes
    bind: Callable[[Sequence[Values]], list[Any]]


@cache
def column_types() -> dict[str, dict[str, int]]:
    """Types of all columns, by table and column."""
    return {
        table: {name: COLUMN_OIDS[kind] for name, kind in COLUMN_PATTERN.findall(_one_a_line(body))}
        for table, body in CREATE_PATTERN.findall(schema_text())
    }


def _one_a_line(columns: str) -> str:
    return columns if columns.startswith("\n") else "\n " + columns.replace(", ", "\n ")


@cache
def schema_text() -> str:
    return files("memkit.storage.postgres").joinpath("schema.sql").read_text("utf-8")


@cache
def own_queries() -> dict[str, NamedQuery]:
    """Named queries as PostgreSQL runs them: those of all engines, and its own in their place or beside them."""
    text = files("memkit.storage.postgres").joinpath("queries.sql").read_text("utf-8")
    return queries() | {name: NamedQuery.parse(sql) for name, sql in sections(text)}


class Dialect:
    """Statements for the tables of one schema."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.statement = cache(self._statement)
        self.rows_statement = cache(self._rows_statement)

    def lists(self, name: str) -> tuple[str, ...]:
        """Names of a query's lists."""
        return own_queries()[name].lists

    def _statement(self, name: str) -> RenderedQuery:
        query = own_queries()[name]
        sql = self._plain(query.sql)
        order = (*query.names, *query.lists)
        places = {value: f"${number}" for number, value in enumerate(order, 1)}
        sql = LIST_PATTERN.sub(lambda match: f"= ANY({places[match[1]]})", sql)
        sql = VALUE_PATTERN.sub(lambda match: places[match[1]], sql)
        types = column_types().get(_table(query.sql), {})
        return RenderedQuery(sql.encode(), _binder(query, types), query.sql.startswith(READ_KEYWORDS))

    def _rows_statement(self, name: str) -> RenderedInsert | None:
        match = INSERT_PATTERN.match(own_queries()[name].sql)
        if match is None:
            return None
        table, columns, values, rest = match.groups()
        if VALUE_PATTERN.search(rest):
            return None
        names = [column.strip() for column in columns.split(",")]
        given = dict(zip(names, (value.strip() for value in values.split(",")), strict=True))
        listed = [name for name in names if given[name].startswith(":") and name != "bank"]
        sql = self._insert(table, given, listed) + self._plain(rest)
        return RenderedInsert(sql.encode(), _rows_binder(table, given, listed))

    def _insert(self, table: str, given: Mapping[str, str], listed: Sequence[str]) -> str:
        """One bank's rows, whose columns are arrays."""
        first = 1 + ("bank" in given)
        chosen = [_chosen(name, value) for name, value in given.items()]
        arrays = ", ".join(f"${place}" for place, _ in enumerate(listed, first))
        return (
            f"INSERT INTO {self.schema}.{table} ({', '.join(given)}) SELECT {', '.join(chosen)} "  # noqa: S608
            f"FROM unnest({arrays}) AS r ({', '.join(listed)})"
        )

    def _plain(self, sql: str) -> str:
        """SQL without SQLite's own words."""
        sql = HINT_PATTERN.sub("", sql).replace("CROSS JOIN", "JOIN").replace("x''", "decode('', 'hex')")
        sql = BYTES_OF_TEXT.sub(r"convert_to(\1, 'UTF8')", sql)
        return TABLE_PATTERN.sub(self._qualified, sql)

    def _qualified(self, match: re.Match[str]) -> str:
        word, table = match.groups()
        return f"{word} {self.schema}.{table}" if table in column_types() else match[0]


def _chosen(name: str, value: str) -> str:
    if name == "bank":
        return "$1"
    return f"r.{name}" if value.startswith(":") else value


def _table(sql: str) -> str:
    match = TABLE_PATTERN.search(sql)
    return match[2] if match else ""


def _binder(query: NamedQuery, types: Mapping[str, int]) -> Bind:
    nulls = {name: NULL_VALUES[types.get(name, COLUMN_OIDS["BIGINT"])] for name in query.names}
    lists = [(name, ARRAY_TYPES[COLUMN_OIDS["BYTEA" if name in BYTES_LISTS else "BIGINT"]]) for name in query.lists]

    def bind(values: Values) -> list[Any]:
        singles = [nulls[name] if values[name] is None else values[name] for name in query.names]
        return [*singles, *(kind(values[name]) for name, kind in lists)]

    return bind


def _rows_binder(
    table: str, given: Mapping[str, str], listed: Sequence[str]
) -> Callable[[Sequence[Values]], list[Any]]:
    types = column_types()[table]
    columns = [(given[name][1:], ARRAY_TYPES[types[name]]) for name in listed]

    def bind(rows: Sequence[Values]) -> list[Any]:
        arrays = [kind([row[name] for row in rows]) for name, kind in columns]
        return [rows[0]["bank"], *arrays] if "bank" in given else arrays

    return bind
