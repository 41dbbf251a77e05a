"""Forks of a process that has a server's database open."""

import os

import pytest
from postgres_server import server

from memkit.operations import Insert
from memkit.storage import open_storage
from memkit.storage.postgres.storage import PostgresStorage
from memkit.testing.contract.cases import AT_NOON, entry, memory


def backend(storage: PostgresStorage) -> int:
    """The server's process that serves the idle connection."""
    with storage._pool.borrowed() as session:
        return session.raw.info.backend_pid


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_opens_connections_of_its_own_and_leaves_its_parents_open() -> None:
    storage = open_storage(server().new_database())
    assert isinstance(storage, PostgresStorage)
    bank = storage.open_bank(("ana",)).number
    before = backend(storage)
    for _ in range(3):
        child = os.fork()
        if not child:
            code = 1
            try:
                storage.apply(bank, [Insert(memory("tea"), entry())], at=AT_NOON)
                code = int(backend(storage) == before)
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
    state = storage.find_bank(("ana",))
    assert state is not None
    assert (state.size, backend(storage)) == (3, before)
    storage.close()
