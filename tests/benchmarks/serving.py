"""A server under load over HTTP: `python tests/benchmarks/serving.py [--workers N] [--seconds S]`.

Prints the time of one client's recall, the capacity with 64 connections, and how a server does at half of it, and at
twice of it, where it refuses what is too much. Then looks whether each turn that was acknowledged is in the file.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from memkit_server import memkit_server
from open_loop import LoadReport, closed_loop, lost, open_loop, requests

import memkit
from memkit.encoders.hashing import HashingEncoder

BANK_COUNT = 200
BANK_TURNS = 30
CONNECTIONS = 64
MANY_CONNECTIONS = 256


def filled(path: Path, banks: int = BANK_COUNT, turns: int = BANK_TURNS) -> Path:
    """A database of so many banks, each with so many turns."""
    with memkit.open(path, encoder=HashingEncoder()) as store:
        for number in range(banks):
            said = [("ana", f"I moved to city number {33 * turn + number}.") for turn in range(turns)]
            store.bank("load", str(number)).observe(said)
    return path


async def measure(url: str, seconds: float, banks: int = BANK_COUNT) -> dict[str, LoadReport]:
    """Reports of one client, of the capacity, and of an open loop at half and at twice of it."""
    recalls = requests(1, banks, observed_share=0)
    reports = {
        "warming up": await closed_loop(url, requests(2, banks), connections=4, seconds=seconds / 2),
        "one client": await closed_loop(url, recalls, connections=1, seconds=seconds / 2),
        "capacity": await closed_loop(url, requests(3, banks), connections=CONNECTIONS, seconds=seconds),
    }
    rate = reports["capacity"].rate
    for name, share, connections in (("half", 0.5, CONNECTIONS), ("twice", 2.0, MANY_CONNECTIONS)):
        load = requests(4 if name == "half" else 5, banks)
        reports[name] = await open_loop(url, load, rate=share * rate, connections=connections, seconds=seconds)
    return reports


def table(reports: dict[str, LoadReport]) -> Table:
    """The reports as a table."""
    out = Table("load", "answered/s", "recall p50 ms", "p99 ms", "p99 / one client's p50", "statuses")
    alone = reports["one client"].percentile(50)
    for name, report in reports.items():
        p50, p99 = report.percentile(50), report.percentile(99)
        statuses = ", ".join(f"{status}: {count}" for status, count in report.statuses.items())
        out.add_row(name, f"{report.rate:.0f}", f"{1e3 * p50:.1f}", f"{1e3 * p99:.1f}", f"{p99 / alone:.1f}", statuses)
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = filled(Path(folder) / "memory.db")
        with memkit_server(db, Path(folder), "--workers", str(given.workers), "--rate", "1000000") as server:
            reports = asyncio.run(measure(server.url, given.seconds))
            server.end()
        Console(width=120).print(table(reports))
        with memkit.open(db, encoder=HashingEncoder()) as store:
            missing = lost(store, list(reports.values()))
            print(
                f"{sum(1 for r in reports.values() for _ in r.acknowledged())} turns acknowledged, {len(missing)} lost"
            )


if __name__ == "__main__":
    main()
