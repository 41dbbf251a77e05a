"""All storages keep the same contract."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from postgres_server import server

from memkit.protocols import Storage
from memkit.settings import RuntimeSettings
from memkit.storage import open_storage
from memkit.storage.postgres.dialect import column_types
from memkit.testing import StorageContract
from memkit.testing.contract.cases import AT_NOON


class TestSqlite(StorageContract):
    """SQLite."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        opened = open_storage(str(tmp_path / "memory.db"), settings=RuntimeSettings())
        yield opened
        opened.close()

    def test_a_dropped_banks_number_is_not_given_again(self, storage: Storage) -> None:
        number = storage.open_bank(("acme", "ana")).number
        storage.drop_bank(number, at=AT_NOON)
        assert storage.open_bank(("acme", "ana")).number > number


class TestInMemory(StorageContract):
    """The dict twin."""

    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        opened = open_storage(":memory:", settings=RuntimeSettings())
        yield opened
        opened.close()


@cache
def address_of(version: str, options: str) -> str:
    """A database with memkit's tables in it."""
    return f"{server(version).new_database()}?schema=tables{options}"


class PostgresContract(StorageContract):
    """PostgreSQL, of one version, with tables made with these options; emptied after each test."""

    version = "18"
    options = ""

    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        address = address_of(self.version, self.options)
        opened = open_storage(address, settings=RuntimeSettings())
        yield opened
        opened.close()
        with psycopg.connect(address.partition("?")[0]) as connection:
            for table in reversed(column_types()):
                connection.execute(f"DELETE FROM tables.{table}".encode())


class TestPostgres(PostgresContract):
    """PostgreSQL 18."""


class TestPartitionedPostgres(PostgresContract):
    """PostgreSQL 18, with 8 partitions of each table."""

    options = "&partitions=8"


@pytest.mark.engines
class TestDebiansPostgres(PostgresContract):
    """PostgreSQL 15, as Debian has it."""

    version = "15"


@pytest.mark.engines
class TestPartitionedDebiansPostgres(PostgresContract):
    """The same, with 8 partitions of each table."""

    version = "15"
    options = "&partitions=8"
