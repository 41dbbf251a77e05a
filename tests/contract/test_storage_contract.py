"""Both storages keep the same contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memkit.protocols import Storage
from memkit.settings import RuntimeSettings
from memkit.storage import open_storage
from memkit.testing import StorageContract


class TestSqlite(StorageContract):
    """SQLite."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        opened = open_storage(str(tmp_path / "memory.db"), settings=RuntimeSettings())
        yield opened
        opened.close()


class TestInMemory(StorageContract):
    """The dict twin."""

    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        opened = open_storage(":memory:", settings=RuntimeSettings())
        yield opened
        opened.close()
