"""Reading one session among many: what an adapter pays with every call, by the size of the bank.

Run:  python tests/benchmarks/session_read.py [--sizes 1000 10000 100000] [--turns 10]
A bank of sessions of ten turns, with HashingEncoder, in a file. Prints the median and the 95th percentile of 200 reads
each, in milliseconds: `bank.session`, the messages of LangChain's history, the whole preparation of a call with memory
(is it answered again, recall, observe), and the exponent with which reading grows with the bank.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from math import log
from pathlib import Path
from statistics import median, quantiles

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from memkit_adapters.langchain import MemkitChatMessageHistory, with_memory
from rich.console import Console
from rich.table import Table

import memkit
from memkit import Turn
from memkit.encoders.hashing import HashingEncoder

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
READ_COUNT, CALL_COUNT = 200, 20
THINGS = "key lamp boat kettle letter ladder coat bicycle violin carpet".split()
PLACES = "attic cellar garden harbour station market kitchen library stable chapel".split()


def turns(first: int, last: int, length: int) -> Iterator[Turn]:
    """Turns of sessions of one length, from one number up to another."""
    for number in range(first, last):
        thing, place = THINGS[number % 10], PLACES[number // 10 % 10]
        role, speaker = ("user", "ana") if number % 2 == 0 else ("assistant", "assistant")
        at = BEGIN + timedelta(minutes=number)
        text = f"In round {number} the {thing} of house {number % 977} was carried to the {place}."
        yield Turn(text, speaker, role=role, at=at, session=f"s{number // length}")


def timed(count: int, call: Callable[[], object]) -> list[float]:
    """Milliseconds of so many calls, after one to get warm."""
    call()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return times


def measured(bank: memkit.MemoryBank, sessions: int, length: int) -> list[list[float]]:
    """Times of a session, of its messages, and of a call's preparation."""
    draw = random.Random(7)

    def name() -> str:
        return f"s{draw.randrange(sessions)}"

    chat = with_memory(RunnableLambda(lambda messages: AIMessage("Noted.")), bank)

    def call() -> None:
        chat.invoke(f"Where is lamp number {draw.random()}?", {"configurable": {"session_id": "talk"}})

    assert len(bank.session("s0")) == length
    return [
        timed(READ_COUNT, lambda: bank.session(name()).last()),
        timed(READ_COUNT, lambda: MemkitChatMessageHistory(bank, name()).messages),
        timed(CALL_COUNT, call),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--turns", type=int, default=10)
    options = parser.parse_args()
    table = Table("memories", "session", "history", "call", title="milliseconds: median (95th percentile)")
    medians, filled = [], 0
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "sessions.db"
        bank = stack.enter_context(memkit.open(path, encoder=HashingEncoder())).bank("acme", "ana")
        for size in sorted(options.sizes):
            bank.observe(turns(filled, size, options.turns))
            filled = size
            columns = measured(bank, size // options.turns, options.turns)
            medians.append(median(columns[0]))
            cells = [f"{median(times):.2f} ({quantiles(times, n=20)[-1]:.2f})" for times in columns]
            table.add_row(f"{size:,}", *cells)
    Console().print(table)
    if len(medians) > 1:
        growth = log(medians[-1] / medians[0]) / log(max(options.sizes) / min(options.sizes))
        print(f"a session's read grows as N^{growth:.2f}")


if __name__ == "__main__":
    main()
