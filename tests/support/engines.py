"""Engines that suites run over, each of which gives databases that are new and empty.

    @pytest.mark.parametrize("engine", EVERY_ENGINE)
    def test_something(engine: Engine) -> None:
        with engine.database() as location, memkit.open(location) as store:
            ...

SQLite, memory and PostgreSQL 18 run by default; PostgreSQL 15 and tables in 8 partitions behind the marker `engines`.
What isn't installed is skipped. Databases of PostgreSQL are lent: who gives one back has closed it, and its rows are
taken out for the next one.
"""

import functools
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:  # neither is there where memkit is tested without extras
    import psycopg
    from postgres_server import PostgresServer

    from memkit import MemoryStore

PARTITION_COUNT = 8
CLOSING_SECONDS = 5.0  # for connections that were closed, until the server has let them go
TABLES_QUERY = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_|^information_schema$|^seed$' ORDER BY 1
"""
OTHERS_QUERY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True)
class Engine:
    """SQLite, memory, or PostgreSQL of a version, plain or with its tables in partitions."""

    name: str
    version: str | None = None
    partitions: int = 0

    @property
    def is_lasting(self) -> bool:
        """Whether another process can open a database of it, and find what is there."""
        return self.name != "memory"

    @contextmanager
    def database(self) -> Iterator[str]:
        """Location of an empty database, for as long as the block runs."""
        if self.version is not None:
            with _databases(self.version, self.partitions).lent() as address:
                yield address
        elif self.name == "memory":
            yield ":memory:"
        else:
            with tempfile.TemporaryDirectory() as folder:
                yield str(Path(folder) / "memory.db")

    def __str__(self) -> str:
        return self.name


SQLITE, MEMORY = Engine("sqlite"), Engine("memory")
POSTGRESQL = Engine("postgresql-18", "18")
MORE_ENGINES = (
    Engine("postgresql-18-partitions", "18", PARTITION_COUNT),
    Engine("postgresql-15", "15"),
    Engine("postgresql-15-partitions", "15", PARTITION_COUNT),
)
ENGINES = (SQLITE, MEMORY, POSTGRESQL, *MORE_ENGINES)


def parameters(*engines: Engine) -> list[object]:
    """The engines as a test's parameters, those that aren't everywhere behind the marker."""
    marks = {engine: [pytest.mark.engines] if engine in MORE_ENGINES else [] for engine in engines}
    return [pytest.param(engine, id=engine.name, marks=marks[engine]) for engine in engines]


EVERY_ENGINE = parameters(*ENGINES)
LASTING_ENGINES = parameters(*(engine for engine in ENGINES if engine.is_lasting))
SERVED_ENGINES = parameters(*(engine for engine in ENGINES if engine.version))


class Databases:
    """Databases of one server whose schema is made already; lent one at a time, emptied when they come back."""

    def __init__(self, server: "PostgresServer", partitions: int) -> None:
        self.server, self.partitions = server, partitions
        self.free: list[str] = []
        self.tables: dict[str, list[str]] = defaultdict(list)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of an empty database. Raises AssertionError where a connection is left open afterwards."""
        address = self.free.pop() if self.free else self._new()
        yield address
        self._empty(address)
        self.free.append(address)

    def _new(self) -> str:
        from memkit.storage import open_storage

        address = self.server.new_database()
        database = _database_of(address)
        address += f"?partitions={self.partitions}" if self.partitions else ""
        open_storage(address).close()
        self.tables[address] = [row[0] for row in self.server.administer(TABLES_QUERY, database=database)]
        seeds = [f"CREATE TABLE seed.t{n} AS TABLE {table}" for n, table in enumerate(self.tables[address])]
        self.server.administer("CREATE SCHEMA seed", *seeds, database=database)
        return address

    def _empty(self, address: str) -> None:
        """Put every table back to what it held when the schema was made."""
        import psycopg

        database = _database_of(address)
        with psycopg.connect(self.server.address(database, role="postgres", over_socket=True)) as connection:
            _wait_for_others(connection)
            connection.execute("SET session_replication_role = replica")  # no foreign keys while tables are emptied
            with connection.pipeline():
                for number, table in enumerate(self.tables[address]):
                    connection.execute(f"DELETE FROM {table}".encode())
                    connection.execute(f"INSERT INTO {table} SELECT * FROM seed.t{number}".encode())


def problems(store: "MemoryStore") -> list[str]:
    """What a store finds wrong with itself; that a server's files may still hold what was erased is no fault of it."""
    served = "://" in getattr(store._storage, "place", "")
    return [problem for problem in store.doctor() if not (served and "erased bytes" in problem)]


def _wait_for_others(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    deadline = time.monotonic() + CLOSING_SECONDS
    while (left := connection.execute(OTHERS_QUERY).fetchone()) != (0,):
        assert time.monotonic() < deadline, f"{left} connections were left open"
        connection.rollback()  # statistics stand still within a transaction
        time.sleep(0.01)


def _database_of(address: str) -> str:
    return urlsplit(address).path.removeprefix("/")


@functools.cache
def _databases(version: str, partitions: int) -> Databases:
    pytest.importorskip("psycopg")
    import postgres_server

    if not postgres_server.is_installed(version):
        pytest.skip(f"PostgreSQL {version} is not installed")
    return Databases(postgres_server.server(version), partitions)
