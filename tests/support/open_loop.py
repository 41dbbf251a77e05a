"""Load on a server over HTTP: closed (each connection asks on), or open (requests come at their moments).

In an open loop a request's time counts from the moment at which it was to be sent, so that a slow server can't hide by
slowing those who ask.
"""

import asyncio
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

OBSERVED_SHARE = 0.3  # of the requests; the others recall
BROKEN = 0  # the status of a request whose connection broke off


@dataclass(frozen=True)
class LoadRequest:
    """A request of the load: a recall, or an observation of one turn with an id of its own."""

    verb: str
    bank: str
    turn: str | None
    data: bytes


@dataclass
class LoadAnswer:
    """An answer: its status, the seconds that it took, and whether it says when to come again."""

    request: LoadRequest
    status: int
    seconds: float
    retry_after: str | None


@dataclass
class LoadReport:
    """Answers of a load, in the order in which they came."""

    seconds: float
    answers: list[LoadAnswer] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answered requests a second, those that were refused aside."""
        return sum(answer.status == 200 for answer in self.answers) / self.seconds

    @property
    def statuses(self) -> dict[int, int]:
        """Number of answers by status."""
        return dict(sorted(Counter(answer.status for answer in self.answers).items()))

    def percentile(self, percent: int, verb: str = "recall") -> float:
        """Seconds within which this share of a verb's requests was answered."""
        times = [answer.seconds for answer in self.answers if answer.request.verb == verb and answer.status == 200]
        return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]

    def acknowledged(self) -> Iterator[tuple[str, str]]:
        """Bank and id of each turn that was acknowledged as stored."""
        for answer in self.answers:
            if answer.request.turn is not None and answer.status == 200:
                yield answer.request.bank, answer.request.turn


def requests(seed: int, banks: int, observed_share: float = OBSERVED_SHARE) -> Iterator[LoadRequest]:
    """Requests without end; those of two seeds have different ids."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        bank, place = f"load/{chance.randrange(banks)}", chance.randrange(1000)
        if chance.random() < observed_share:
            turn = f"{seed}-{number}"
            body = {"turns": [{"text": f"I moved to city number {place}.", "speaker": "ana", "id": turn}]}
            yield LoadRequest("observe", bank, turn, _request("observe", bank, body))
        else:
            body = {"query": f"Who moved to city number {place}?", "k": 5, "reinforce": False}
            yield LoadRequest("recall", bank, None, _request("recall", bank, body))


def _request(verb: str, bank: str, body: Any) -> bytes:
    content = json.dumps(body).encode()
    return (
        f"POST /v1/bank/{verb}?bank={bank} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


class Connection:
    """One connection, opened anew where the server closed it."""

    def __init__(self, url: str) -> None:
        self.host, self.port = urlsplit(url).hostname, urlsplit(url).port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, request: LoadRequest, since: float) -> LoadAnswer:
        """Send a request and wait for its answer."""
        try:
            status, headers = await self._exchange(request.data)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            status, headers = BROKEN, {}
        return LoadAnswer(request, status, time.monotonic() - since, headers.get("retry-after"))

    async def _exchange(self, data: bytes) -> tuple[int, dict[str, str]]:
        if self.writer is None or self.reader is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write(data)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        await self.reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return int(head[0].split()[1]), headers

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def closed_loop(url: str, load: Iterable[LoadRequest], *, connections: int, seconds: float) -> LoadReport:
    """Ask on each connection one request after the other."""
    source, report, begun = iter(load), LoadReport(seconds), time.monotonic()

    async def ask_on(connection: Connection) -> None:
        while time.monotonic() - begun < seconds:
            report.answers.append(await connection.ask(next(source), time.monotonic()))
        connection.close()

    await asyncio.gather(*(ask_on(Connection(url)) for _ in range(connections)))
    report.seconds = time.monotonic() - begun
    return report


async def open_loop(
    url: str, load: Iterable[LoadRequest], *, rate: float, connections: int, seconds: float, seed: int = 1
) -> LoadReport:
    """Send requests at the moments of a Poisson process of this rate, over so many connections."""
    moments, report, begun = list(_moments(rate, seconds, seed)), LoadReport(seconds), time.monotonic()
    waiting: asyncio.Queue[tuple[float, LoadRequest] | None] = asyncio.Queue()

    async def ask_on(connection: Connection) -> None:
        while (next_one := await waiting.get()) is not None:
            moment, request = next_one
            report.answers.append(await connection.ask(request, begun + moment))
        connection.close()

    workers = [asyncio.ensure_future(ask_on(Connection(url))) for _ in range(connections)]
    for moment, request in zip(moments, load, strict=False):
        await asyncio.sleep(max(0.0, begun + moment - time.monotonic()))
        waiting.put_nowait((moment, request))
    for _ in workers:
        waiting.put_nowait(None)
    await asyncio.gather(*workers)
    report.seconds = time.monotonic() - begun
    return report


def _moments(rate: float, seconds: float, seed: int) -> Iterator[float]:
    chance, moment = random.Random(seed), 0.0
    while (moment := moment + chance.expovariate(rate)) < seconds:
        yield moment


def lost(store: Any, reports: Sequence[LoadReport]) -> list[tuple[str, str]]:
    """Turns that were acknowledged and aren't there."""
    ids: dict[str, set[str]] = {}
    for report in reports:
        for bank, turn in report.acknowledged():
            ids.setdefault(bank, set()).add(turn)
    missing = []
    for path, turns in ids.items():
        bank = store.bank(*path.split("/"))
        missing += [(path, turn) for turn in turns if bank.get(turn) is None]
    return missing
