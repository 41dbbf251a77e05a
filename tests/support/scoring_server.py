"""A small server on this machine that scores prompts, rightly or as a test wants it to."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What goes back: `content` as it is, or anything else as JSON; in pieces with `pause` seconds between them."""

    content: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0

    @property
    def data(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


Answering = Callable[[dict[str, Any]], Reply]


@dataclass
class Server:
    """Its address, and what it was asked: the bodies, and beside them the headers."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Notes what was asked, and gives the answer; one that raises ConnectionError breaks off."""

    protocol_version = "HTTP/1.1"
    server: "Listening"

    def do_POST(self) -> None:
        noted = self.server.noted
        noted.paths.append(self.path)
        noted.headers.append(dict(self.headers))
        noted.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        try:
            self.give(self.server.answer(noted.asked[-1]))
        except ConnectionError:
            self.close_connection = True

    def give(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.data)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        step = 1 if reply.pause else max(1, len(reply.data))
        for i in range(0, len(reply.data), step):
            if reply.pause and self.server.ended.wait(reply.pause):
                break
            self.wfile.write(reply.data[i : i + step])

    def log_message(self, *_: object) -> None:
        pass


class Listening(ThreadingHTTPServer):
    """Answers every POST with `answer`, each in a thread of its own."""

    daemon_threads = True

    def __init__(self, answer: Answering) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.ended = answer, threading.Event()
        self.noted = Server(f"http://127.0.0.1:{self.server_address[1]}/v1")


@contextmanager
def serving(answer: Answering) -> Iterator[Server]:
    """A running server, closed at the end."""
    with Listening(answer) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield listening.noted
        finally:
            listening.ended.set()
            listening.shutdown()
            thread.join()
