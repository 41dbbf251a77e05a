"""A process that is killed at any moment loses nothing that it was told is stored."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder

WRITER_SCRIPT = """
import sys, memkit
from memkit.encoders.hashing import HashingEncoder
path, start = sys.argv[1], int(sys.argv[2])
with memkit.open(path, encoder=HashingEncoder()) as store:
    bank = store.bank("crash")
    print("ready", flush=True)
    number = start
    while True:
        turns = [memkit.Turn(f"I moved to city number {number + i}", "ana", id=f"t{number + i}") for i in range(3)]
        bank.observe(turns)
        print(number + 2, flush=True)
        if number % 7 == 0:
            bank.think()
        if number % 11 == 0:
            bank.erase(ids=[f"t{number}"])
            print(f"erased {number}", flush=True)
        number += 3
"""


def killed(path: Path, start: int, after: float) -> tuple[int, set[str]]:
    """Run a writer, kill it after a while; the last number that it said was stored, and what was erased."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER_SCRIPT, str(path), str(start)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    time.sleep(after)
    writer.send_signal(signal.SIGKILL)
    said = writer.stdout.read().split("\n")
    writer.wait()
    writer.stdout.close()
    whole = said[:-1]  # the last line may be cut off
    numbers = [int(line) for line in whole if line.isdecimal()]
    return max(numbers, default=start - 1), {f"t{line.split()[1]}" for line in whole if line.startswith("erased")}


def crash(path: Path, times: int, seed: int = 7) -> None:
    chance, last, erased = random.Random(seed), -1, set[str]()
    for _ in range(times):
        last_said, gone = killed(path, last + 1, chance.uniform(0, 0.3))
        erased |= gone
        with memkit.open(path, encoder=HashingEncoder()) as store:
            problems = store.doctor()
            assert [p for p in problems if "erased bytes" not in p] == []
            stored = {m.id for m in store.bank("crash").list(kinds=["turn"], limit=10_000)}
            expected = {f"t{n}" for n in range(last_said + 1)}
            assert stored & erased == set()
            assert {t for t in expected - stored - erased if int(t[1:]) % 11 != 0} == set()
            numbers = [int(t[1:]) for t in stored]
            last = max(numbers, default=-1)
            last += (2 - last) % 3


def test_twenty_kills_lose_no_write_that_had_returned(path: Path) -> None:
    crash(path, 20)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_thousand_kills_lose_no_write_that_had_returned(tmp_path: Path) -> None:
    for part in range(20):
        crash(tmp_path / f"{part}.db", 50, seed=part)
