"""Round trips of the calls that people wait for, in a small bank and in one with blocks."""

import time
from collections.abc import Iterator

import postgres_server
import pytest
import round_trips
from counted_calls import MAX_TRIPS, counted, counted_store
from round_trips import Trip

SIZES = (60, 700)  # memories; of the second most lie in blocks
UNREACHED = tuple(name for name in MAX_TRIPS if name.endswith("one by one"))  # each reads what the one before wrote
LONG_DELAY_SECONDS = 0.5
CALLS = [
    pytest.param(name, marks=[pytest.mark.xfail(reason="takes more", strict=True)] if name in UNREACHED else [])
    for name in MAX_TRIPS
]


@pytest.fixture(scope="module", params=SIZES, ids="{} memories".format)
def trips(request: pytest.FixtureRequest) -> Iterator[dict[str, list[Trip]]]:
    direct = postgres_server.server().new_database()
    with round_trips.proxied(direct) as proxy:
        yield counted(proxy, direct, request.param)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_takes_no_more_round_trips_than_promised(trips: dict[str, list[Trip]], call: str) -> None:
    print(f"\n{call}: {len(trips[call])} round trips\n{round_trips.summary(trips[call])}")
    assert len(trips[call]) <= MAX_TRIPS[call]


def test_nobody_waits_for_the_end_of_a_snapshot() -> None:
    direct = postgres_server.server().new_database()
    with round_trips.proxied(direct, delay=0.0) as proxy, counted_store(proxy.address, 30, direct) as store:
        proxy.forget()
        store.recall()
        waited = [trip for trip in proxy.trips() if trip.statements != ["ROLLBACK"]]
        proxy.delay(LONG_DELAY_SECONDS)
        start = time.perf_counter()
        store.recall()
        assert time.perf_counter() - start < (len(waited) + 0.9) * LONG_DELAY_SECONDS
