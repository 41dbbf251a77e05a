"""Workers that tests run as processes on one store, and the lines that they leave, whenever they are killed."""

import multiprocessing as mp
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import memkit
from memkit.encoders.hashing import HashingEncoder

BANK_COUNT = 3
ERASED_SHARE = 0.1  # of the calls that change something
PRELOADED_MODULES = ["memkit", "memkit.encoders.hashing", "memkit.storage.postgres.storage", "server_workers"]
RETRY_SECONDS = 0.05  # after an error


def context() -> ForkServerContext:
    """Processes that are forked from one that has memkit imported: they start in some milliseconds."""
    given = mp.get_context("forkserver")
    given.set_forkserver_preload(PRELOADED_MODULES)
    return given


@dataclass
class Told:
    """What workers said of the numbers that they wrote: stored, refused, or that nothing is known of them."""

    stored: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    unsettled: set[int] = field(default_factory=set)
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Log:
    """Lines appended to a file, each at once, so that a kill leaves whole ones."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def write_on(location: str, path: Path, first: int, thread_count: int) -> None:
    """Write until killed: from each thread numbers of its own, the turns without an id; tell how each call ended."""
    log = Log(path)
    with _opened(location, log) as store:
        threads = [
            threading.Thread(target=_write_numbers, args=(store, log, first + n * 100_000)) for n in range(thread_count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _opened(location: str, log: Log) -> memkit.MemoryStore:
    """The store, once the server takes connections."""
    while True:
        try:
            return memkit.open(location, encoder=HashingEncoder())
        except memkit.MemkitError as error:
            log.say("unopened", 0, type(error).__name__)
            time.sleep(RETRY_SECONDS)


def _write_numbers(store: memkit.MemoryStore, log: Log, first: int) -> None:
    number = first
    while True:
        log.say("try", number)
        try:
            store.bank("crash", str(number % BANK_COUNT)).observe([("ana", f"I moved to city number {number}.")])
            log.say("stored", number)
        except memkit.MemkitError as error:
            unsettled = type(error).__name__ == "UnsettledError"
            log.say("unsettled" if unsettled else "refused", number, type(error).__name__)
            time.sleep(RETRY_SECONDS)
        number += 1


def told(logs: Iterable[Path]) -> Told:
    """All that was said; what was tried and not told any more is unsettled."""
    all_told = Told()
    for path in logs:
        tried, settled = set[int](), set[int]()
        for line in path.read_text().split("\n")[:-1]:
            word, *rest = line.split()
            if len(rest) > 1:
                all_told.errors[rest[1]] += 1
            if word == "try":
                tried.add(int(rest[0]))
            elif word != "unopened":
                settled.add(int(rest[0]))
                getattr(all_told, word).add(int(rest[0]))
        all_told.unsettled |= tried - settled
    return all_told


def change_and_ask(location: str, me: int, calls: int, banks: int, ready: Any, report: Any) -> None:
    """Write, erase and recall in turn, in banks that all share; tell when each call began and ended, what it saw."""
    chance, events = random.Random(me), list[tuple[Any, ...]]()
    own: dict[str, list[str]] = defaultdict(list)  # by bank, what may be erased
    with memkit.open(location, encoder=HashingEncoder()) as store:
        ready.wait(60)
        for number in range(calls):
            name = str(chance.randrange(banks))
            bank, id = store.bank("shared", name), f"{me}-{number}"
            begun = time.monotonic()
            if number % 2:
                seen = [hit.memory.id for hit in bank.recall("Who moved to which city?", k=10_000, min_score=0)]
                events.append(("recall", name, begun, time.monotonic(), seen))
            elif own[name] and chance.random() < ERASED_SHARE:
                gone = own[name].pop(chance.randrange(len(own[name])))
                bank.erase(ids=[gone])
                events.append(("erase", name, begun, time.monotonic(), gone))
            else:
                bank.observe([memkit.Turn(f"I moved to city number {id}.", "ana", id=id)])
                own[name].append(id)
                events.append(("write", name, begun, time.monotonic(), id))
    report.put(events)


def stale_answers(events: Iterable[tuple[Any, ...]]) -> list[str]:
    """Recalls that lack what had been written, or hold what had been erased, when they began."""
    by_bank = defaultdict(list)
    for event in events:
        by_bank[event[1]].append(event)
    stale = []
    for name, own in by_bank.items():
        written = sorted((ended, id) for kind, _, _, ended, id in own if kind == "write")
        erased_from = {id: (begun, ended) for kind, _, begun, ended, id in own if kind == "erase"}
        for kind, _, begun, ended, seen in own:
            if kind != "recall":
                continue
            answer = set(seen)
            must = {id for at, id in written if at < begun and not (id in erased_from and erased_from[id][0] < ended)}
            gone = {id for id, (_, at) in erased_from.items() if at < begun}
            stale += [f"{name}: {id} is missing" for id in must - answer]
            stale += [f"{name}: {id} was erased" for id in gone & answer]
    return stale
