"""Standard input and output: one message a line, one client, and an end that loses nothing."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError

from memkit.serve.mcp.served_banks import ServedBanks
from memkit.serve.mcp.server import create_server

MAX_LINE_BYTES = 16 * 2**20  # of one message; the rest of a longer one is read as another
ENDING_SIGNALS = () if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM)  # no loop there takes any


def serve_stdio(served: ServedBanks) -> None:
    """Serve until standard input ends, or SIGINT or SIGTERM comes; what was begun in a thread is finished."""
    anyio.run(_serve, create_server(served))


async def _serve(server: Server[Any]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_on_signal, tasks.cancel_scope)
        lines = cast("anyio.AsyncFile[str]", _stdin_lines())
        async with stdio_server(stdin=lines) as (read, write):
            send, receive = anyio.create_memory_object_stream[SessionMessage | Exception]()
            tasks.start_soon(_answer_malformed, read, write.clone(), send)
            await server.run(receive, write, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(*ENDING_SIGNALS) as signals:
        async for _ in signals:
            scope.cancel()


async def _stdin_lines() -> AsyncIterator[str]:
    """Lines of standard input, which a thread of their own waits for, so that waiting can be cancelled."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes](1)

    def read() -> None:
        with os.fdopen(os.dup(0), "rb") as stdin:
            for line in iter(partial(stdin.readline, MAX_LINE_BYTES), b""):
                asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
        asyncio.run_coroutine_threadsafe(lines.put(b""), loop).result()

    threading.Thread(target=read, name="memkit-stdin", daemon=True).start()
    while line := await lines.get():
        yield line.decode(errors="replace")


async def _answer_malformed(read: Any, write: Any, forward: Any) -> None:
    """Pass messages on, and answer what is none with an error, as JSON-RPC 2.0 asks."""
    async with read, write, forward:
        async for item in read:
            if isinstance(item, Exception):
                await write.send(SessionMessage(_error_of(item)))
            else:
                await forward.send(item)


def _error_of(error: Exception) -> JSONRPCError:
    is_json = isinstance(error, ValidationError) and error.errors()[0]["type"] != "json_invalid"
    code, text = (INVALID_REQUEST, "No JSON-RPC 2.0 message.") if is_json else (PARSE_ERROR, "No JSON.")
    return JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=text))
