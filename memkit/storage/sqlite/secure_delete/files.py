"""Search for erased bytes in a database's files."""

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from memkit.storage.sqlite.secure_delete.free_space import FreeSpace

READ_BYTES = 4 * 2**20  # at once
WINDOW_BYTES = 16  # of erased text, looked for as a whole
WORD_BYTES = 8  # compared at once
COARSE_BITS = 20  # of a hash, in the first comparison
COARSE_SHIFT = np.uint64(64 - COARSE_BITS)
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 by the golden ratio
MAX_PLAIN_BYTES = 4  # different bytes: a window of no more is as likely empty space
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


class Search:
    """Search for many byte strings at once: first by a hash of their first sixteen bytes, then whole."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self.needles = {needle for needle in needles if needle}
        self.longest = max(map(len, self.needles), default=1)
        self._short = [needle for needle in self.needles if len(needle) < WINDOW_BYTES]
        self._by_hash: dict[int, list[bytes]] = defaultdict(list)
        long = list(self.needles.difference(self._short))
        hashes = _hashes(b"".join(needle[:WINDOW_BYTES] for needle in long))[:: WINDOW_BYTES // WORD_BYTES].tolist()
        for hash, needle in zip(hashes, long, strict=True):
            self._by_hash[hash].append(needle)
        self._hashes = np.array(sorted(self._by_hash), dtype=np.uint64)
        self._coarse = np.zeros(2**COARSE_BITS, dtype=np.bool_)
        self._coarse[self._hashes >> COARSE_SHIFT] = True

    def __bool__(self) -> bool:
        return bool(self.needles)

    def matches(self, data: bytes) -> set[bytes]:
        """The needles that are in these bytes."""
        short = {needle for needle in self._short if needle in data}
        if not self._by_hash:
            return short
        return short.union(*(self._matches_at(data, phase) for phase in range(WORD_BYTES)))

    def _matches_at(self, data: bytes, phase: int) -> Iterator[bytes]:
        hashes = _hashes(data[phase:])
        places = np.flatnonzero(self._coarse[hashes >> COARSE_SHIFT])
        nearest = np.searchsorted(self._hashes[:-1], hashes[places])
        places = places[self._hashes[nearest] == hashes[places]]
        for hash in np.unique(hashes[places]).tolist():
            starts = (places[hashes[places] == hash] * WORD_BYTES + phase).tolist()
            yield from (n for n in self._by_hash[hash] if any(data.startswith(n, at) for at in starts))


def _hashes(data: bytes) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of the sixteen bytes at every eighth byte (after Fibonacci hashing)."""
    words = np.frombuffer(data, dtype="<u8", count=len(data) // WORD_BYTES)
    return np.asarray((words[:-1] * HASH_FACTOR) ^ ((words[1:] * HASH_FACTOR) >> np.uint64(29)) * HASH_FACTOR)


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


def search_windows(contents: Sequence[bytes], max_windows: int) -> set[bytes]:
    """Windows of 16 bytes of erased contents, to be searched for; those at every byte if they are few.

    At most about `max_windows`, evenly taken. Windows of few different bytes are left out, since free space looks like
    that, and so are contents under 8 bytes, which occur by chance.
    """
    stride = 1 + sum(map(len, contents)) // max_windows
    windows = (window for content in contents for window in _windows(content, stride))
    return {window for window in windows if len(set(window)) > MAX_PLAIN_BYTES}


def _windows(content: bytes, stride: int) -> Iterator[bytes]:
    if WORD_BYTES <= len(content) < WINDOW_BYTES:
        yield content
    for start in range(0, len(content) - WINDOW_BYTES + 1, stride):
        yield content[start : start + WINDOW_BYTES]
