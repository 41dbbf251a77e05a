"""Streams: bodies of any length as lines or as a file of this request's own, and files as answers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from memkit.errors import InputError

CHUNK_BYTES = 1 << 16
MAX_LINE_BYTES = 8_000_000  # of one line of a stream


@contextmanager
def passing_folder() -> Iterator[Path]:
    """A folder that nobody else reads, for the time of one request."""
    with TemporaryDirectory(prefix="memkit-") as folder:
        yield Path(folder)


async def save_body(request: Request, path: Path) -> None:
    """Write a request's body to a file, piece by piece. Raises ClientDisconnect where it is cut off."""
    with path.open("wb") as file:
        async for piece in request.stream():
            await run_in_threadpool(file.write, piece)


async def lines_of(request: Request) -> AsyncIterator[bytes]:
    """Lines of a request's body as they come, without empty ones. Raises InputError for one that is too long."""
    rest = b""
    async for piece in request.stream():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > MAX_LINE_BYTES:
            raise InputError(f"stream: a line has more than {MAX_LINE_BYTES:,} bytes. One turn stands on one line.")
    if rest.strip():
        yield rest


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes, piece by piece; it is closed at the end."""
    with file:
        while piece := file.read(CHUNK_BYTES):
            yield piece
