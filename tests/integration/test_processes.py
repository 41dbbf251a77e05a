"""Several processes and threads on one file: nothing lost, nothing doubled, nobody starves."""

import multiprocessing as mp
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder

PROCESSES = 4


def work(path: Path, me: int, seconds: float, report: Any) -> None:
    """Write and recall for a while; tell how much was written and the longest wait."""
    end, written, longest, seen = time.monotonic() + seconds, 0, 0.0, 0
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("shared")
        while time.monotonic() < end:
            start = time.monotonic()
            bank.observe([memkit.Turn(f"Worker {me} says word number {written}", f"w{me}", id=f"{me}-{written}")])
            longest = max(longest, time.monotonic() - start)
            written += 1
            seen = max(seen, len({h.memory.speaker for h in bank.recall("worker says word", k=50, min_score=0)}))
    report.put((me, written, longest, seen))


def together(path: Path, seconds: float, method: str) -> dict[int, tuple[int, float, int]]:
    context = mp.get_context(method)
    report = context.Queue()
    workers = [context.Process(target=work, args=(path, me, seconds, report)) for me in range(PROCESSES)]
    for worker in workers:
        worker.start()
    found = {me: rest for me, *rest in (report.get(timeout=seconds + 60) for _ in workers)}
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    return {me: (written, longest, seen) for me, (written, longest, seen) in found.items()}


def check(path: Path, found: dict[int, tuple[int, float, int]], seconds: float) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        expected = {f"{me}-{n}" for me, (written, _, _) in found.items() for n in range(written)}
        stored = [m.id for m in store.bank("shared").list(limit=10_000)]
        assert len(stored) == len(set(stored))
        assert set(stored) == expected
        assert store.doctor() == []
    counts = [written for written, _, _ in found.values()]
    assert min(counts) * 4 >= max(counts), counts
    assert max(longest for _, longest, _ in found.values()) < seconds / 2
    assert all(seen == PROCESSES for _, _, seen in found.values())


def test_four_processes_on_one_file_lose_nothing_and_each_sees_the_others(path: Path) -> None:
    memkit.open(path, encoder=HashingEncoder()).close()
    check(path, together(path, 4.0, "spawn"), 4.0)


@pytest.mark.slow
def test_four_processes_on_one_file_for_half_a_minute(path: Path) -> None:
    memkit.open(path, encoder=HashingEncoder()).close()
    check(path, together(path, 30.0, "spawn"), 30.0)


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
