"""A database's files, read byte by byte: is something still in them?"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

CHUNK = 4 * 2**20  # bytes read at once
WINDOW = 16  # bytes of erased text that are looked for
FEW = 16  # needles that are looked for one by one
SUFFIXES = ("", "-wal", "-shm", "-journal")


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
        paths = (self.path.with_name(self.path.name + suffix) for suffix in SUFFIXES)
        return [path for path in paths if path.exists()]

    def holding(self, needles: Iterable[bytes]) -> list[str]:
        """Names of the files that hold any of these byte strings."""
        search = Search(needles)
        return [path.name for path in self.existing() if search and self._holds(path, search)]

    def size(self) -> int:
        """Bytes of all files together."""
        return sum(path.stat().st_size for path in self.existing())

    def close(self) -> None:
        """Close what was read, if no other store of this process has the file open."""
        with self._guard:
            self._stores[self._key] -= 1
            if self._stores[self._key] == 0:
                del self._stores[self._key]
                for key in [key for key in self._open if key in self._descriptors]:
                    os.close(self._descriptors.pop(key))

    def _holds(self, path: Path, search: "Search") -> bool:
        return any(search.found(chunk) for chunk in self._chunks(path, search.longest - 1))

    def _chunks(self, path: Path, overlap: int) -> Iterator[bytes]:
        try:
            descriptor = self._descriptor(path)
        except FileNotFoundError:
            return
        start, kept = 0, b""
        while True:
            with self._guard:
                os.lseek(descriptor, start, os.SEEK_SET)
                data = os.read(descriptor, CHUNK)
            if not data:
                return
            yield kept + data
            kept = (kept + data)[-overlap:] if overlap else b""
            start += len(data)

    def _descriptor(self, path: Path) -> int:
        with self._guard:
            found = path.stat()
            key = (found.st_dev, found.st_ino)
            if key not in self._descriptors:
                self._descriptors[key] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._open.add(key)
            return self._descriptors[key]


class Search:
    """Many byte strings looked for at once: first by their first eight bytes, then whole."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self.needles = sorted({needle for needle in needles if needle})
        self.longest = max(map(len, self.needles), default=1)
        self._few = len(self.needles) <= FEW or min(map(len, self.needles)) < 8
        self._starts = np.unique(_words(b"".join(needle[:8] for needle in self.needles if not self._few)))
        self._coarse = np.zeros(2**16, dtype=np.bool_)
        self._coarse[(self._starts & 0xFFFF).astype(np.int64)] = True

    def __bool__(self) -> bool:
        return bool(self.needles)

    def found(self, data: bytes) -> bool:
        """Is any needle in these bytes?"""
        if self._few:
            return any(needle in data for needle in self.needles)
        candidates = {word for phase in range(8) for word in self._hits(data, phase)}
        return bool(candidates) and any(n in data for n in self.needles if n[:8] in candidates)

    def _hits(self, data: bytes, phase: int) -> set[bytes]:
        words = _words(data[phase:])
        words = words[self._coarse[(words & 0xFFFF).astype(np.int64)]]
        return {word.tobytes() for word in words[np.isin(words, self._starts)]}


def _words(data: bytes) -> npt.NDArray[np.uint64]:
    return np.frombuffer(data, dtype="<u8", count=len(data) // 8)


def windows(texts: Sequence[str]) -> Iterator[bytes]:
    """Pieces of texts as they lie in a file: any remnant of two windows' length holds one whole."""
    for text in texts:
        data = text.encode()
        if len(data) < WINDOW:
            if len(data) >= 8:
                yield data
            continue
        for start in range(0, len(data) - WINDOW + 1, WINDOW):
            yield data[start : start + WINDOW]
