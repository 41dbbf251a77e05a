"""A disk without room: a clear error, nothing of the call stored, nothing from before lost."""

from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import CorruptError, DiskFullError
from memkit.settings import RuntimeSettings
from memkit.storage.sqlite import SqliteStorage


def fill(store: memkit.MemoryStore) -> None:
    """From now on the database may not grow: SQLite then answers as it does on a full disk."""
    storage = store.bank("any")._context.storage
    assert isinstance(storage, SqliteStorage)
    with storage._connections.borrowed() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_a_clear_error_and_loses_nothing(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("ana", f"Before the disk was full, number {n}") for n in range(20)])
        fill(store)
        with pytest.raises(DiskFullError, match="nothing of this call was stored"):
            bank.observe([("ana", f"After the disk was full, number {n}, {'x' * 500}") for n in range(200)])
        assert len(bank.list(limit=1000)) == 20
    with memkit.open(path, encoder=HashingEncoder(), settings=memkit.Settings(runtime=RuntimeSettings())) as store:
        assert store.doctor() == []
        assert len(store.bank("ana").list(limit=1000)) == 20
        store.bank("ana").observe([("ana", "There is room again")])
        assert len(store.bank("ana").list(limit=1000)) == 21


def test_a_damaged_file_is_a_clear_error(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([("ana", f"Turn number {n} {'x' * 300}") for n in range(300)])
    data = bytearray(path.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\x99" * 200
    path.write_bytes(data)
    with pytest.raises(CorruptError), memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").list(limit=1000)
