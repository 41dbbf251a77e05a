"""Thousands of users in one store: what was used lately is at hand, what is held is counted, and nothing piles up."""

import gc

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings, Settings

USERS = 60


def heard(store: memkit.MemoryStore) -> None:
    for number in range(USERS):
        store.bank("app", str(number)).observe([("ana", f"I keep {number} bees in a {word}.") for word in BOXES])


BOXES = [f"box{number}" for number in range(40)]


def test_what_loaded_banks_hold_is_counted_as_they_come_change_and_go() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        heard(store)
        for number in range(USERS):
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
        for number in range(USERS):
            store.bank("app", str(number)).recall("bees")
            assert 0 < store._services.indexes.nbytes() <= 2**20
        held = list(store._services.indexes._loaded)
        assert held == list(range(USERS + 1))[-len(held) :]
        assert 1 < len(held) < USERS


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
