"""Round trips of each verb to a server, counted by a proxy before it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from postgres_server import server
from round_trips import Proxy, proxied, summary

import memkit
from memkit.encoders.hashing import HashingEncoder

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
QUESTION = "Who moved to Lisbon?"
EXCHANGES = 20


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with proxied(server().new_database()) as started:
        yield started


def opened(proxy: Proxy) -> memkit.MemoryStore:
    return memkit.open(proxy.address, encoder=HashingEncoder())


@pytest.fixture(scope="module")
def store(proxy: Proxy) -> Iterator[memkit.MemoryStore]:
    with opened(proxy) as store:
        markets = (f"I bought {i} green apples on the market of Porto." for i in range(40))
        bank = store.bank("ana")
        bank.observe([memkit.Turn(text, "ana", at=BEGIN + timedelta(minutes=i)) for i, text in enumerate(markets)])
        bank.observe([("ana", "I moved to Lisbon with my sister.")])
        for _ in range(3):  # statements are prepared, and the index is loaded
            bank.recall(QUESTION, min_score=0)
            bank.observe([("ana", "My brother lives in Faro.")])
        yield store


def refuse_more(proxy: Proxy, most: int) -> None:
    assert proxy.count() <= most, summary(proxy.trips())


def test_a_recall_of_a_loaded_bank_takes_three(store: memkit.MemoryStore, proxy: Proxy) -> None:
    bank = store.bank("ana")
    for _ in range(3):
        bank.recall(QUESTION, min_score=0)
    proxy.forget()
    assert bank.recall(QUESTION, min_score=0)
    refuse_more(proxy, 3)


def test_a_recall_after_another_workers_write_takes_five(store: memkit.MemoryStore, proxy: Proxy) -> None:
    with opened(proxy) as other:
        other.bank("ana").observe([("ana", "My aunt moved to Lisbon, too.")])
    proxy.forget()
    assert store.bank("ana").recall(QUESTION, min_score=0)
    refuse_more(proxy, 5)


def test_a_recall_of_a_bank_that_is_not_loaded_takes_eight(store: memkit.MemoryStore, proxy: Proxy) -> None:
    with opened(proxy) as other:
        proxy.forget()
        assert other.bank("ana").recall(QUESTION, min_score=0)
        refuse_more(proxy, 8)


def test_observe_takes_eight(store: memkit.MemoryStore, proxy: Proxy) -> None:
    proxy.forget()
    store.bank("ana").observe([("ana", "I planted a lemon tree.")])
    refuse_more(proxy, 8)


def test_erasing_a_memory_takes_forty(store: memkit.MemoryStore, proxy: Proxy) -> None:
    bank = store.bank("ana")
    [chosen] = bank.recall("lemon tree", k=1, min_score=0)
    proxy.forget()
    bank.erase(ids=[chosen.memory.id])
    refuse_more(proxy, 40)


def test_thinking_over_twenty_exchanges_at_once_takes_sixty(store: memkit.MemoryStore, proxy: Proxy) -> None:
    bank = store.bank("bob")
    for i in range(EXCHANGES):
        said = memkit.Turn(
            f"I visited museum {i} with Rita, and I like painter {i}.", "bob", role="user", session=f"s{i}"
        )
        bank.observe([said, memkit.Turn("How nice!", "bot", role="assistant", session=f"s{i}")])
    proxy.forget()
    receipt = bank.think(batch=EXCHANGES)
    refuse_more(proxy, 60)
    assert len([outcome for outcome in receipt.outcomes if outcome.action == "added"]) >= EXCHANGES
