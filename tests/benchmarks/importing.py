"""Importing a chat export beside observing the same turns: processor time, and the memory that the process takes.

Run:  python tests/benchmarks/importing.py [--sizes 5000 20000] [--encoder hashing|minilm] [--rounds 3]
A ChatGPT export of conversations of 50 messages is written; in processes of their own, alternately, it is imported, and
its turns are observed 500 at a time. Prints the medians of processor time and their ratio, what reading the file alone
and importing it again cost, and the peak of resident memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TypeVar

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from rich.console import Console
from rich.table import Table
from session_read import turns

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.importers import read_records
from memkit.importers.records import Source, SourceRecord

T = TypeVar("T")
CONVERSATION_TURNS, BATCH_TURNS = 50, 500


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def write_export(path: Path, size: int) -> None:
    with path.open("w") as file:
        for number, part in enumerate(batched(turns(0, size, CONVERSATION_TURNS), CONVERSATION_TURNS)):
            nodes = {}
            for place, turn in enumerate(part):
                message = {
                    "id": f"m-{number}-{place}", "author": {"role": turn.role}, "recipient": "all",
                    "create_time": turn.moment.timestamp() if turn.moment else None, "metadata": {},
                    "content": {"content_type": "text", "parts": [turn.text]},
                }  # fmt: skip
                parent = f"m-{number}-{place - 1}" if place else None
                nodes[message["id"]] = {"id": message["id"], "parent": parent, "children": [], "message": message}
            conversation = {"id": f"c-{number}", "title": "A talk", "mapping": nodes, "current_node": message["id"]}
            file.write(("," if number else "[") + json.dumps(conversation))
        file.write("]")


def run_once(task: str, export: Path, encoder: str) -> None:
    """One task in this process; prints seconds of processor time and the peak of resident memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = HashingEncoder() if encoder == "hashing" else None
        with memkit.open(Path(folder) / "memory.db", encoder=chosen) as store:
            store.warm()
            call = prepared(task, export, store)
            start = time.process_time()
            call()
            seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps([seconds, peak]))


def prepared(task: str, export: Path, store: memkit.MemoryStore) -> Callable[[], object]:
    if task == "read":
        return lambda: sum(1 for _ in read_records("chatgpt", Source(export)))
    if task == "observe":
        records = [r.content for r in read_records("chatgpt", Source(export)) if isinstance(r, SourceRecord)]
        return lambda: [store.bank("user").observe(part) for part in batched(records, BATCH_TURNS)]
    if task == "import again":
        store.import_from("chatgpt", export, bank=("user",))
    return lambda: store.import_from("chatgpt", export, bank=("user",))


def measured(task: str, export: Path, encoder: str) -> tuple[float, float]:
    command = [sys.executable, __file__, "--once", task, "--export", str(export), "--encoder", encoder]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, peak = json.loads(output.strip().splitlines()[-1])
    return seconds, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 20_000])
    parser.add_argument("--encoder", choices=["hashing", "minilm"], default="hashing")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", help=argparse.SUPPRESS)
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        run_once(given.once, given.export, given.encoder)
        return
    table = Table("turns", "read, s", "observe, s", "import, s", "import : observe", "again, s", "import, MB")
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            export = Path(folder) / "conversations.json"
            write_export(export, size)
            tasks = ("read", "observe", "import", "import again")
            runs = [{task: measured(task, export, given.encoder) for task in tasks} for _ in range(given.rounds)]
        read, observe, first, again = (median(run[task][0] for run in runs) for task in tasks)
        peak = median(run["import"][1] for run in runs)
        cells = (
            f"{read:.2f}",
            f"{observe:.1f}",
            f"{first:.1f}",
            f"{first / observe:.2f}",
            f"{again:.2f}",
            f"{peak:.0f}",
        )
        table.add_row(f"{size:,}", *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
