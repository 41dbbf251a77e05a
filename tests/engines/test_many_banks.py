"""A hundred thousand banks in one database: a round of maintenance that has nothing to do asks for nothing more."""

import secrets
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import postgres_server
import psycopg
import pytest
import round_trips
from round_trips import Proxy

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.flows.maintain import _rest_mark
from memkit.protocols import BankClaim
from memkit.storage.core.banks import name_hash, name_key, rest_owner
from memkit.testing import FrozenClock
from memkit.times import MAX_REST, to_micros

BANK_COUNT = 100_000
MAX_STATEMENTS = 10
MAX_NUMBER = 2**63 - 1
NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)


def fill(address: str, mark: str) -> None:
    """Make banks in which nothing was said, all of them at rest."""
    numbers = {name_hash(name_key(("app", str(n)))): name_key(("app", str(n))) for n in range(BANK_COUNT)}
    owner, until = f"{rest_owner(mark)}0", to_micros(NOW + MAX_REST)
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY memkit.bank (bank, name, zone, key, created_at) FROM STDIN") as copy:
            for number, name in numbers.items():
                copy.write_row((number, name, "UTC", secrets.token_bytes(16), 0))
        with cursor.copy("COPY memkit.lease (bank, owner, until) FROM STDIN") as copy:
            for number in numbers:
                copy.write_row((number, owner, until))


@pytest.fixture(scope="module")
def address() -> str:
    return postgres_server.server().new_database()


@pytest.fixture(scope="module")
def proxy(address: str) -> Iterator[Proxy]:
    with round_trips.proxied(address, delay=0.0) as running:
        yield running


@pytest.fixture(scope="module")
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture(scope="module")
def store(address: str, proxy: Proxy, clock: FrozenClock) -> Iterator[memkit.MemoryStore]:
    with memkit.open(proxy.address, encoder=HashingEncoder(), clock=clock) as opened:
        fill(address, _rest_mark(opened._services))
        postgres_server.server().administer("ANALYZE", database=postgres_server.database_of(address))
        yield opened


def test_an_idle_round_asks_at_most_ten_statements_and_lists_no_bank(store: memkit.MemoryStore, proxy: Proxy) -> None:
    proxy.forget()
    start = time.perf_counter()
    report = store.maintain(budget_s=30)
    seconds, trips = time.perf_counter() - start, proxy.trips()
    asked = [sql for trip in trips for sql in trip.statements]
    print(f"\nan idle round over {BANK_COUNT:,} banks: {len(asked)} statements, {seconds * 1000:.0f} ms")
    assert (report.banks, report.finished) == (0, True)
    assert len(asked) <= MAX_STATEMENTS
    assert sum(trip.received for trip in trips) < 10_000


def test_only_the_banks_that_changed_are_cared_for_and_rest_again(store: memkit.MemoryStore) -> None:
    for number in (7, 70_000, 99_999):
        store.bank("app", str(number)).insert(["Ana keeps bees."])
    assert store.maintain(budget_s=30).banks == 3
    assert store.maintain(budget_s=30).banks == 0


def test_workers_that_claim_at_once_share_the_banks_and_none_gets_anothers(
    store: memkit.MemoryStore, clock: FrozenClock
) -> None:
    claims: dict[int, list[int]] = {me: [] for me in range(4)}
    at = clock() + timedelta(hours=2)  # all rests are over

    def claim(me: int) -> None:
        for _ in range(20):
            wanted = BankClaim(f"worker-{me}", "any", -1, MAX_NUMBER, 16, at, 60)
            claims[me] += [state.number for state in store._storage.claim_banks(wanted)]

    threads = [threading.Thread(target=claim, args=(me,)) for me in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [number for numbers in claims.values() for number in numbers]
    assert len(every) == len(set(every))
    assert all(claims.values())  # whom others are ahead of gets fewer
