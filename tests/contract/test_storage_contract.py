"""All storages keep the same contract."""

from collections.abc import Iterator

import pytest
from engines import EVERY_ENGINE, SQLITE

from memkit.protocols import Storage
from memkit.settings import RuntimeSettings
from memkit.storage import open_storage
from memkit.testing import StorageContract
from memkit.testing.contract.cases import AT_NOON


class TestStorages(StorageContract):
    """SQLite, the dict twin, and PostgreSQL."""

    @pytest.fixture(params=EVERY_ENGINE)
    def storage(self, request: pytest.FixtureRequest) -> Iterator[Storage]:
        with request.param.database() as location:
            opened = open_storage(location, settings=RuntimeSettings())
            yield opened
            opened.close()


def test_sqlite_gives_the_number_of_a_dropped_bank_to_no_other() -> None:
    with SQLITE.database() as location:
        storage = open_storage(location)
        number = storage.open_bank(("acme", "ana")).number
        storage.drop_bank(number, at=AT_NOON)
        assert storage.open_bank(("acme", "ana")).number > number
        storage.close()
