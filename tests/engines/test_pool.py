"""The bounded pool of connections: many callers at once are all served, a restart is a clear error and no more."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles

import postgres_server
import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import MemkitError, StorageError

CALLER_COUNT = 200
POOL_SIZE = 8
ROUND_COUNT = 1  # calls of each
BANK_COUNT = 20
MAX_RATIO = 10  # of the slowest hundredth to the half


def filled(location: str) -> memkit.MemoryStore:
    store = memkit.open(location, encoder=HashingEncoder())
    for number in range(BANK_COUNT):
        turns = [("ana", f"I moved to city number {number} in year {n}.") for n in range(30)]
        store.bank("app", str(number)).observe(turns)
        store.bank("app", str(number)).recall("city", min_score=0)
    return store


def at_once(call: Callable[[int], None], count: int) -> list[float]:
    """Seconds that each of as many callers waited, who all begin at the same moment."""
    ready = threading.Barrier(count)

    def timed(me: int) -> list[float]:
        ready.wait(60)
        spans = []
        for number in range(ROUND_COUNT):
            start = time.perf_counter()
            call(me * ROUND_COUNT + number)
            spans.append(time.perf_counter() - start)
        return spans

    with ThreadPoolExecutor(count) as executor:
        return [span for spans in executor.map(timed, range(count)) for span in spans]


def test_two_hundred_callers_share_eight_connections_and_none_fails() -> None:
    server = postgres_server.server()
    location = server.new_database()
    connections = []
    with filled(f"{location}?pool={POOL_SIZE}") as store:

        def ask(number: int) -> None:
            hits = store.bank("app", str(number % BANK_COUNT)).recall("Which city?", k=3, min_score=0)
            assert len(hits) == 3
            if number % 100 == 0:
                connections.append(
                    server.administer("SELECT count(*) FROM pg_stat_activity WHERE usename = 'memkit'")[0][0]
                )

        spans = at_once(ask, CALLER_COUNT)
    percentiles = quantiles(spans, n=100)
    print(
        f"\n{len(spans)} recalls of {CALLER_COUNT} callers over {POOL_SIZE} connections: "
        f"p50 {percentiles[49] * 1000:.1f} ms, p99 {percentiles[98] * 1000:.1f} ms; {max(connections)} connections"
    )
    assert max(connections) <= POOL_SIZE
    assert percentiles[98] <= MAX_RATIO * percentiles[49]


def test_while_a_server_restarts_calls_fail_clearly_and_the_next_one_works() -> None:
    with postgres_server.running(durable=True) as server:
        location = server.new_database()
        with filled(f"{location}?pool={POOL_SIZE}") as store:
            bank = store.bank("app", "1")
            for how in (server.restart, lambda: (server.kill(), server.start())):
                how()
                assert len(bank.recall("Which city?", k=3, min_score=0)) == 3
                bank.observe([("ana", "I moved once more.")])
            server.stop()
            for call in (lambda: bank.recall("Which city?"), lambda: bank.observe([("ana", "Hello there.")])):
                with pytest.raises(StorageError) as raised:
                    call()
                assert server.password not in str(raised.value)
                assert "127.0.0.1" in str(raised.value)
                print(f"\n{type(raised.value).__name__}: {raised.value}")
            server.start()
            assert len(bank.recall("Which city?", k=3, min_score=0)) == 3
            assert len(bank.list(limit=1000)) == 32


def test_callers_in_the_midst_of_a_restart_get_an_answer_or_a_clear_error() -> None:
    with postgres_server.running(durable=True) as server, filled(f"{server.new_database()}?pool=4") as store:
        errors, answered, done = list[MemkitError](), list[int](), threading.Event()

        def ask(me: int) -> None:
            while not done.is_set():
                try:
                    answered.append(len(store.bank("app", str(me)).recall("Which city?", k=3, min_score=0)))
                except MemkitError as error:
                    errors.append(error)

        threads = [threading.Thread(target=ask, args=(me,)) for me in range(12)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.3)
            server.kill()
            time.sleep(0.2)
            server.start()
        time.sleep(0.3)
        done.set()
        for thread in threads:
            thread.join()
        assert set(answered) == {3}
        assert {type(error) for error in errors} <= {StorageError, *StorageError.__subclasses__()}
        assert not any(server.password in str(error) for error in errors)
        print(f"\n{len(answered)} answers, errors: { {type(error).__name__ for error in errors} }")
        assert len(store.bank("app", "1").recall("Which city?", k=3, min_score=0)) == 3


def test_connections_that_a_server_closed_are_replaced_without_an_error() -> None:
    server = postgres_server.server()
    location = server.new_database()
    database = postgres_server.database_of(location)
    with filled(location) as store:
        bank = store.bank("app", "2")
        for _ in range(3):
            own = f"datname = '{database}' AND usename = 'memkit'"
            server.administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own}")
            assert len(bank.recall("Which city?", k=3, min_score=0)) == 3
            bank.observe([("ana", "I am still here.")])


def test_a_store_that_is_closed_leaves_no_connection_open() -> None:
    server = postgres_server.server()
    location = server.new_database()
    filled(location).close()
    deadline = time.monotonic() + 5
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{postgres_server.database_of(location)}'"
    while (left := server.administer(query)) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == [(0,)]
