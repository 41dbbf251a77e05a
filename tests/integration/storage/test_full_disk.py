"""A disk without room: a clear error, nothing of the call stored, nothing from before lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import DiskFullError
from memkit.settings import RuntimeSettings
from memkit.storage.sqlite.storage import SqliteStorage


def fill(store: memkit.MemoryStore) -> None:
    """Let the database grow no more: SQLite then answers as it does on a full disk."""
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


FILLING_SCRIPT = """
import ctypes, os, sys, memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import DiskFullError
room = ctypes.c_long.in_dll(ctypes.CDLL(os.environ["LD_PRELOAD"]), "room")
path, most = sys.argv[1], int(sys.argv[2])
stored, refused = [], 0
with memkit.open(path, encoder=HashingEncoder()) as store:
    bank = store.bank("ana")
    for writes in range(most):
        names = [f"{writes}-{i}" for i in range(3)]
        room.value = writes % 97
        try:
            bank.observe([memkit.Turn(f"I moved to town{n} {'and walked ' * 60}", "ana", id=n) for n in names])
            if writes % 7 == 3:
                bank.think()
            stored += names
        except DiskFullError as error:
            assert "Free some room" in str(error)
            refused += 1
        if writes % 11 == 5:
            assert {m.id for m in bank.list(kinds=["turn"], limit=10_000)} >= set(stored)
        room.value = -1
        there = {m.id for m in bank.list(kinds=["turn"], limit=10_000)}
        assert set(stored) <= there, "something is lost"
        assert len(there) % 3 == 0, "half of a call was stored"
        stored = sorted(there)
    assert refused > most // 10, refused
    assert store.doctor() == []
"""


LOG_GROWS = """
import ctypes, os, sys, memkit
from pathlib import Path
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import DiskFullError
room = ctypes.c_long.in_dll(ctypes.CDLL(os.environ["LD_PRELOAD"]), "room")
path = Path(sys.argv[1])
log, shared = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
with memkit.open(path, encoder=HashingEncoder()) as store:
    bank = store.bank("ana")
    with store._storage._connections.borrowed() as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        while log.stat().st_size < 3900 * 4120:
            connection.execute("INSERT INTO content (bank, id, vector, checksum) VALUES (0, 1, zeroblob(200000), 0)")
            connection.execute("DELETE FROM content WHERE bank = 0")
    size, stored, refused = shared.stat().st_size, 0, 0
    while shared.stat().st_size == size:
        room.value = refused
        try:
            bank.observe([("ana", f"I moved to town{stored}")])
            stored, refused = stored + 1, 0
        except DiskFullError:
            refused += 1
    room.value = -1
    assert stored > 0
    assert len(bank.list(kinds=["turn"], limit=10_000)) == stored
    assert store.doctor() == []
"""


def with_shim(shim: Path, folder: Path, program: str, *more: str) -> None:
    seen = {"LD_PRELOAD": str(shim), "WATCHED": str(folder), "WRITTEN": os.devnull}
    command = [sys.executable, "-c", program, folder / "memory.db", *more]
    subprocess.run(command, env={**os.environ, **seen}, check=True)


def test_a_long_log_whose_index_finds_no_room_to_grow_is_a_full_disk_too(shim: Path, tmp_path: Path) -> None:
    """SQLite tells of the -shm's size by another code than of a full file."""
    with_shim(shim, tmp_path, LOG_GROWS)


def fill_again_and_again(shim: Path, folder: Path, most: int) -> None:
    with_shim(shim, folder, FILLING_SCRIPT, str(most))
    with memkit.open(folder / "memory.db", encoder=HashingEncoder()) as store:
        assert store.doctor() == []


def test_a_disk_that_fills_up_after_any_number_of_writes_loses_nothing(shim: Path, tmp_path: Path) -> None:
    fill_again_and_again(shim, tmp_path, 97)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_disk_that_fills_up_a_thousand_times_loses_nothing(shim: Path, tmp_path: Path) -> None:
    fill_again_and_again(shim, tmp_path, 1940)
