"""Run as a program, with a database and an encoder: imports memkit, opens the file and asks, measuring each.

Nothing but the standard library and the room's own meter is imported before. Prints the figures of
`measure.WorkerFigures` as one JSON object.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from memkit.evaluation.footprint.resident import resident

RECALLS_AT_ONCE = 64
TICK_S = 0.001  # how often the event loop is asked whether it is free
QUESTION_TEXT = "What was said about the ladder?"


class Meter:
    """Notes the megabytes that the process holds, and the milliseconds since the last note."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {"python_mb": resident()}
        self._since = time.perf_counter()

    def note(self, time_of: str, memory_of: str | None = None) -> None:
        self.figures[f"{time_of}_ms"] = 1000 * (time.perf_counter() - self._since)
        if memory_of is not None:
            self.figures[f"{memory_of}_mb"] = resident()
        self._since = time.perf_counter()


def work(db: Path, encoder: str) -> dict[str, float]:
    """All figures of a process that did nothing before."""
    meter = Meter()
    import memkit
    from memkit.encoders import OnnxEncoder, encoder_named

    meter.note("import", "imported")
    chosen = OnnxEncoder(encoder) if Path(encoder).is_dir() else encoder_named(encoder)
    with memkit.open(db, encoder=chosen, read_only=True) as store:
        bank = store.bank("ana")
        meter.note("open", "opened")
        bank.recall(QUESTION_TEXT)
        meter.note("first_recall", "recalled")
        bank.recall(QUESTION_TEXT)
        meter.note("next_recall")
        return meter.figures | asyncio.run(at_once(bank))


async def at_once(bank: Any) -> dict[str, float]:
    """Recalls per second with many at once, and the longest hold of the event loop in milliseconds."""
    holds = [0.0]

    async def tick() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(TICK_S)
            holds.append(time.perf_counter() - start - TICK_S)

    ticking = asyncio.create_task(tick())
    start = time.perf_counter()
    await asyncio.gather(
        *(bank.aio.recall(f"{QUESTION_TEXT} ({number})", reinforce=False) for number in range(RECALLS_AT_ONCE))
    )
    rate = RECALLS_AT_ONCE / (time.perf_counter() - start)
    ticking.cancel()
    return {"recalls_at_once": RECALLS_AT_ONCE, "recalls_per_s": rate, "longest_hold_ms": 1000 * max(holds)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(Path(sys.argv[1]), sys.argv[2])) + "\n")
