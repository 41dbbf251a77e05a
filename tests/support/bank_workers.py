"""Workers that tests run as processes of their own, on one file; importable by a process that is spawned."""

import asyncio
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock


def work(path: Path, me: int, seconds: float, ready: Any, report: Any) -> None:
    """Write and recall for a while, once all are ready; tell how much was written and the longest wait."""
    written, longest, seen = 0, 0.0, 0
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("shared")
        ready.wait(60)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.monotonic()
            bank.observe([memkit.Turn(f"Worker {me} says word number {written}", f"w{me}", id=f"{me}-{written}")])
            longest = max(longest, time.monotonic() - start)
            written += 1
            seen = max(seen, len({h.memory.speaker for h in bank.recall("worker says word", k=50, min_score=0)}))
    report.put((me, written, longest, seen))


def serve(path: Path, me: int, requests: int) -> None:
    """Work as a web server's worker does: an event loop of its own, many requests at a time."""

    async def request(store: memkit.MemoryStore, number: int) -> None:
        bank = store.bank(f"user{number % 5}")
        await bank.aio.observe([memkit.Turn(f"Worker {me} heard {number}", "ana", id=f"{me}-{number}")])
        await bank.aio.recall("What was heard?", k=3)

    async def loop() -> None:
        with memkit.open(path, encoder=HashingEncoder()) as store:
            await asyncio.gather(*(request(store, number) for number in range(requests)))

    asyncio.run(loop())


def load_and_die(location: Path, file: Path, after: int, now: datetime) -> None:
    """Load an export, and die at once when so many memories are done."""
    done = 0

    def count(number: int) -> None:
        nonlocal done
        done += number
        if done >= after:
            os._exit(9)

    with memkit.open(location, encoder=HashingEncoder(64), clock=FrozenClock(now)) as store:
        store.load(file, progress=count)
