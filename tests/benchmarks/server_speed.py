"""PostgreSQL beside SQLite: recall, observe and a bulk load, alternated on one machine, over a socket.

    python tests/benchmarks/server_speed.py [memories] [version] [partitions]

Medians in ms, wall time and this process's own; the server waits for its disk, as SQLite does. Round trips are counted
by tests/support/round_trips.py, not here.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from postgres_server import database_of, running

import memkit
from memkit.encoders.hashing import HashingEncoder

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
QUESTION = "Who bought 12 pears on market 5?"
ROUNDS, COLD_ROUNDS, BULK_ROUNDS, BULK_TURNS = 200, 20, 3, 2000
Work = Callable[[memkit.MemoryStore, int], object]


def turns(count: int, number: int = 0) -> list[memkit.Turn]:
    texts = (f"I bought {i} apples and {i * 7 % 13} pears on market {i % 17}, number {number}." for i in range(count))
    return [
        memkit.Turn(text, "ana" if i % 2 else "bob", at=BEGIN + timedelta(minutes=i)) for i, text in enumerate(texts)
    ]


def recall(store: memkit.MemoryStore, number: int) -> object:
    return store.bank("ana").recall(QUESTION, reinforce=False)


def recall_cold(store: memkit.MemoryStore, number: int) -> object:
    store._services.indexes.drop()
    return recall(store, number)


def observe(store: memkit.MemoryStore, number: int) -> object:
    return store.bank("ana").observe([("ana", f"I met painter {number} in Porto today, number {number * 31}.")])


def load(store: memkit.MemoryStore, number: int) -> object:
    return store.bank("bulk", str(number)).observe(turns(BULK_TURNS, number))


def measure(name: str, stores: dict[str, memkit.MemoryStore], work: Work, rounds: int) -> None:
    """Print the medians of each store's times, and how they compare."""
    for number in range(min(rounds, 10)):
        for store in stores.values():
            work(store, -1 - number)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in stores}
    for number in range(rounds):
        for engine, store in stores.items():
            before = time.perf_counter(), time.process_time()
            work(store, number)
            times[engine].append((time.perf_counter() - before[0], time.process_time() - before[1]))
    (wall, own), (server_wall, server_own) = (
        [1000 * statistics.median(column) for column in zip(*rows, strict=True)] for rows in times.values()
    )
    print(
        f"{name:12} SQLite {wall:8.2f} ({own:8.2f})   PostgreSQL {server_wall:8.2f} ({server_own:8.2f})   "
        f"ratio {server_wall / wall:.2f} ({server_own / own:.2f})"
    )


@contextmanager
def opened(version: str, partitions: str = "0") -> Iterator[dict[str, memkit.MemoryStore]]:
    with running(version, durable=True) as server, tempfile.TemporaryDirectory() as folder:
        address = server.address(database_of(server.new_database()), over_socket=True) + f"&partitions={partitions}"
        locations = {"SQLite": f"{folder}/memory.db", "PostgreSQL": address}
        stores = {name: memkit.open(location, encoder=HashingEncoder()) for name, location in locations.items()}
        yield stores
        for store in stores.values():
            store.close()


def main(memories: int = 1000, version: str = "18", partitions: str = "0") -> None:
    with opened(version, partitions) as stores:
        for store in stores.values():
            store.bank("ana").observe(turns(memories))
        print(
            f"{memories} memories, PostgreSQL {version}, {partitions} partitions; ms, in brackets processor time here"
        )
        measure("recall", stores, recall, ROUNDS)
        measure("observe", stores, observe, ROUNDS)
        measure("recall cold", stores, recall_cold, COLD_ROUNDS)
        measure("bulk load", stores, load, BULK_ROUNDS)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
