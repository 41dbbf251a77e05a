"""Threads that write at the same time share a commit, and each gets its own result or its own error."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import BusyError, StorageError, UnknownMemoryError
from memkit.settings import RuntimeSettings
from memkit.storage.sqlite.group_commit import MAX_WRITES
from memkit.storage.sqlite.storage import SqliteStorage

Call = Callable[[memkit.MemoryBank], Any]


def storage_of(store: memkit.MemoryStore) -> SqliteStorage:
    assert isinstance(store._storage, SqliteStorage)
    return store._storage


def commits(storage: SqliteStorage) -> list[str]:
    """The commits from now on, as SQLite carries them out on the one connection that is open."""
    seen: list[str] = []
    with storage._connections.borrowed() as connection:
        connection.set_trace_callback(lambda sql: seen.append(sql) if sql == "COMMIT" else None)
    return seen


def at_once(store: memkit.MemoryStore, calls: list[Call]) -> tuple[list["Future[Any]"], int]:
    """Calls that all wait to write before the first one may; and how many commits they took."""
    storage, bank = storage_of(store), store.bank("ana")
    bank.observe([("ana", "The first one")])
    storage._connections.release()
    with ThreadPoolExecutor(len(calls)) as pool, storage._connections.turn():
        futures = [pool.submit(call, bank) for call in calls]
        while len(storage._writes._waiting) < len(calls):
            assert not any(future.done() for future in futures), [future for future in futures if future.done()]
            time.sleep(0.001)
        storage._connections.release()
        seen = commits(storage)
    return futures, len(seen)


def saying(number: int) -> Call:
    return lambda bank: bank.observe([memkit.Turn(f"Word number {number}", "ana", id=f"t{number}")])


def ids(store: memkit.MemoryStore) -> set[str]:
    return {m.id for m in store.bank("ana").list(limit=1000)}


def test_waiting_writes_share_one_commit_and_each_has_its_own_receipt(store: memkit.MemoryStore) -> None:
    futures, count = at_once(store, [saying(n) for n in range(8)])
    changes = sorted(future.result().change for future in futures)
    assert changes == list(range(changes[0], changes[0] + 8))
    assert count == 1
    assert {f"t{n}" for n in range(8)} <= ids(store)
    assert store.doctor() == []


def test_a_crowd_that_one_commit_does_not_hold_is_stored_in_two(store: memkit.MemoryStore) -> None:
    futures, count = at_once(store, [saying(n) for n in range(MAX_WRITES + 6)])
    assert len({future.result(30).change for future in futures}) == MAX_WRITES + 6
    assert count == 2


def test_an_error_undoes_only_the_write_that_it_belongs_to(store: memkit.MemoryStore) -> None:
    calls = [saying(0), lambda bank: bank.forget("nowhere", reason="none"), saying(1)]
    futures, count = at_once(store, calls)
    assert isinstance(futures[1].exception(), UnknownMemoryError)
    assert futures[0].exception() is None
    assert futures[2].exception() is None
    assert count == 1
    assert {"t0", "t1"} <= ids(store)
    assert store.doctor() == []


@pytest.mark.parametrize(
    "broken",
    [
        "INSERT INTO source VALUES (1, 999, 998)",
        "UPDATE memory SET superseded_by = 999",
        "INSERT INTO nothing VALUES (1)",
    ],
    ids=["broken at once", "broken at the commit", "no SQL"],
)
def test_where_a_shared_commit_fails_each_is_tried_alone(store: memkit.MemoryStore, broken: str) -> None:
    storage = storage_of(store)
    calls: list[Call] = [saying(0), lambda _: storage._writes.run(lambda c: c.execute(broken)), saying(1)]
    futures, _ = at_once(store, calls)
    assert isinstance(futures[1].exception(), StorageError)
    assert futures[0].result().change != futures[2].result().change
    assert {"t0", "t1"} <= ids(store)
    assert store.doctor() == []


def test_a_write_that_waited_too_long_for_its_turn_was_not_stored(path: Path) -> None:
    hasty = memkit.Settings(runtime=RuntimeSettings(busy_timeout=0.1))
    with memkit.open(path, encoder=HashingEncoder(), settings=hasty) as store:
        store.bank("ana").observe([("ana", "The first one")])
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with storage_of(store)._connections.turn():
                held.set()
                done.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(10)
        with pytest.raises(BusyError):
            saying(0)(store.bank("ana"))
        done.set()
        holder.join()
        saying(1)(store.bank("ana"))
        assert "t0" not in ids(store)
        assert "t1" in ids(store)


def test_many_threads_in_many_banks_lose_nothing(store: memkit.MemoryStore) -> None:
    def work(me: int) -> None:
        for n in range(15):
            store.bank(f"b{me % 3}").observe([memkit.Turn(f"Thread {me} says {n}", f"t{me}", id=f"{me}-{n}")])
            if n % 5 == 2:
                store.bank(f"b{me % 3}").think()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    for bank in range(3):
        stored_ids = {m.id for m in store.bank(f"b{bank}").list(kinds=["turn"], limit=1000)}
        assert stored_ids == {f"{me}-{n}" for me in range(bank, 12, 3) for n in range(15)}
    assert store.doctor() == []
