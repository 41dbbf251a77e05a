"""A database's files, read byte by byte: is something still in them?"""

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from memkit.storage.sqlite.secure_delete.free_space import FreeSpace, Read

CHUNK = 4 * 2**20  # bytes read at once
WINDOW = 16  # bytes of erased text that are looked for
WORD = 8  # bytes compared at once
COARSE = 20  # bits of the first, coarse comparison
SHIFT = np.uint64(64 - COARSE)
ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 by the golden ratio
PLAIN = 4  # different bytes: a window of no more is as likely empty space
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
        return [path.name for path in self.existing() if search and self._found(path, search)]

    def remains(self, needles: Iterable[bytes]) -> set[bytes]:
        """Which of these byte strings lie in the database where no row does, or in a file beside it.

        While the log is empty and nobody moves it into the database.
        """
        search = Search(needles)
        if not search:
            return set()
        parts = joined(FreeSpace(self._read(self.path)).parts(), CHUNK)
        beside = (self._found(path, search) for path in self.existing() if path != self.path)
        return set().union(*map(search.found, parts), *beside)

    def logged(self) -> bool:
        """Is anything in the log?"""
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.exists() and log.stat().st_size > 0

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

    def _found(self, path: Path, search: "Search") -> set[bytes]:
        chunks = self._chunks(path, search.longest - 1)
        return {needle for chunk in chunks for needle in search.found(chunk)}

    def _chunks(self, path: Path, overlap: int) -> Iterator[bytes]:
        try:
            descriptor = self._descriptor(path)
        except FileNotFoundError:
            return
        start, kept = 0, b""
        while data := self._part(descriptor, start, CHUNK):
            yield kept + data
            kept = (kept + data)[-overlap:] if overlap else b""
            start += len(data)

    def _read(self, path: Path) -> Read:
        descriptor = self._descriptor(path)
        return lambda start, length: self._part(descriptor, start, length)

    def _part(self, descriptor: int, start: int, length: int) -> bytes:
        with self._guard:
            os.lseek(descriptor, start, os.SEEK_SET)
            return os.read(descriptor, length)

    def _descriptor(self, path: Path) -> int:
        with self._guard:
            found = path.stat()
            key = (found.st_dev, found.st_ino)
            if key not in self._descriptors:
                self._descriptors[key] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._open.add(key)
            return self._descriptors[key]


class Search:
    """Many byte strings looked for at once: first by a hash of their first sixteen bytes, then whole."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self.needles = {needle for needle in needles if needle}
        self.longest = max(map(len, self.needles), default=1)
        self._short = [needle for needle in self.needles if len(needle) < WINDOW]
        self._by_hash: dict[int, list[bytes]] = defaultdict(list)
        long = list(self.needles.difference(self._short))
        hashes = _hashes(b"".join(needle[:WINDOW] for needle in long))[:: WINDOW // WORD].tolist()
        for hash, needle in zip(hashes, long, strict=True):
            self._by_hash[hash].append(needle)
        self._hashes = np.array(sorted(self._by_hash), dtype=np.uint64)
        self._coarse = np.zeros(2**COARSE, dtype=np.bool_)
        self._coarse[self._hashes >> SHIFT] = True

    def __bool__(self) -> bool:
        return bool(self.needles)

    def found(self, data: bytes) -> set[bytes]:
        """Which of the needles are in these bytes."""
        short = {needle for needle in self._short if needle in data}
        if not self._by_hash:
            return short
        return short.union(*(self._found(data, phase) for phase in range(WORD)))

    def _found(self, data: bytes, phase: int) -> Iterator[bytes]:
        hashes = _hashes(data[phase:])
        places = np.flatnonzero(self._coarse[hashes >> SHIFT])
        nearest = np.searchsorted(self._hashes[:-1], hashes[places])
        places = places[self._hashes[nearest] == hashes[places]]
        for hash in np.unique(hashes[places]).tolist():
            starts = (places[hashes[places] == hash] * WORD + phase).tolist()
            yield from (n for n in self._by_hash[hash] if any(data.startswith(n, at) for at in starts))


def _hashes(data: bytes) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of the sixteen bytes at every eighth byte (after Fibonacci hashing)."""
    words = np.frombuffer(data, dtype="<u8", count=len(data) // WORD)
    return np.asarray((words[:-1] * ODD) ^ ((words[1:] * ODD) >> np.uint64(29)) * ODD)


def joined(parts: Iterable[bytes], length: int) -> Iterator[bytes]:
    """Byte strings put together with a zero between them, into some of about this length."""
    held: list[bytes] = []
    total = 0
    for part in parts:
        held.append(part)
        total += len(part)
        if total >= length:
            yield b"\0".join(held)
            held, total = [], 0
    yield b"\0".join(held)


def pieces(contents: Sequence[bytes], most: int) -> set[bytes]:
    """What of erased contents is to be looked for: each one's windows of 16 bytes, those at every byte if they are few.

    At most about `most`, evenly taken. Windows of few different bytes are left out, since free space looks like
    that, and so are contents under 8 bytes, which occur by chance.
    """
    stride = 1 + sum(map(len, contents)) // most
    found = (window for content in contents for window in _windows(content, stride))
    return {window for window in found if len(set(window)) > PLAIN}


def _windows(content: bytes, stride: int) -> Iterator[bytes]:
    if WORD <= len(content) < WINDOW:
        yield content
    for start in range(0, len(content) - WINDOW + 1, stride):
        yield content[start : start + WINDOW]
