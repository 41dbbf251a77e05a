"""Several processes and threads on one file: nothing lost, nothing doubled, nobody starves."""

import multiprocessing as mp
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bank_workers import serve, work
from forking import FORKED_COUNTS, FORKING_SCRIPT

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import MemkitError
from memkit.storage.sqlite.storage import SqliteStorage

PROCESS_COUNT = 4


def together(path: Path, seconds: float, method: str) -> dict[int, tuple[int, float, int]]:
    context = mp.get_context(method)
    ready, report = context.Barrier(PROCESS_COUNT), context.Queue()
    workers = [context.Process(target=work, args=(path, me, seconds, ready, report)) for me in range(PROCESS_COUNT)]
    for worker in workers:
        worker.start()
    reports = {me: rest for me, *rest in (report.get(timeout=seconds + 60) for _ in workers)}
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    return {me: (written, longest, seen) for me, (written, longest, seen) in reports.items()}


def check(path: Path, reports: dict[int, tuple[int, float, int]], seconds: float) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        expected = {f"{me}-{n}" for me, (written, _, _) in reports.items() for n in range(written)}
        stored = [m.id for m in store.bank("shared").list(limit=10_000)]
        assert len(stored) == len(set(stored))
        assert set(stored) == expected
        assert store.doctor() == []
    counts = [written for written, _, _ in reports.values()]
    assert min(counts) * 4 >= max(counts), counts
    assert max(longest for _, longest, _ in reports.values()) < seconds / 2
    assert all(seen == PROCESS_COUNT for _, _, seen in reports.values())


def test_four_processes_on_one_file_lose_nothing_and_each_sees_the_others(path: Path) -> None:
    memkit.open(path, encoder=HashingEncoder()).close()
    check(path, together(path, 4.0, "spawn"), 4.0)


@pytest.mark.slow
def test_four_processes_on_one_file_for_half_a_minute(path: Path) -> None:
    memkit.open(path, encoder=HashingEncoder()).close()
    check(path, together(path, 30.0, "spawn"), 30.0)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_forks_of_a_process_whose_threads_write_lose_nothing(path: Path) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING_SCRIPT, str(path)]
    subprocess.run(command, check=True, timeout=40)
    with memkit.open(path, encoder=HashingEncoder()) as store:
        expected = {f"{me}-{n}" for me, count in FORKED_COUNTS.items() for n in range(count)}
        assert {m.id for m in store.bank("shared").list(limit=10_000)} == expected
        assert store.doctor() == []


def test_workers_with_event_loops_of_their_own_lose_nothing(path: Path) -> None:
    memkit.open(path, encoder=HashingEncoder()).close()
    workers = [mp.get_context("spawn").Process(target=serve, args=(path, me, 60)) for me in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    with memkit.open(path, encoder=HashingEncoder()) as store:
        stored_ids = {m.id for n in range(5) for m in store.bank(f"user{n}").list(limit=1000)}
        assert stored_ids == {f"{me}-{number}" for me in range(3) for number in range(60)}
        assert store.doctor() == []


def test_calls_go_on_while_somebody_closes_the_last_connection_of_the_file(store: memkit.MemoryStore) -> None:
    bank, errors, done = store.bank("ana"), list[MemkitError](), threading.Event()
    assert isinstance(store._storage, SqliteStorage)
    connections = store._storage._connections

    def closing() -> None:
        while not done.is_set():
            connections.release()

    def asking(me: int) -> None:
        try:
            for n in range(40):
                bank.observe([memkit.Turn(f"Word {me} number {n}", "ana", id=f"{me}-{n}")])
                bank.list(limit=3)
        except MemkitError as error:
            errors.append(error)

    threads = [threading.Thread(target=closing), *(threading.Thread(target=asking, args=(me,)) for me in range(3))]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    done.set()
    threads[0].join()
    assert errors == []
    assert len(bank.list(limit=1000)) == 120


def test_threads_share_a_store(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        errors: list[BaseException] = []

        def use(me: int) -> None:
            try:
                for n in range(20):
                    store.bank("shared").observe([(f"t{me}", f"Thread {me} says {n}")])
                    store.bank("shared").recall(f"thread {me}", min_score=0)
            except memkit.MemkitError as error:
                errors.append(error)

        threads = [threading.Thread(target=use, args=(me,)) for me in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(store.bank("shared").list(limit=1000)) == 120
        assert store.doctor() == []
