"""A real web server with two workers on one file: nothing is lost, nobody sees another's memories, it ends cleanly."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder

httpx = pytest.importorskip("httpx")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

USERS = ("ana", "bob", "cleo", "dan", "eve")
TURNS = 24
OPTIONS = ("--workers", "2", "--port", "0", "--no-access-log")


@dataclass
class Server:
    """A web server that runs; `log` holds what it said, all of it once it has ended."""

    process: "subprocess.Popen[str]"
    log: list[str] = field(default_factory=list)

    @classmethod
    def started(cls, path: Path) -> "Server":
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "web_app:app",
            "--app-dir",
            str(Path(__file__).parents[2] / "support"),
            *OPTIONS,
        ]
        told = {**os.environ, "MEMORY": str(path)}
        return cls(subprocess.Popen(command, env=told, stderr=subprocess.PIPE, text=True))

    def address(self) -> str:
        """Where it listens, once both of its workers are ready."""
        assert self.process.stderr is not None
        while sum("startup complete" in line for line in self.log) < 2:
            line = self.process.stderr.readline()
            assert line, "".join(self.log)
            self.log.append(line)
        return next(found.group() for line in self.log if (found := re.search(r"http://[\d.]+:\d+", line)))

    def end(self) -> int:
        """Ask it to end, as a service manager does; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        _, rest = self.process.communicate(timeout=60)
        self.log.append(rest)
        return self.process.returncode


@contextmanager
def serving(path: Path) -> Iterator[Server]:
    server = Server.started(path)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@dataclass
class Client:
    """Users who talk at the same time; `workers` are the processes that answered."""

    http: Any  # an httpx.AsyncClient
    workers: set[int] = field(default_factory=set)

    async def say(self, user: str, number: int) -> None:
        turn = {"text": f"{user} moved to town{number}", "speaker": user, "id": f"{user}-{number}"}
        told = (await self.http.post(f"/{user}/turns", json=turn)).raise_for_status().json()
        assert told["actions"] == ["added"]
        self.workers.add(told["worker"])
        assert turn["text"] in await self.recalled(user, f"Who moved to town{number}?")

    async def recalled(self, user: str, query: str) -> list[str]:
        found = (await self.http.get(f"/{user}/memories", params={"query": query})).raise_for_status().json()
        self.workers.add(found["worker"])
        assert all(text.startswith(f"{user} moved") for text in found["texts"])
        return list(found["texts"])


async def talk(address: str) -> set[int]:
    """Each request on a connection of its own, so that both workers get some."""
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60, trust_env=False) as http:
        client = Client(http)
        await asyncio.gather(*(client.say(user, number) for number in range(TURNS) for user in USERS))
    return client.workers


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_two_workers_lose_nothing_show_nobody_anothers_memories_and_end_cleanly(path: Path) -> None:
    with serving(path) as server:
        workers = asyncio.run(talk(server.address()))
        assert server.end() == 0
    assert len(workers) == 2
    assert not re.search("error|traceback|warning", "".join(server.log), re.IGNORECASE)
    assert sorted(path.parent.iterdir()) == [path]  # the last one to close it left no log behind
    with memkit.open(path, encoder=HashingEncoder()) as store:
        for user in USERS:
            told = {m.id: m.text for m in store.bank("app", user).list(limit=1000)}
            assert told == {f"{user}-{n}": f"{user} moved to town{n}" for n in range(TURNS)}
        assert store.doctor() == []
