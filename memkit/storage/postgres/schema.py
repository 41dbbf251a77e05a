"""Making and checking the tables: in one transaction, under a lock that those who open a store at once take in turn.

The table `migration` holds a line for each format that was reached; a later format is a step of its own.
"""

import re
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from memkit.errors import NewerVersionError, OtherDraftError, PermissionDeniedError, ReadOnlyError
from memkit.storage.postgres.dialect import FORMAT_SCRIPTS, column_types, format_text
from memkit.storage.postgres.location import Location
from memkit.storage.postgres.session import Raw
from memkit.storage.postgres.wire import BYTEA_OID, TEXT_OID

FORMAT_NUMBER = len(FORMAT_SCRIPTS)
DRAFT_NUMBER = 1  # of all formats
LOCK_NUMBER = 0x6D6B6974  # "mkit"
UNCOUNTED_OIDS = (
    TEXT_OID,
    BYTEA_OID,
)  # columns without samples in statistics, and uncompressed
UNSPLIT_TABLES = ("meta", "access_token", "keyed_request")
MADE_TABLE = re.compile(r"^CREATE TABLE \w+\.(\w+)", re.MULTILINE)
EXISTING_SCHEMA = b"SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = $1"
EXISTING_TABLE = (
    b"SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    b"WHERE n.nspname = $1 AND c.relname = 'migration'"
)
CREATE_LEDGER = "CREATE TABLE {schema}.migration (number BIGINT PRIMARY KEY, draft BIGINT NOT NULL, at BIGINT NOT NULL)"


def prepare(raw: Raw, location: Location, *, read_only: bool, lock_seconds: float) -> None:
    """Make the tables ready for use.

    Raises NewerVersionError, OtherDraftError, ReadOnlyError, PermissionDeniedError.
    """
    if format_of(raw, location) == FORMAT_NUMBER:
        return
    if read_only:
        raise ReadOnlyError(
            f"{location.shown}: has no memkit tables of this version in schema {location.schema}. Open it once without "
            "read_only."
        )
    with raw.transaction():
        raw.execute(f"SET LOCAL lock_timeout = {round(lock_seconds * 1000)}".encode())
        raw.execute(b"SELECT pg_advisory_xact_lock($1)", [LOCK_NUMBER])
        for number in range(format_of(raw, location), FORMAT_NUMBER):  # another worker may have been first
            _reach(number + 1, raw, location)


def format_of(raw: Raw, location: Location) -> int:
    """The format of the tables, 0 for none. Raises NewerVersionError, OtherDraftError."""
    if not _exists(raw, location):
        return 0
    row: Any = raw.execute(
        f"SELECT number, draft FROM {location.schema}.migration ORDER BY number DESC LIMIT 1".encode()  # noqa: S608
    ).fetchone()
    number, draft = row or (0, 0)
    if number > FORMAT_NUMBER:
        raise NewerVersionError(
            f"{location.shown}: schema {location.schema} was made by a newer memkit (format {number}; this one knows "
            f"{FORMAT_NUMBER}). Update memkit; it was left as it is."
        )
    if draft != DRAFT_NUMBER:
        raise OtherDraftError(
            f"{location.shown}: schema {location.schema} was made in another draft of the format, and drafts are not "
            "converted. Export it with the memkit that wrote it, then load that file here; it was left as it is."
        )
    return int(number)


def _exists(raw: Raw, location: Location) -> bool:
    """Whether there are tables, by the catalogue: `to_regclass` may remember that a moment ago there were none."""
    row: Any = raw.execute(EXISTING_TABLE, [location.schema]).fetchone()
    return bool(row[0])


def _reach(number: int, raw: Raw, location: Location) -> None:
    """Make the tables that came with a format."""
    try:
        row: Any = raw.execute(EXISTING_SCHEMA, [location.schema]).fetchone()
        if not row[0]:
            raw.execute(f"CREATE SCHEMA {location.schema}".encode())
        if number == 1:
            raw.execute(CREATE_LEDGER.format(schema=location.schema).encode())
        for statement in statements(FORMAT_SCRIPTS[number - 1], location.schema, location.partitions):
            raw.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        raise PermissionDeniedError(
            f"{location.shown}: the role may not make schema {location.schema} or tables in it. Let its owner run: "
            f"CREATE SCHEMA {location.schema} AUTHORIZATION the_role"
        ) from None
    values = [number, DRAFT_NUMBER, time.time_ns() // 1000]
    raw.execute(f"INSERT INTO {location.schema}.migration (number, draft, at) VALUES ($1, $2, $3)".encode(), values)  # noqa: S608


def statements(script: str, schema: str, partitions: int) -> Iterator[str]:
    """Statements that make a script's tables, each that a bank leads split into so many partitions; 0: none."""
    text = format_text(script).replace("{schema}", schema).strip().removesuffix(";")
    for statement in text.split(";\n"):
        match = MADE_TABLE.search(statement)
        if match is None or not partitions or match[1] in UNSPLIT_TABLES:
            yield statement
        else:
            yield f"{statement} PARTITION BY HASH (bank)"
            yield from _partitions(f"{schema}.{match[1]}", partitions)
    for table in MADE_TABLE.findall(text):
        for column, oid in column_types()[table].items():
            if oid in UNCOUNTED_OIDS:
                how = f"ALTER {column} SET STORAGE EXTERNAL, ALTER {column} SET STATISTICS 0"
                yield f"ALTER TABLE {schema}.{table} {how}"


def _partitions(table: str, partitions: int) -> Iterator[str]:
    for number in range(partitions):
        bounds = f"MODULUS {partitions}, REMAINDER {number}"
        yield f"CREATE TABLE {table}_{number} PARTITION OF {table} FOR VALUES WITH ({bounds})"
