"""A server under load: quick at half of what it can, refusing what is too much, losing nothing that it answered."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from memkit_server import MemkitServer, memkit_server
from open_loop import BROKEN, LoadReport, closed_loop, lost, open_loop, requests

import memkit
from memkit.encoders.hashing import HashingEncoder

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads processes from Linux's own lists")

BANK_COUNT = 200
BANK_TURNS = 30
MAX_P99_RATIO = 10  # of recall at half of the capacity, to one client's median
NO_RATE = ("--rate", "1000000")  # one token sends all of it


def filled(path: Path, banks: int) -> Path:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        for number in range(banks):
            said = [("ana", f"I moved to city number {33 * turn + number}.") for turn in range(BANK_TURNS)]
            store.bank("load", str(number)).observe(said)
    return path


def assert_nothing_is_lost(db: Path, *reports: LoadReport) -> None:
    assert any(True for report in reports for _ in report.acknowledged())
    with memkit.open(db, encoder=HashingEncoder()) as store:
        assert lost(store, reports) == []
        assert store.doctor() == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_at_half_of_its_capacity_it_is_quick_and_at_twice_it_refuses_and_loses_nothing(tmp_path: Path) -> None:
    db, seconds = filled(tmp_path / "memory.db", BANK_COUNT), 15.0
    with memkit_server(db, tmp_path, *NO_RATE) as server:

        async def measure() -> list[LoadReport]:
            url = server.url
            warm = await closed_loop(url, requests(1, BANK_COUNT), connections=8, seconds=seconds)
            alone = await closed_loop(url, requests(2, BANK_COUNT, 0.0), connections=1, seconds=seconds / 3)
            full = await closed_loop(url, requests(3, BANK_COUNT), connections=64, seconds=seconds)
            half = await open_loop(url, requests(4, BANK_COUNT), rate=full.rate / 2, connections=64, seconds=seconds)
            twice = await open_loop(url, requests(5, BANK_COUNT), rate=full.rate * 2, connections=256, seconds=seconds)
            return [warm, alone, full, half, twice]

        reports = asyncio.run(measure())
        assert server.end() == 0
    _, alone, full, half, twice = reports
    assert set(full.statuses) == set(half.statuses) == {200}
    assert half.percentile(99) <= MAX_P99_RATIO * alone.percentile(50)
    assert set(twice.statuses) <= {200, 429, 503}
    refused = [answer for answer in twice.answers if answer.status != 200]
    assert refused
    assert all(answer.retry_after for answer in refused)
    assert_nothing_is_lost(db, *reports)


def test_a_worker_that_is_killed_under_load_is_replaced_and_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    db, killed = filled(tmp_path / "memory.db", 20), list[int]()
    with memkit_server(db, tmp_path, "--workers", "2", *NO_RATE) as server:

        async def kill_twice() -> None:
            for _ in range(2):
                await asyncio.sleep(1.5)
                killed.append(server.workers()[0])
                os.kill(killed[-1], signal.SIGKILL)

        async def load() -> LoadReport:
            report, _ = await asyncio.gather(
                closed_loop(server.url, requests(1, 20, observed_share=0.9), connections=16, seconds=6), kill_twice()
            )
            return report

        report = asyncio.run(load())
        await_workers(server, 2)
        assert not set(server.workers()) & set(killed)
        after = asyncio.run(closed_loop(server.url, requests(2, 20), connections=8, seconds=1))
        assert server.end() == 0
    assert set(report.statuses) <= {200, BROKEN}
    assert report.statuses[BROKEN] >= 1
    assert set(after.statuses) == {200}
    assert_nothing_is_lost(db, report, after)


def await_workers(server: MemkitServer, count: int) -> None:
    """Wait until so many workers run, and one of them answers."""
    deadline = time.monotonic() + 30
    while len(server.workers()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.await_ready()
