"""`memkit serve` as a process: started on a free port, asked, and ended by a signal."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass
class MemkitServer:
    """A server that runs; `log` is where its stderr goes."""

    process: "subprocess.Popen[str]"
    log: Path
    url: str = ""
    needs_tokens: bool = False

    @classmethod
    def started(cls, db: Path | str, folder: Path, *options: str) -> "MemkitServer":
        """A server that listens, and is ready. Raises AssertionError with its log where it ends before."""
        log = folder / f"serve-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "memkit", "serve", "--db", str(db), "--port", "0", "--json", *options]
        with log.open("w") as stderr:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True, env=dict(os.environ)
            )
        server = cls(process, log)
        server._listen()
        return server

    def _listen(self) -> None:
        assert self.process.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith("}")):
            line = self.process.stdout.readline()
            assert line, self.log.read_text()
            lines.append(line)
        place = json.loads("".join(lines))
        self.url, self.needs_tokens = place["url"], place["needs_tokens"]
        self.await_ready()

    def await_ready(self) -> None:
        """Wait until the server says that it is ready."""
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(POLL_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def client(self, **options: Any) -> httpx.Client:
        """A client of the server."""
        return httpx.Client(base_url=self.url, trust_env=False, timeout=60, **options)

    def workers(self) -> list[int]:
        """Process ids of the workers, read from Linux's own lists."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        return [pid for pid, line in lines.items() if b"spawn_main" in line]

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Ask it to end, as a service manager does; its exit status."""
        self.signal()
        return self.process.wait(60)


@contextmanager
def memkit_server(db: Path | str, folder: Path, *options: str) -> Iterator[MemkitServer]:
    """A server until the end of the block, where all of its processes are gone."""
    server = MemkitServer.started(db, folder, *options)
    try:
        yield server
    finally:
        _kill_group(server.process)


def _kill_group(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
