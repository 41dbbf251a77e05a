"""Streams: bodies of any length as lines or as a file of this request's own, and files as answers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryDirectory
from typing import IO

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

BinaryFile = IO[bytes] | SpooledTemporaryFile[bytes]
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
    """Lines of a request's body as they come; of one that is too long, a little more than what it may have."""
    rest = b""
    async for piece in request.stream():
        *parts, last = piece.split(b"\n")
        for part in parts:
            yield rest + part
            rest = b""
        rest = (rest + last)[: MAX_LINE_BYTES + 1]
    yield rest


def pieces_of(file: BinaryFile) -> Iterator[bytes]:
    """A file's bytes, piece by piece; it is closed at the end."""
    with file:
        while piece := file.read(CHUNK_BYTES):
            yield piece
