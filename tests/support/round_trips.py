"""A proxy on the loopback before a PostgreSQL server: it counts round trips, tells their statements, and adds a delay.

    with proxied(server.new_database(), delay=0.0013) as proxy:
        with memkit.open(proxy.address) as store:
            ...
            proxy.forget()
            bank.recall("Who visits?")
            print(proxy.trips())     # of each trip its statements

A **round trip** is what the client sends before it waits. One begins where the client sends while nothing of what it
sent before is unanswered (each Sync and each simple Query has its ReadyForQuery), and with whatever it sends after it
asked for an answer in the midst (Flush). An answer counts once it was delivered, `delay` seconds after it came: what a
client pipelines belongs to one trip, however fast the server is. Log-ins aren't counted. The proxy is a process of its
own, so that it takes no time from the client.
"""

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

UNTYPED_CODES = {80877103: "ssl", 80877104: "gss"}  # requests before the log-in, which have no type byte
COUNTING_DELAY = 0.004  # seconds; longer than a client takes between two sendings that don't wait
READ_BYTES = 1 << 18


@dataclass
class Trip:
    """What was sent before the client waited: statements, and bytes there and back."""

    statements: list[str] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    connection: int = 0


@dataclass
class Tally:
    """Trips so far, of all connections; the seconds that answers are held back."""

    delay: float
    trips: list[Trip] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Messages:
    """Typed messages in a stream of bytes, whose pieces come as they like; untyped ones are taken off before."""

    def __init__(self) -> None:
        self.rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Whole messages: the type byte, and the contents."""
        self.rest += data
        while len(self.rest) >= 5:
            end = 1 + struct.unpack_from("!I", self.rest, 1)[0]
            if len(self.rest) < end:
                return
            message = bytes(self.rest[:end])
            del self.rest[:end]
            yield message[:1], message[5:]

    def untyped(self, data: bytes) -> int | None:
        """Code of a message without a type byte, once it is whole."""
        self.rest += data
        if len(self.rest) < 8:
            return None
        length, code = struct.unpack_from("!II", self.rest)
        if len(self.rest) < length:
            return None
        del self.rest[:length]
        return int(code)


class ProxiedConnection:
    """One client and its connection to the server, with the trips that it makes."""

    def __init__(self, client: socket.socket, server: socket.socket, tally: Tally) -> None:
        self.client, self.server, self.tally = client, server, tally
        self.asked, self.told = Messages(), Messages()
        self.is_starting, self.is_logged_in, self.single_bytes = True, False, 0
        self.unanswered, self.is_open = 0, False  # ReadyForQuery to come; messages that no Sync has followed yet
        self.is_flushed = False  # an answer in the midst was asked for
        self.prepared: dict[bytes, str] = {}
        self.trip: Trip | None = None
        self.held: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        self.number = tally.connections

    def run(self) -> None:
        """Pass on both ways until either side ends."""
        for pump in (self.pump_up, self.pump_down, self.deliver):
            threading.Thread(target=pump, daemon=True).start()

    def pump_up(self) -> None:
        """From the client to the server, at once."""
        for data in received(self.client):
            with self.tally.lock:
                self.note_sent(data)
            self.server.sendall(data)
        close(self.server, self.client)

    def pump_down(self) -> None:
        """From the server, to be held back."""
        for data in received(self.server):
            self.held.put((time.perf_counter(), data))
        self.held.put((0.0, b""))

    def deliver(self) -> None:
        """To the client, `delay` seconds after it came."""
        while (held := self.held.get())[1]:
            came, data = held
            wait = came + self.tally.delay - time.perf_counter() if self.is_logged_in else 0.0
            if wait > 0:
                time.sleep(wait)
            with self.tally.lock:
                self.note_received(data)
            with suppress(OSError):
                self.client.sendall(data)
        close(self.client, self.server)

    def note_sent(self, data: bytes) -> None:
        if self.is_starting:
            code = self.asked.untyped(data)
            self.single_bytes += code in UNTYPED_CODES
            self.is_starting = code is None or code in UNTYPED_CODES
            return
        for kind, body in self.asked.feed(data):
            if self.is_logged_in and kind != b"X":  # the client's good-bye waits for nothing
                self.note_message(kind, body)

    def note_message(self, kind: bytes, body: bytes) -> None:
        if self.trip is None or self.is_flushed or self.is_answered(self.trip):
            self.trip, self.is_flushed = Trip(connection=self.number), False
            self.tally.trips.append(self.trip)
        self.trip.sent += 5 + len(body)
        self.unanswered += kind in (b"S", b"Q")
        self.is_open = kind not in (b"S", b"Q")
        self.is_flushed = kind == b"H"
        self.trip.statements += self.statements(kind, body)

    def is_answered(self, trip: Trip) -> bool:
        """Whether nothing is to come any more for what was sent."""
        return not self.unanswered and not self.is_open and trip.received > 0

    def statements(self, kind: bytes, body: bytes) -> list[str]:
        """The statement that a message runs; one that was prepared is known by its name."""
        parts = body.split(b"\0", 2)
        if kind == b"P":
            self.prepared[parts[0]] = parts[1].decode()
        if kind == b"B":
            return [self.prepared.get(parts[1], "")]
        return [parts[0].decode()] if kind == b"Q" else []

    def note_received(self, data: bytes) -> None:
        while self.single_bytes and data:
            data, self.single_bytes = data[1:], self.single_bytes - 1
        if self.trip is not None:
            self.trip.received += len(data)
        for kind, _ in self.told.feed(data):
            self.is_flushed |= kind == b"G"  # the client waited for leave to send a COPY's rows
            if kind == b"Z":
                self.unanswered = max(0, self.unanswered - 1)
                self.is_logged_in = True


def received(source: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):
        while data := source.recv(READ_BYTES):
            yield data


def close(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def serve(port: int) -> None:
    """Proxy before a port; takes commands from the standard input, a line of JSON each, and answers so."""
    tally = Tally(delay=0.0)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        print(json.dumps(listening.getsockname()[1]), flush=True)
        threading.Thread(target=accept, args=(listening, port, tally), daemon=True).start()
        for line in sys.stdin:
            print(json.dumps(obeyed(tally, json.loads(line))), flush=True)


def accept(listening: socket.socket, port: int, tally: Tally) -> None:
    while True:
        client, _ = listening.accept()
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:  # it is down: the client is told as by the server's own port
            client.close()
            continue
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tally.connections += 1
        ProxiedConnection(client, server, tally).run()


def obeyed(tally: Tally, command: dict[str, Any]) -> Any:
    with tally.lock:
        if "delay" in command:
            tally.delay = float(command["delay"])
        if command.get("forget"):
            tally.trips = []
        return [vars(trip) for trip in tally.trips] if command.get("tell") else len(tally.trips)


class Proxy:
    """A running proxy. `address`: the database's, through it."""

    def __init__(self, address: str, process: "subprocess.Popen[str]") -> None:
        self._process = process
        parts = urlsplit(address)
        port = self._read()
        self.address = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()

    def trips(self) -> list[Trip]:
        """The round trips since `forget`, in order."""
        return [Trip(**trip) for trip in self._ask(tell=True)]

    def count(self) -> int:
        """How many they are."""
        return int(self._ask())

    def forget(self) -> None:
        """Count from here on."""
        self._ask(forget=True)

    def delay(self, seconds: float) -> None:
        """Hold back each answer for so long."""
        self._ask(delay=seconds)

    def _ask(self, **command: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def proxied(address: str, *, delay: float = COUNTING_DELAY) -> Iterator[Proxy]:
    """A proxy before the server of an address with a port, for as long as the block runs."""
    command = [sys.executable, __file__, str(urlsplit(address).port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        proxy = Proxy(address, process)
        proxy.delay(delay)
        try:
            yield proxy
        finally:
            process.kill()


def summary(trips: Sequence[Trip]) -> str:
    """The trips for people to read: bytes, and the beginnings of the statements."""
    lines = []
    for number, trip in enumerate(trips, 1):
        begun = deque(" ".join(statement.split())[:60] for statement in trip.statements)
        lines.append(f"{number:3}. {trip.sent:>8} up {trip.received:>9} down  {' | '.join(begun)}")
    return "\n".join(lines)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
