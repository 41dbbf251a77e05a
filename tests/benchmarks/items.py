"""Cost of items beside that of an observed turn, on disk: processor time of each verb, in one run.

    python tests/benchmarks/items.py --count 1000 --searched 10000

Prints microseconds, and the ratio to one durable `observe` with the hashing encoder; then the time of a search by
cosine over so many items with an index.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

import memkit
from memkit.encoders.hashing import HashingEncoder

TOWNS = ("Lisbon", "Porto", "Faro", "Lagos", "Braga")
WARM_ROUNDS = 100
SEARCH_COUNT = 20


def microseconds(action: Callable[[], object]) -> float:
    """Processor time of an action."""
    start = time.process_time_ns()
    action()
    return (time.process_time_ns() - start) / 1000


def measured(bank: memkit.MemoryBank, count: int) -> dict[str, list[float]]:
    """Times of each verb, taken in turns; every item is put, put again, read and deleted."""
    times: dict[str, list[float]] = {name: [] for name in ("observe", "put", "put again", "get_item", "delete_item")}
    for number in range(WARM_ROUNDS + count):
        key, value = f"k{number}", {"town": TOWNS[number % 5], "n": number, "open": True}
        turn = memkit.Turn(
            f"I moved to {TOWNS[number % 5]} with {number} boxes of books.", "ana", session=f"s{number // 40}"
        )
        actions: dict[str, Callable[[], object]] = {
            "observe": lambda turn=turn: bank.observe([turn]),
            "put": lambda key=key, value=value: bank.put(key, value, index=False),
            "put again": lambda key=key, value=value: bank.put(key, value, index=False),
            "get_item": lambda key=key: bank.get_item(key),
            "delete_item": lambda key=key: bank.delete_item(key),
        }
        for name, action in actions.items():
            took = microseconds(action)
            if number >= WARM_ROUNDS:
                times[name].append(took)
    return times


def searched(bank: memkit.MemoryBank, count: int) -> float:
    """Milliseconds of a search by cosine over so many items, the index loaded."""
    bank.put_many([{"key": f"i{n}", "value": f"{TOWNS[n % 5]} number {n}"} for n in range(count)])
    bank.recall("boats in Lisbon", kinds=["item"], by="cosine")
    asked = [f"boats in {TOWNS[n % 5]} {n}" for n in range(SEARCH_COUNT)]
    return statistics.median(
        microseconds(lambda query=query: bank.recall(query, kinds=["item"], by="cosine")) / 1000 for query in asked
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--searched", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, memkit.open(Path(folder) / "a.db", encoder=HashingEncoder()) as store:
        times = measured(store.bank("acme", "ana"), options.count)
        search = searched(store.bank("acme", "items"), options.searched)
    table = Table("verb", "median, microseconds", "of an observe")
    turn = statistics.median(times["observe"])
    for name, own in times.items():
        table.add_row(name, f"{statistics.median(own):.0f}", f"{statistics.median(own) / turn:.2f}")
    console = Console()
    console.print(table)
    console.print(f"A search by cosine over {options.searched:,} items: {search:.0f} ms")


if __name__ == "__main__":
    main()
