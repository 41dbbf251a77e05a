"""Processes on one database: no stale answer, one schema of many first openings, forks with their own connections."""

import queue
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import postgres_server
import psycopg
import pytest
import server_workers
from engines import SERVED_ENGINES, Engine, problems
from forking import FORKED_COUNTS, FORKING_SCRIPT

import memkit
from memkit.encoders.hashing import HashingEncoder

PROCESS_COUNT = 4
OPENING_COUNT = 8
TABLES_QUERY = "SELECT count(*), count(DISTINCT nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
TABLES_QUERY += "WHERE relkind = 'r' AND nspname !~ '^pg_|^information_schema$'"


def together(location: str, calls: int, banks: int) -> list[tuple[object, ...]]:
    """Events of all calls of four processes."""
    context = server_workers.context()
    ready, report = context.Barrier(PROCESS_COUNT), context.Queue()
    arguments = [(location, me, calls // PROCESS_COUNT, banks, ready, report) for me in range(PROCESS_COUNT)]
    workers = [context.Process(target=server_workers.change_and_ask, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    events = [event for _ in workers for event in received(report, workers)]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    return events


def received(report: Any, workers: list[Any]) -> list[tuple[object, ...]]:
    """What one of the workers tells, unless one of them failed."""
    while True:
        try:
            return report.get(timeout=1)
        except queue.Empty:
            assert not any(worker.exitcode for worker in workers)


def fresh(location: str, calls: int, banks: int) -> None:
    memkit.open(location, encoder=HashingEncoder()).close()
    start = time.monotonic()
    events = together(location, calls, banks)
    kinds = Counter(event[0] for event in events)
    stale = server_workers.stale_answers(events)
    print(f"\n{dict(kinds)} in {time.monotonic() - start:.0f} s by {PROCESS_COUNT} processes: {len(stale)} stale")
    assert kinds.total() == calls
    assert stale[:5] == []


@pytest.mark.parametrize("engine", SERVED_ENGINES)
def test_no_answer_of_four_processes_is_staler_than_a_write_that_returned(engine: Engine) -> None:
    with engine.database() as location:
        fresh(location, 800, 6)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", SERVED_ENGINES)
def test_no_answer_of_ten_thousand_calls_is_staler_than_a_write_that_returned(engine: Engine) -> None:
    with engine.database() as location:
        fresh(location, 10_000, 40)


def open_at_once(location: str, ready: object, report: object) -> None:
    """Open a store when all are ready; tell how that went."""
    ready.wait(60)  # type: ignore[attr-defined]
    try:
        with memkit.open(location, encoder=HashingEncoder()) as store:
            store.bank("shared").observe([("ana", "I am here.")])
        report.put("")  # type: ignore[attr-defined]
    except memkit.MemkitError as error:
        report.put(f"{type(error).__name__}: {error}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", ["", "?partitions=8", "?schema=other"])
def test_eight_first_openings_at_once_give_one_schema(options: str) -> None:
    server = postgres_server.server()
    location = server.new_database()
    context = server_workers.context()
    ready, report = context.Barrier(OPENING_COUNT), context.Queue()
    arguments = (location + options, ready, report)
    workers = [context.Process(target=open_at_once, args=arguments) for _ in range(OPENING_COUNT)]
    for worker in workers:
        worker.start()
    assert [report.get(timeout=120) for _ in workers] == [""] * OPENING_COUNT
    with memkit.open(location + options, encoder=HashingEncoder()) as store:
        assert len(store.bank("shared").list()) == OPENING_COUNT
        assert problems(store) == []
    with psycopg.connect(location) as connection:
        assert connection.execute(TABLES_QUERY).fetchall()[0][1] == 1


@pytest.mark.parametrize("engine", SERVED_ENGINES)
def test_forks_of_a_process_whose_threads_write_lose_nothing(engine: Engine) -> None:
    with engine.database() as location:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING_SCRIPT, location]
        subprocess.run(command, check=True, timeout=60)
        with memkit.open(location, encoder=HashingEncoder()) as store:
            expected = {f"{me}-{n}" for me, count in FORKED_COUNTS.items() for n in range(count)}
            assert {memory.id for memory in store.bank("shared").list(limit=10_000)} == expected
            assert problems(store) == []
