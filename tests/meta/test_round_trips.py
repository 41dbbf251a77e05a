"""The proxy that counts round trips: what waits counts, what is pipelined is one, a log-in is none."""

import time
from collections.abc import Iterator

import postgres_server
import psycopg
import pytest
import round_trips
from psycopg import Connection
from round_trips import Proxy

DELAY_SECONDS = 0.02


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with round_trips.proxied(postgres_server.server().new_database()) as running:
        yield running


@pytest.fixture
def connection(proxy: Proxy) -> Iterator["Connection[tuple[object, ...]]"]:
    with psycopg.connect(proxy.address, autocommit=True) as connected:
        yield connected


def test_a_log_in_is_no_round_trip(proxy: Proxy, connection: "Connection[tuple[object, ...]]") -> None:
    assert proxy.count() == 0


def test_each_statement_that_is_waited_for_is_a_round_trip_and_so_is_its_preparation(
    proxy: Proxy, connection: "Connection[tuple[object, ...]]"
) -> None:
    for number in range(8):  # the sixth is prepared first, and from there on known by its name
        connection.execute("SELECT %s", [number])
    statements = [trip.statements for trip in proxy.trips()]
    assert statements == [["SELECT $1"]] * 5 + [[]] + [["SELECT $1"]] * 3


def test_what_is_pipelined_is_one_round_trip_whatever_its_size(
    proxy: Proxy, connection: "Connection[tuple[object, ...]]"
) -> None:
    with connection.pipeline():
        for number in range(30):
            connection.execute("SELECT repeat('x', 100000), %s", [number])
    assert [len(trip.statements) for trip in proxy.trips()] == [30]


def test_a_result_that_is_asked_for_inside_a_pipeline_is_a_round_trip_of_its_own(
    proxy: Proxy, connection: "Connection[tuple[object, ...]]"
) -> None:
    with connection.pipeline():
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
        connection.execute("SELECT 2")
    assert [trip.statements for trip in proxy.trips()] == [["SELECT 1"], ["SELECT 2"]]


def test_a_transactions_begin_and_commit_count_where_they_are_waited_for(
    proxy: Proxy, connection: "Connection[tuple[object, ...]]"
) -> None:
    with connection.transaction():
        connection.execute("SELECT 1")
    assert [trip.statements for trip in proxy.trips()] == [["BEGIN"], ["SELECT 1"], ["COMMIT"]]


def test_rows_that_are_copied_wait_once_for_leave_and_once_for_the_end(
    proxy: Proxy, connection: "Connection[tuple[object, ...]]"
) -> None:
    connection.execute("CREATE TABLE noted (value int)")
    proxy.forget()
    with connection.cursor().copy("COPY noted FROM STDIN") as copy:
        for number in range(20_000):
            copy.write_row([number])
    assert proxy.count() == 2


def test_each_round_trip_takes_the_delay_once(proxy: Proxy, connection: "Connection[tuple[object, ...]]") -> None:
    proxy.delay(DELAY_SECONDS)
    proxy.forget()
    start = time.perf_counter()
    with connection.pipeline():
        for number in range(30):
            connection.execute("SELECT %s", [number])
    connection.execute("SELECT 1")
    assert time.perf_counter() - start >= proxy.count() * DELAY_SECONDS
