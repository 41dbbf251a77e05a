"""Search for erased bytes: which of many byte strings lie in some data."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

WINDOW_BYTES = 16  # of erased text, looked for as a whole
WORD_BYTES = 8  # compared at once
COARSE_BITS = 20  # of a hash, in the first comparison
COARSE_SHIFT = np.uint64(64 - COARSE_BITS)
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 by the golden ratio
MAX_PLAIN_BYTES = 4  # different bytes: a window of no more is as likely empty space


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
