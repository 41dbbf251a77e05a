"""Named queries, rendered for PostgreSQL: numbered places, lists as arrays, qualified tables, no hints.

Values have the types of their columns: where PostgreSQL infers a place's type it may choose another one, and None has
none. A statement that adds a row is rendered for many at once, too: its columns are sent as arrays.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from importlib.resources import files
from typing import Any

from memkit.storage.postgres.wire import ARRAY_OIDS, BYTEA_OID, COLUMN_OIDS, INT8_OID, TEXT_OID, packed
from memkit.storage.sql.queries import LIST_PATTERN, VALUE_PATTERN, NamedQuery, Values, queries, sections

HINT_PATTERN = re.compile(r" (?:INDEXED BY \w+|NOT INDEXED)\b")
TABLE_PATTERN = re.compile(r"\b(FROM|JOIN|INTO|UPDATE) (\w+)\b")
BYTES_OF_TEXT = re.compile(r"CAST\(([\w.]+) AS BLOB\)")
INSERT_PATTERN = re.compile(r"^INSERT INTO (\w+) \(([^)]*)\)\s+VALUES \(([^)]*)\)(.*)$", re.DOTALL)
COLUMN_PATTERN = re.compile(r"^ +(\w+) (BIGINT|TEXT|BYTEA|DOUBLE PRECISION)\b", re.MULTILINE)
CREATE_PATTERN = re.compile(r"^CREATE TABLE \{schema\}\.(\w+) \((.*?)\);$", re.MULTILINE | re.DOTALL)
LIST_OIDS = {"uids": BYTEA_OID, "macs": BYTEA_OID, "meta_keys": TEXT_OID}  # of values; all others are integers
VALUE_OIDS = {
    "start": TEXT_OID,
    "end": TEXT_OID,
    "rest": TEXT_OID,
    "owner": TEXT_OID,
}  # values that are no column's; all others are integers
FORMAT_SCRIPTS = ("schema.sql", "access.sql")  # a file of tables for each format, in order
READ_KEYWORDS = ("SELECT", "WITH")

Bind = Callable[[Any], list[bytes | None]]


@dataclass(frozen=True, eq=False)
class ServerStatement:
    """A statement with numbered places of these types, and what puts values into their order, in binary form.

    `name`: under which it is prepared; the same for the same text, whoever prepares it.
    """

    sql: bytes
    types: tuple[int, ...]
    bind: Bind
    is_read: bool = False
    tables: frozenset[str] = frozenset()  # that it reads, or the one that it changes

    @cached_property
    def name(self) -> bytes:
        return b"memkit_" + blake2b(self.sql, digest_size=12).hexdigest().encode()


def plain(sql: str) -> ServerStatement:
    """A statement without values."""
    return ServerStatement(sql.encode(), (), lambda values: [])


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
    """All tables, of every format."""
    return "".join(map(format_text, FORMAT_SCRIPTS))


@cache
def format_text(script: str) -> str:
    """The tables that came with a format."""
    return files("memkit.storage.postgres").joinpath(script).read_text("utf-8")


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

    def _statement(self, name: str) -> ServerStatement:
        query = own_queries()[name]
        sql = self._plain(query.sql)
        types = {**VALUE_OIDS, **column_types().get(_table(query.sql), {})}
        order = {name: types.get(name, INT8_OID) for name in query.names}
        order |= {name: ARRAY_OIDS[LIST_OIDS.get(name, INT8_OID)] for name in query.lists}
        places = {value: f"${number}" for number, value in enumerate(order, 1)}
        sql = LIST_PATTERN.sub(lambda match: f"= ANY({places[match[1]]})", sql)
        sql = VALUE_PATTERN.sub(lambda match: places[match[1]], sql)
        is_read = query.sql.startswith(READ_KEYWORDS)
        tables = [match[2] for match in TABLE_PATTERN.finditer(query.sql)]
        touched = frozenset(tables if is_read else tables[:1])
        return ServerStatement(sql.encode(), tuple(order.values()), _binder(order), is_read, touched)

    def _rows_statement(self, name: str) -> ServerStatement | None:
        match = INSERT_PATTERN.match(own_queries()[name].sql)
        if match is None:
            return None
        table, columns, values, rest = match.groups()
        if VALUE_PATTERN.search(rest):
            return None
        names = [column.strip() for column in columns.split(",")]
        given = dict(zip(names, (value.strip() for value in values.split(",")), strict=True))
        listed = [name for name in names if given[name].startswith(":") and name != "bank"]
        types = [ARRAY_OIDS[column_types()[table][name]] for name in listed]
        sql = self._insert(table, given, listed) + self._plain(rest)
        places = (*((INT8_OID,) if "bank" in given else ()), *types)
        columns = [(given[name][1:], type) for name, type in zip(listed, types, strict=True)]
        return ServerStatement(sql.encode(), places, _rows_binder("bank" in given, columns), tables=frozenset([table]))

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


def _binder(order: Mapping[str, int]) -> Bind:
    places = list(order.items())

    def bind(values: Values) -> list[bytes | None]:
        return [packed(oid, values[name]) for name, oid in places]

    return bind


def _rows_binder(has_bank: bool, columns: Sequence[tuple[str, int]]) -> Bind:
    def bind(rows: Sequence[Values]) -> list[bytes | None]:
        arrays = [packed(oid, [row[name] for row in rows]) for name, oid in columns]
        return [packed(INT8_OID, rows[0]["bank"]), *arrays] if has_bank else arrays

    return bind
