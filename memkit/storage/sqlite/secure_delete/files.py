"""Files of a database, in whose free space erased bytes are looked for."""

import os
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import ClassVar

READ_BYTES = 4 * 2**20  # at once
FILE_SUFFIXES = ("", "-wal", "-shm", "-journal")


class Files:
    """The files of one database.

    Closing any descriptor of a file drops this process's POSIX locks on it, SQLite's own among them;
    so descriptors stay open until the last store of that file is closed.
    """

    _descriptors: ClassVar[dict[tuple[int, int], int]] = {}
    _stores: ClassVar[dict[str, int]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key = str(path.resolve())
        with self._guard:
            self._stores[self._key] = self._stores.get(self._key, 0) + 1
        self._open: set[tuple[int, int]] = set()

    def existing(self) -> list[Path]:
        """The database and its companions, as far as they are there."""
        paths = (self.path.with_name(self.path.name + suffix) for suffix in FILE_SUFFIXES)
        return [path for path in paths if path.exists()]

    def remains(self, needles: Iterable[bytes]) -> set[bytes]:
        """Those of these byte strings that lie in the database's free space, or in a file beside it.

        Call it while the log is empty and nobody moves it into the database.
        """
        from memkit.storage.sqlite.secure_delete.free_space import FreeSpace
        from memkit.storage.sqlite.secure_delete.search import Search

        search = Search(needles)
        if not search:
            return set()
        parts = joined(FreeSpace(partial(self._part, self._descriptor(self.path))).parts(), READ_BYTES)
        others = (path for path in self.existing() if path != self.path)
        beside = (chunk for path in others for chunk in self._chunks(path, search.longest - 1))
        return set().union(*map(search.matches, chain(parts, beside)))

    def has_log(self) -> bool:
        """Whether anything is in the log."""
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.exists() and log.stat().st_size > 0

    def size(self) -> int:
        """Bytes of all files together."""
        return sum(path.stat().st_size for path in self.existing())

    def close(self) -> None:
        """Close the descriptors, if no other store of this process has the file open."""
        with self._guard:
            self._stores[self._key] -= 1
            if self._stores[self._key] == 0:
                del self._stores[self._key]
                for key in [key for key in self._open if key in self._descriptors]:
                    os.close(self._descriptors.pop(key))

    def _chunks(self, path: Path, overlap: int) -> Iterator[bytes]:
        try:
            descriptor = self._descriptor(path)
        except FileNotFoundError:
            return
        start, end_of_last = 0, b""
        while data := self._part(descriptor, start, READ_BYTES):
            yield end_of_last + data
            end_of_last = (end_of_last + data)[-overlap:] if overlap else b""
            start += len(data)

    def _part(self, descriptor: int, start: int, length: int) -> bytes:
        with self._guard:
            os.lseek(descriptor, start, os.SEEK_SET)
            return os.read(descriptor, length)

    def _descriptor(self, path: Path) -> int:
        with self._guard:
            status = path.stat()
            key = (status.st_dev, status.st_ino)
            if key not in self._descriptors:
                self._descriptors[key] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._open.add(key)
            return self._descriptors[key]


def joined(parts: Iterable[bytes], length: int) -> Iterator[bytes]:
    """Byte strings joined with a zero between them, into ones of about this length."""
    held: list[bytes] = []
    total = 0
    for part in parts:
        held.append(part)
        total += len(part)
        if total >= length:
            yield b"\0".join(held)
            held, total = [], 0
    yield b"\0".join(held)
