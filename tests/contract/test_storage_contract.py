"""Both storages keep the same contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memkit.protocols import Storage
from memkit.settings import RuntimeSettings
from memkit.storage import open_storage
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
