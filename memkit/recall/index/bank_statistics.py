"""What stands beside a bank's columns: kept up as rows come, used by every recall."""

import numpy as np
import numpy.typing as npt

from memkit.batches import NONE
from memkit.models import MEMORY_STATES
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, Columns, Ints, standardised
from memkit.recall.index.seq_array import distinct

LEAST_SPREAD = 0.3  # of the log length
LAST_FOUND = MEMORY_STATES.index("superseded")  # no question finds what is in a state after it


class BankGroups:
    """A bank's episodes, or its sessions, in order of their numbers: how many rows each has, and where they lie."""

    def __init__(self) -> None:
        self.numbers = np.zeros(0, np.int64)
        self.sizes = self.live = np.zeros(0, np.int32)  # all rows; those that a question may find
        self.rows = 0  # that lie in any
        self._first = np.zeros(0, np.int32)
        self._last = np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, numbers: Ints, start: int) -> None:
        """Take in the next rows' numbers, from row `start` on; below 0 for those that lie in none."""
        rows = np.flatnonzero(numbers >= 0)
        numbers, rows = numbers[rows], rows + start
        if not len(rows):
            return
        order = np.argsort(numbers, kind="stable")
        firsts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        ends = np.append(firsts[1:], len(order)) - 1
        self._begin(numbers[order][firsts], rows[order[firsts]])
        at = self.places(numbers[order][firsts])
        self._last[at] = rows[order[ends]]
        self.sizes[at] += (ends - firsts + 1).astype(np.int32)
        self.rows += len(rows)

    def _begin(self, numbers: Ints, firsts: Ints) -> None:
        """Take in those of these chunks that are new, with their first rows."""
        fresh = ~np.isin(numbers, self.numbers, assume_unique=True)
        if not fresh.any():
            return
        self.numbers = np.concatenate([self.numbers, numbers[fresh]])
        order = np.argsort(self.numbers, kind="stable")
        self.numbers = self.numbers[order]
        nothing = np.zeros(int(fresh.sum()), np.int32)
        self.sizes = np.concatenate([self.sizes, nothing])[order]
        self._last = np.concatenate([self._last, nothing])[order]
        self._first = np.concatenate([self._first, firsts[fresh].astype(np.int32)])[order]

    def places(self, numbers: Ints) -> Ints:
        """Where chunks that are there lie in order of number, (n,)."""
        return np.searchsorted(self.numbers, numbers)

    def bounds(self, numbers: Ints) -> tuple[Ints, Ints]:
        """The first and the last row of each of these chunks, (n,)."""
        at = self.places(numbers)
        return self._first[at].astype(np.int64), self._last[at].astype(np.int64)

    def live_of(self, numbers: Ints) -> npt.NDArray[np.integer]:
        """How many rows of each of these chunks a question may find, (n,)."""
        return np.asarray(self.live[self.places(numbers)])

    def leave_out(self, numbers: Ints) -> None:
        """Count no rows as live that no question finds: the chunk of each, below 0 for none."""
        at = self.places(numbers[numbers >= 0])
        self.live = self.sizes - np.bincount(at, minlength=len(self)) if len(at) else self.sizes

    def members(self, chunks: Ints, column: Ints) -> Ints:
        """The rows of some chunks, in order; `column` holds every row's chunk."""
        at = self.places(chunks)
        first, held = self._first[at], self._last[at] - self._first[at] + 1
        rows = np.arange(held.sum()) + np.repeat(first - held.cumsum() + held, held)
        return distinct(rows[column[rows] == np.repeat(chunks, held)])


class BankStatistics:
    """Sums and places of a bank's rows; brought up to date by `update`."""

    def __init__(self) -> None:
        self._moved = 0
        self._clear()

    def _clear(self) -> None:
        self.episodes, self.sessions = BankGroups(), BankGroups()
        self._count = self.hidden = 0  # rows, and those among them that no question finds
        self._sums = np.zeros(2)  # of the log lengths, and of their squares
        self._timed: Bools = np.zeros(0, dtype=bool)

    def update(self, columns: Columns, timed: npt.NDArray[np.integer]) -> None:
        """Take in the rows that were added at the end; `timed`: seqs of what names a time or a number."""
        if columns.moved != self._moved:
            self._clear()
            self._moved = columns.moved
        start, self._count = self._count, len(columns)
        self.episodes.add(columns.column("episode")[start:], start)
        self.sessions.add(columns.column("session")[start:], start)
        hidden = np.flatnonzero((columns.column("echo_of") != NONE) | (columns.column("state") > LAST_FOUND))
        self.hidden = len(hidden)
        self.episodes.leave_out(columns.column("episode")[hidden])
        self.sessions.leave_out(columns.column("session")[hidden])
        logs = np.log1p(columns.column("length")[start:].astype(np.float64))
        self._sums += logs.sum(), (logs**2).sum()
        self._timed = np.zeros(len(columns), dtype=bool)
        self._timed[columns.rows_of(timed)[0]] = True

    def log_length(self, lengths: npt.NDArray[np.int32]) -> FloatArray:
        """In standard deviations of the bank's."""
        mean, square = self._sums / max(self._count, 1)
        spread = max(float(np.sqrt(max(square - mean**2, 0.0))), LEAST_SPREAD)
        return standardised(np.log(lengths.astype(np.float32) + 1), float(mean), spread)

    def timed(self, rows: Ints) -> Bools:
        """Which of these rows name a time or a number."""
        return self._timed.take(rows)

    def sessions_since(self, numbers: Ints) -> Ints:
        """How many sessions began after each of these, (n,)."""
        return len(self.sessions) - 1 - self.sessions.places(numbers)
