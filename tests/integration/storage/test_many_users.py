"""Thousands of users in one store: what was used lately is at hand, what is held is counted, and nothing piles up."""

import gc
import sqlite3
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings, Settings
from memkit.storage.sqlite.connections import MAX_CACHED_CONNECTIONS, Connections, SqliteConnection
from memkit.testing import FrozenClock

USER_COUNT = 60


def heard(store: memkit.MemoryStore) -> None:
    for number in range(USER_COUNT):
        store.bank("app", str(number)).observe([("ana", f"I keep {number} bees in a {word}.") for word in BOX_TEXTS])


BOX_TEXTS = [f"box{number}" for number in range(40)]


def test_what_loaded_banks_hold_is_counted_as_they_come_change_and_go() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        heard(store)
        for number in range(USER_COUNT):
            store.bank("app", str(number)).recall("bees")
        store.bank("app", "3").observe([("ana", "I sold the bees.")])
        store.bank("app", "3").recall("bees")
        store.bank("app", "4").erase_all(confirm=("app", "4"))
        indexes = store._services.indexes
        assert store.stats()["index_bytes"] == sum(loaded.nbytes for loaded in indexes._loaded.values()) > 0
        indexes.drop()
        assert indexes.nbytes() == 0


def test_the_banks_used_last_stay_within_the_budget() -> None:
    small = Settings(runtime=RuntimeSettings(cache_bytes=2**20))
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=small) as store:
        heard(store)
        for number in range(USER_COUNT):
            store.bank("app", str(number)).recall("bees")
            assert 0 < store._services.indexes.nbytes() <= 2**20
        held = list(store._services.indexes._loaded)
        assert held == list(range(USER_COUNT + 1))[-len(held) :]
        assert 1 < len(held) < USER_COUNT


def test_a_bank_that_nobody_holds_leaves_nothing_behind_and_keeps_its_zone_and_its_lock() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        store.bank("app", "ana", zone="Asia/Tokyo")
        heard(store)
        gc.collect()
        assert (len(store._banks), len(store._contexts), len(store._services.indexes._locks)) == (0, 0, 0)
        held = store.bank("app", "ana")
        assert store.bank("app", "ana") is held
        held.observe([("ana", "Good morning!")])
        assert held.zone == "Asia/Tokyo"
        with store._services.indexes.lock(7) as taken:
            assert taken
            assert store._services.indexes.lock(7) is store._services.indexes.lock(7)


def test_rounds_too_short_for_all_banks_reach_all_of_them_and_then_find_nothing_to_do() -> None:
    clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock) as store:
        heard(store)
        clock.advance(timedelta(minutes=30))  # so that every exchange may be thought about
        reports = []
        while not reports or reports[-1].banks:
            reports.append(store.maintain(budget_s=0.05))
            assert len(reports) < 2_000
        assert len(reports) > 3
        assert all(bank["queue"]["waiting"] == 0 for bank in store.stats()["banks"].values())
        assert store.maintain(budget_s=30).banks == 0
        clock.advance(timedelta(hours=1))
        assert store.maintain(budget_s=30).banks == USER_COUNT


def test_of_many_connections_only_those_used_last_keep_their_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied: list[SqliteConnection] = []

    def watched(connection: SqliteConnection, sql: str, *values: Any) -> Any:
        if "shrink_memory" in sql:
            emptied.append(connection)
        return sqlite3.Connection.execute(connection, sql, *values)

    path = tmp_path / "store.db"
    memkit.open(path, encoder=HashingEncoder()).close()
    monkeypatch.setattr(SqliteConnection, "execute", watched, raising=False)
    connections = Connections(path, read_only=False, busy_timeout=1.0)
    with ExitStack() as readers:
        for _ in range(MAX_CACHED_CONNECTIONS + 3):
            readers.enter_context(connections.reading())
    assert len(emptied) == 3
    with ExitStack() as readers:
        again = [readers.enter_context(connections.reading()) for _ in range(MAX_CACHED_CONNECTIONS)]
        assert not set(map(id, again)) & set(map(id, emptied))
    connections.close()
