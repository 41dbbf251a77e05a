"""Calls whose round trips are counted: each was made before, so that nothing is first about it but what is meant."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from round_trips import COUNTING_DELAY, Proxy, Trip

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock

START_TIME = datetime(2025, 6, 2, 12, tzinfo=UTC)
EXCHANGE_COUNT = 20
TOWNS = "Lisbon Porto Faro Braga Evora Coimbra Aveiro Sintra Tavira Lagos".split()
QUESTION = "Who lives in Lisbon?"
MAX_TRIPS = {
    "recall, warm": 3,
    "recall after another worker's write": 5,
    "recall, cold": 8,
    "observe": 8,
    "erase one memory": 40,
    f"think over {EXCHANGE_COUNT} exchanges at once": 60,
    f"think over {EXCHANGE_COUNT} exchanges, one by one": 60,
}
UNAWAITED = ["ROLLBACK"]  # of a snapshot's end, which goes with the next call where that comes soon enough
Call = Callable[[], object]


def said(number: int, at: datetime | None = None) -> memkit.Turn:
    """A turn that tells something."""
    town = TOWNS[number % len(TOWNS)]
    text = f"My friend number {number} lives in {town} and keeps {number} bees."
    return memkit.Turn(text, "ana", id=f"t{number}", at=at)


class CountedStore:
    """A store under a clock of its own, with the calls that are counted; `other`: another worker's store."""

    def __init__(self, location: str, size: int, other_location: str | None = None) -> None:
        self.clock = FrozenClock(START_TIME + timedelta(days=400))
        self.location, self.size = location, size
        self.store = self.opened(location)
        self.other = self.opened(other_location or location)
        self.bank, self.others = self.store.bank("acme", "ana"), self.other.bank("acme", "ana")
        self.next = size
        self.bank.observe([said(n, START_TIME + timedelta(hours=8 * n)) for n in range(size)])
        self.bank.think()
        for _ in range(2):
            self.observe()
            self.recall()

    def opened(self, location: str) -> memkit.MemoryStore:
        return memkit.open(location, encoder=HashingEncoder(), clock=self.clock)

    def recall(self) -> memkit.Recollection:
        return self.bank.recall(QUESTION, k=5)

    def observe(self) -> None:
        """Say the next thing."""
        self.say(self.bank)

    def say(self, bank: memkit.MemoryBank) -> None:
        self.next += 1
        self.clock.advance(timedelta(hours=8))
        bank.observe([said(self.next)])

    def forget_index(self) -> None:
        """Drop what is loaded, as in a worker that meets the bank for the first time."""
        self.store._services.indexes.drop()

    def erase(self) -> None:
        """Erase a turn from which a thought was made."""
        self.bank.erase(ids=["t7"])

    def calls(self) -> Iterator[tuple[str, Call]]:
        """Names of the calls, each set up before it is given."""
        yield "recall, warm", self.recall
        self.say(self.others)
        yield "recall after another worker's write", self.recall
        self.forget_index()
        yield "recall, cold", self.recall
        yield "observe", self.observe
        self.bank.think()
        self.recall()
        yield "erase one memory", self.erase
        self.hear_exchanges()
        yield f"think over {EXCHANGE_COUNT} exchanges at once", lambda: self.bank.think(batch=EXCHANGE_COUNT)
        self.hear_exchanges()
        yield f"think over {EXCHANGE_COUNT} exchanges, one by one", self.bank.think

    def hear_exchanges(self) -> None:
        """Let exchanges wait to be thought about, and nothing else."""
        self.bank.think()
        for _ in range(EXCHANGE_COUNT):
            self.observe()
        self.clock.advance(timedelta(days=1))
        self.recall()

    def close(self) -> None:
        self.store.close()
        self.other.close()


@contextmanager
def counted_store(location: str, size: int, other_location: str | None = None) -> Iterator[CountedStore]:
    """A store with so many memories, closed at the end."""
    made = CountedStore(location, size, other_location)
    try:
        yield made
    finally:
        made.close()


def counted(proxy: Proxy, direct: str, size: int) -> dict[str, list[Trip]]:
    """The round trips of each call that it waits for; another worker's don't go through the proxy."""
    trips = {}
    proxy.delay(0.0)
    with counted_store(proxy.address, size, direct) as store:
        proxy.delay(COUNTING_DELAY)
        for name, call in store.calls():
            proxy.forget()
            call()
            trips[name] = [trip for trip in proxy.trips() if trip.statements != UNAWAITED]
    return trips
