"""What a memory takes on PostgreSQL: bytes in the tables, and in the server's log; beside a file.

Run:  python tests/benchmarks/postgres_sizes.py [--turns 20000] [--version 18]
Turns are observed one hundred at a time, then one at a time, with vectors of 384 numbers; the server is a real one of
the version's binaries. Prints bytes a turn.
"""

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

from rich.console import Console
from rich.table import Table
from session_read import turns

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import UnsafeServerWarning

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from postgres_server import PostgresServer, running

ENCODER_NUMBERS = 384
SESSION_TURNS, BATCH_TURNS, SINGLE_TURNS = 50, 100, 500


def log_place(server: PostgresServer) -> int:
    return int(server.administer("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")[0][0])


def fill(store: memkit.MemoryStore, first: int, last: int, batch: int) -> None:
    bank = store.bank("acme", "ana")
    every = list(turns(first, last, SESSION_TURNS))
    for start in range(0, len(every), batch):
        bank.observe(every[start : start + batch])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=20_000)
    parser.add_argument("--version", default="18")
    given = parser.parse_args()
    warnings.simplefilter("ignore", UnsafeServerWarning)
    encoder, table = HashingEncoder(ENCODER_NUMBERS), Table("bytes a turn", "PostgreSQL", "a file")
    settings = {"full_page_writes": "on", "max_wal_size": "1GB"}
    with running(given.version, settings=settings) as server, tempfile.TemporaryDirectory() as folder:
        address, path, singles = server.new_database(), Path(folder) / "memory.db", given.turns + SINGLE_TURNS
        with memkit.open(address, encoder=encoder) as store, memkit.open(path, encoder=encoder) as file:
            start = log_place(server)
            fill(store, 0, given.turns, BATCH_TURNS)
            loaded = log_place(server)
            fill(store, given.turns, singles, 1)
            single = log_place(server)
            fill(file, 0, singles, BATCH_TURNS)
            sizes = [each.stats()["bytes"]["total"] / singles for each in (store, file)]
    table.add_row("tables and indexes", *(f"{size:,.0f}" for size in sizes))
    table.add_row(f"log, {BATCH_TURNS} turns a call", f"{(loaded - start) / given.turns:,.0f}", "")
    table.add_row("log, one turn a call", f"{(single - loaded) / SINGLE_TURNS:,.0f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
