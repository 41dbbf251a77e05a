"""Servers and workers that are killed under eight writers: nothing acknowledged is lost, nothing is there twice."""

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import postgres_server
import pytest
import server_workers
from engines import problems
from postgres_server import PostgresServer
from server_workers import BANK_COUNT, Told

import memkit
from memkit.encoders.hashing import HashingEncoder

PROCESS_COUNT = 4
THREADS_EACH = 2
READY_SECONDS = 60.0
PAGE_LIMIT = 10_000


@dataclass
class Crew:
    """Writing processes on one database, each replaced where it is killed."""

    location: str
    folder: Path
    processes: list[BaseProcess] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context = server_workers.context()
        self.processes = [self.worker() for _ in range(PROCESS_COUNT)]

    def worker(self) -> BaseProcess:
        self.logs.append(self.folder / f"{len(self.logs)}.log")
        self.logs[-1].touch()
        first = len(self.logs) * 1_000_000
        process = self.context.Process(
            target=server_workers.write_on, args=(self.location, self.logs[-1], first, THREADS_EACH), daemon=True
        )
        process.start()
        return process

    def kill(self, place: int) -> None:
        self.processes[place].kill()
        self.processes[place].join()

    def wait(self) -> None:
        """Wait until every worker that lives has stored something."""
        living = self.logs[-PROCESS_COUNT:]
        deadline = time.monotonic() + READY_SECONDS
        while not all("stored" in log.read_text() for log in living):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@contextmanager
def crew(location: str, folder: Path) -> Iterator[Crew]:
    working = Crew(location, folder)
    try:
        yield working
    finally:
        for place in range(PROCESS_COUNT):
            working.kill(place)


def kill_at_random(server: PostgresServer, working: Crew, times: int, seed: int) -> Counter[str]:
    """Kill the server, or a worker, at random moments; each is there again at once."""
    chance, kills = random.Random(seed), Counter[str]()
    for _ in range(times):
        time.sleep(chance.uniform(0.1, 0.6))
        if chance.random() < 0.5:
            server.kill()
            time.sleep(chance.uniform(0, 0.3))
            server.start()
            kills["server"] += 1
        else:
            place = chance.randrange(PROCESS_COUNT)
            working.kill(place)
            working.processes[place] = working.worker()
            kills["worker"] += 1
    return kills


def every_turn(bank: memkit.MemoryBank) -> Iterator[memkit.Memory]:
    after = None
    while page := bank.list(kinds=["turn"], limit=PAGE_LIMIT, after=after):
        yield from page
        after = page[-1].id


def check(location: str, said: Told) -> None:
    """Compare what is stored with what the writers were told."""
    counted = Counter[int]()
    with memkit.open(location, encoder=HashingEncoder()) as store:
        for name in range(BANK_COUNT):
            turns = every_turn(store.bank("crash", str(name)))
            counted.update(int(number) for turn in turns for number in re.findall(r"\d+", turn.text))
        assert problems(store) == []
    assert [number for number, count in counted.items() if count > 1] == []
    assert said.stored - set(counted) == set()
    assert said.refused & set(counted) == set()
    assert set(counted) <= said.stored | said.unsettled


def killed(version: str, folder: Path, times: int) -> tuple[Told, Counter[str]]:
    with postgres_server.running(version, durable=True) as server:
        location = server.new_database()
        with crew(location, folder) as working:
            working.wait()
            kills = kill_at_random(server, working, times, seed=7)
            time.sleep(1)
        said = server_workers.told(working.logs)
        check(location, said)
    print(
        f"\nPostgreSQL {version}: {dict(kills)} killed under {PROCESS_COUNT * THREADS_EACH} writers; "
        f"{len(said.stored)} stored, {len(said.refused)} refused, {len(said.unsettled)} unknown; {dict(said.errors)}"
    )
    return said, kills


def test_ten_kills_of_server_and_workers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    said, kills = killed("18", tmp_path, 10)
    assert said.stored
    assert kills.total() == 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_kills_of_server_and_workers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    said, kills = killed("18", tmp_path, 100)
    assert len(said.stored) > 1000
    assert min(kills.values()) > 30


@pytest.mark.slow
@pytest.mark.engines
@pytest.mark.timeout(1800)
def test_a_hundred_kills_of_an_older_server_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    said, kills = killed("15", tmp_path, 100)
    assert len(said.stored) > 1000
    assert min(kills.values()) > 30
