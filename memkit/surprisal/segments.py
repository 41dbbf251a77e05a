"""Integer counts in segments: added, taken out exactly, dropped whole, written as bytes."""

import zlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from memkit.errors import CorruptError

MAGIC = b"ngram1"
Counts = dict[int, int]  # no Counter: the garbage collector would go through all of it


def add(counts: Counts, keys: Iterable[int]) -> None:
    """Count each key once more."""
    get = counts.get
    for key in keys:
        counts[key] = get(key, 0) + 1


def unite(counts: Counts, added: Mapping[int, int]) -> None:
    """Add counts to counts."""
    for key, count in added.items():
        counts[key] = counts.get(key, 0) + count


def remove(counts: Counts, taken: Mapping[int, int]) -> None:
    """Take counts out of counts; what comes to nothing leaves no key behind."""
    for key, count in taken.items():
        left = counts[key] - count
        if left:
            counts[key] = left
        else:
            del counts[key]


class Segment:
    """The counts of about 50,000 tokens, by the hash of a token or of a pair."""

    def __init__(self, number: int, size: int = 0, counts: Counts | None = None) -> None:
        self.number, self.size = number, size
        self.counts: Counts = {} if counts is None else counts

    def add(self, keys: Iterable[int], size: int) -> None:
        """Count a text of `size` tokens."""
        add(self.counts, keys)
        self.size += size

    def remove(self, taken: Mapping[int, int], size: int) -> None:
        """Take a text of `size` tokens out again."""
        remove(self.counts, taken)
        self.size -= size

    def holds(self, counts: Mapping[int, int], size: int) -> bool:
        """Whether these counts can be taken out."""
        own = self.counts.get
        return size <= self.size and all(own(key, 0) >= count for key, count in counts.items())


def pack(segments: Sequence[Segment]) -> bytes:
    """Segments as bytes: sorted keys by their distance, byte by byte, compressed."""
    parts = [np.array([len(segments)], dtype="<i8")]
    for segment in segments:
        ordered = sorted(segment.counts)
        keys = np.array(ordered, dtype="<u4")
        counts = np.array([segment.counts[key] for key in ordered], dtype="<u4")
        parts.append(np.array([segment.number, segment.size, len(keys)], dtype="<i8"))
        parts += [_planes(np.diff(keys, prepend=np.uint32(0))), _planes(counts)]
    return MAGIC + zlib.compress(b"".join(part.tobytes() for part in parts))


def unpack(data: bytes) -> list[Segment]:
    """The inverse of `pack`. Raises CorruptError."""
    try:
        return list(_segments(zlib.decompress(data.removeprefix(MAGIC))))
    except (zlib.error, ValueError) as error:
        raise CorruptError("the state of a surprisal model is damaged. Learn the bank's turns again.") from error


def _segments(raw: bytes) -> Iterable[Segment]:
    [number_of_segments] = np.frombuffer(raw, "<i8", 1)
    at = 8
    for _ in range(int(number_of_segments)):
        number, size, length = (int(x) for x in np.frombuffer(raw, "<i8", 3, at))
        keys = np.cumsum(_whole(raw, at + 24, length), dtype=np.uint32)
        counts = _whole(raw, at + 24 + 4 * length, length)
        yield Segment(number, size, dict(zip(keys.tolist(), counts.tolist(), strict=True)))
        at += 24 + 8 * length


def _planes(values: "np.typing.NDArray[np.uint32]") -> "np.typing.NDArray[np.uint8]":
    """All lowest bytes first, then all second ones ...: equal bytes lie together and compress well."""
    return np.ascontiguousarray(values.astype("<u4").view(np.uint8).reshape(-1, 4).T)


def _whole(raw: bytes, at: int, length: int) -> "np.typing.NDArray[np.uint32]":
    planes = np.frombuffer(raw, np.uint8, 4 * length, at).reshape(4, length)
    return np.ascontiguousarray(planes.T).view("<u4").reshape(-1)
