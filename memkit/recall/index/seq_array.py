"""Arrays that grow at their end: rows by seq in one contiguous piece, appended without moving what is there."""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Seqs = npt.NDArray[np.integer]  # held as int32: no bank has 2^31 memories
MIN_ROOM_ROWS = 64  # then an eighth more than is needed


class SeqArray:
    """Rows in order of seq; a row that is put again takes the place of the old one."""

    def __init__(self, width: int, kind: Any, room: int = MIN_ROOM_ROWS) -> None:
        self.count = 0
        self._seqs: Seqs = np.empty(room, dtype=np.int32)
        self._rows: npt.NDArray[Any] = np.empty((room, width), dtype=kind)

    def __len__(self) -> int:
        return self.count

    @property
    def seqs(self) -> Seqs:
        """Seqs in order, (n,)."""
        return self._seqs[: self.count]

    @property
    def rows(self) -> npt.NDArray[Any]:
        """Rows in the same order, (n, width)."""
        return self._rows[: self.count]

    @property
    def nbytes(self) -> int:
        return self._seqs.nbytes + self._rows.nbytes

    def put(self, seqs: Seqs, rows: npt.NDArray[Any]) -> None:
        """Add rows; the last of several for one seq holds. They may become its own: nobody else may write to them."""
        seqs, rows = _once_each(seqs.astype(np.int32), rows)
        if self.count and len(seqs) and seqs[0] <= self._seqs[self.count - 1]:
            here = np.isin(seqs, self.seqs, assume_unique=True)
            self._rows[np.searchsorted(self.seqs, seqs[here])] = rows[here]
            seqs, rows = seqs[~here], rows[~here]
        self._append(seqs, rows)

    def remove(self, seqs: Seqs) -> None:
        """Take rows out; those that stay close up."""
        rest = np.flatnonzero(~np.isin(self.seqs, seqs))
        if len(rest) == self.count:
            return
        self._seqs, self._rows, self.count = self._seqs[rest], self._rows[rest], len(rest)

    def find(self, seqs: Seqs) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Places where these seqs would lie, (n,), and which of them are here."""
        if not self.count:
            return np.zeros(len(seqs), np.int64), np.zeros(len(seqs), dtype=bool)
        if self._seqs[self.count - 1] - self._seqs[0] == self.count - 1:  # no gaps
            at = seqs.astype(np.int64) - self._seqs[0]
            here = (at >= 0) & (at < self.count)
            return at if here.all() else np.where(here, at, 0), here
        at = np.minimum(np.searchsorted(self.seqs, seqs.astype(np.int32)), self.count - 1)
        return at, self._seqs[at] == seqs

    def _can_own(self, rows: npt.NDArray[Any]) -> bool:
        """Whether these can be its own as they are: alike, writable, no part of something else."""
        alike = rows.dtype == self._rows.dtype and rows.shape[1:] == self._rows.shape[1:]
        return alike and rows.flags.owndata and rows.flags.writeable

    def _append(self, seqs: Seqs, rows: npt.NDArray[Any]) -> None:
        start, end = self.count, self.count + len(seqs)
        if not start and end > len(self._seqs) and self._can_own(rows):
            self._seqs, self._rows, self.count = seqs, rows, end
            return
        if end > len(self._seqs):
            self._seqs, self._rows = grown(self._seqs, start, end), grown(self._rows, start, end)
        in_order = not start or not len(seqs) or seqs[0] > self._seqs[start - 1]
        self._seqs[start:end], self._rows[start:end] = seqs, rows
        self.count = end
        if not in_order:
            order = np.argsort(self.seqs, kind="stable")
            self._seqs[:end], self._rows[:end] = self.seqs[order], self.rows[order]


def grown(array: npt.NDArray[Any], used: int, needed: int) -> npt.NDArray[Any]:
    """An array with room for `needed` rows and some more; with the first `used`."""
    room = np.empty((max(needed + needed // 8, MIN_ROOM_ROWS), *array.shape[1:]), dtype=array.dtype)
    room[:used] = array[:used]
    return room


def _once_each(seqs: Seqs, rows: npt.NDArray[Any]) -> tuple[Seqs, npt.NDArray[Any]]:
    if (np.diff(seqs) > 0).all():
        return seqs, rows
    once, last = np.unique(seqs[::-1], return_index=True)
    return once, rows[::-1][last]


def distinct(numbers: Ints) -> Ints:
    """Each number once, in order; for some thousands of them three times as fast as `numpy.unique`."""
    if (numbers[1:] > numbers[:-1]).all():
        return numbers
    ordered = np.sort(numbers)
    firsts = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=firsts[1:])
    return ordered[firsts]
