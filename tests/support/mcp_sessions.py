"""Sessions of the official MCP client with a server: in this process, over stdio, and over HTTP."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult
from serving import serving

from memkit.serve.mcp.http import HTTP_PATH, create_mcp_app
from memkit.serve.mcp.served_banks import ServedBanks
from memkit.serve.mcp.server import create_server

ROOT = Path(__file__).parents[2]
ERAS = ("legacy", "auto")  # the handshake of 2025, and the one request for each of 2026


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "memkit", "mcp", *arguments]


def environment() -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "adapters"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def in_process(served: ServedBanks, era: str = "auto") -> Client:
    return Client(create_server(served), mode=era)


def over_stdio(*arguments: str, era: str = "auto") -> Client:
    program, *rest = command(*arguments)
    return Client(StdioServerParameters(command=program, args=rest, env=environment()), mode=era)


@asynccontextmanager
async def over_http(url: str, era: str = "auto", **headers: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        yield client


@contextmanager
def served_over_http(served: ServedBanks) -> Iterator[str]:
    with serving(create_mcp_app(served)) as url:
        yield url + HTTP_PATH


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a tool that succeeded."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The text of a tool's error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.content
    return text_of(result)


def text_of(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if part.type == "text")


class RawSession:
    """A server over stdio that is sent bytes; threads read what it says."""

    def __init__(self, *arguments: str) -> None:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command(*arguments), env=environment(), **pipes)
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._errors: queue.Queue[bytes] = queue.Queue()
        streams = ((self.process.stdout, self._lines), (self.process.stderr, self._errors))
        self._readers = [threading.Thread(target=read_lines, args=pair) for pair in streams]
        for reader in self._readers:
            reader.start()

    def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def ask(self, id: int | str, method: str, **params: Any) -> None:
        request = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        self.send(json.dumps(request).encode() + b"\n")

    def begin(self) -> None:
        client = {"name": "raw", "version": "0"}
        self.ask("begin", "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        assert "result" in self.answer("begin")
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def read(self) -> Any:
        return json.loads(self._lines.get(timeout=60))

    def heard(self, mark: str) -> str:
        """The first line on standard error that holds a mark."""
        while mark not in (line := self._errors.get(timeout=60).decode()):
            pass
        return line

    def answer(self, id: int | str) -> Any:
        """The answer to a request; what comes before it is passed over."""
        while (message := self.read()).get("id") != id:
            pass
        return message

    def end(self, by: int | None = None) -> tuple[int, str]:
        """The exit code after standard input's end or a signal, and what was written to standard error."""
        assert self.process.stdin is not None
        if by is not None:
            self.process.send_signal(by)
            self.process.wait(timeout=60)
        self.process.stdin.close()
        code = self.process.wait(timeout=60)
        for reader in self._readers:
            reader.join()
        return code, b"".join(self._errors.queue).decode()


def read_lines(stream: IO[bytes], lines: "queue.Queue[bytes]") -> None:
    with stream:
        for line in stream:
            lines.put(line)
