"""Workers that are killed at any moment, with a model that fails three times in ten: each exchange is applied once."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from engines import LASTING_ENGINES, Engine

import memkit
from memkit.encoders.hashing import HashingEncoder

WORKER_SCRIPT = """
import os, random, sys, time
sys.path.insert(0, sys.argv[1])
from scripted_model import ScriptedModel, inserting
import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings, Settings, ThinkSettings

chance = random.Random(os.getpid())

def answering(messages):
    time.sleep(chance.uniform(0, 0.02))
    roll = chance.random()
    if roll < 0.15:
        raise ConnectionError("the model is away")
    if roll < 0.3:
        return "I would rather not say."
    return inserting(messages, f" by {os.getpid()}-{chance.getrandbits(40)}")

settings = Settings(runtime=RuntimeSettings(lease=0.3), think=ThinkSettings(batch=int(sys.argv[3])))
with memkit.open(
    sys.argv[2], encoder=HashingEncoder(), thinker=ScriptedModel(answering=answering), settings=settings
) as store:
    print("ready", flush=True)
    while store.stats()["banks"]["ana"]["queue"]["waiting"]:
        store.bank("ana").think()
        time.sleep(0.01)
"""


def filled(location: str, exchanges: int) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    with memkit.open(location, encoder=HashingEncoder()) as store:
        for number in range(exchanges):
            turn = memkit.Turn(f"This is fact number {number}", "Ana", at=start + timedelta(hours=number))
            store.bank("ana").observe([turn])


def worker(location: str, batch: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WORKER_SCRIPT, str(Path(__file__).parents[2] / "support"), location, str(batch)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert started.stdout is not None
    started.stdout.readline()
    return started


def ended(process: "subprocess.Popen[str]", *, kill: bool) -> bool:
    """Whether a process was killed."""
    if kill and process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    code = process.wait()
    if process.stdout is not None:
        process.stdout.close()
    return code == -signal.SIGKILL


def applied_once(location: str, exchanges: int, kills: int, batch: int) -> int:
    """Work with two processes at a time, kill either at random, let the last pair finish; how many were killed."""
    filled(location, exchanges)
    chance, killed = random.Random(3), 0
    for _ in range(kills):
        pair = [worker(location, batch) for _ in range(2)]
        time.sleep(chance.uniform(0, 0.4))
        killed += sum(ended(process, kill=True) for process in pair)
    for process in [worker(location, batch) for _ in range(2)]:
        ended(process, kill=False)
    with memkit.open(location, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        thoughts = bank.list(kinds=["thought"], limit=10_000, states=["active", "superseded", "merged", "forgotten"])
        facts = Counter(re.findall(r"fact (\d+)", " ".join(thought.text for thought in thoughts)))
        assert facts == {str(number): 1 for number in range(exchanges)}
        assert store.stats()["banks"]["ana"]["queue"]["waiting"] == 0
        assert [problem for problem in store.doctor() if "erased bytes" not in problem] == []
    return killed


@pytest.mark.parametrize("engine", LASTING_ENGINES)
def test_workers_that_are_killed_apply_each_exchange_exactly_once(engine: Engine) -> None:
    with engine.database() as location:
        killed = applied_once(location, exchanges=80, kills=4, batch=1)
    print(f"\n80 exchanges, {killed} processes killed: each applied exactly once")
    assert killed >= 3


@pytest.mark.slow
@pytest.mark.parametrize("engine", LASTING_ENGINES)
@pytest.mark.parametrize("batch", [1, 4])
def test_workers_that_are_killed_thirty_times_apply_each_exchange_exactly_once(engine: Engine, batch: int) -> None:
    with engine.database() as location:
        killed = applied_once(location, exchanges=500, kills=15, batch=batch)
    print(f"\n500 exchanges in calls of {batch}, {killed} processes killed: each applied exactly once")
    assert killed >= 20
