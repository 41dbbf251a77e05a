"""What stands beside a bank's columns: kept up as rows come, used by every recall."""

import numpy as np
import numpy.typing as npt

from memkit.batches import NONE
from memkit.models import STATES
from memkit.protocols import FloatArray
from memkit.recall.columns import Bools, Columns, Ints, standardised
from memkit.recall.growing import distinct, grown

LEAST_SPREAD = 0.3  # of the log length
LAST_FOUND = STATES.index("superseded")  # no question finds what is in a state after it


class Chunks:
    """A bank's episodes, or its sessions, by their own numbers: how many rows each has, and where they lie."""

    def __init__(self) -> None:
        self.sizes = self.live = np.zeros(0, np.int32)  # all rows; those that a question may find
        self.count = self.rows = 0  # chunks, and rows that lie in any
        self._first = np.zeros(0, np.int32)
        self._last = np.zeros(0, np.int32)

    def add(self, numbers: Ints, start: int) -> None:
        """Take in the next rows' numbers, from row `start` on; NONE for those that lie in none."""
        rows = np.flatnonzero(numbers != NONE)
        numbers, rows = numbers[rows], rows + start
        if not len(rows):
            return
        self._make_room(int(numbers.max()) + 1)
        order = np.argsort(numbers, kind="stable")
        firsts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        chunks, ends = numbers[order][firsts], np.append(firsts[1:], len(order)) - 1
        fresh = chunks[self.sizes[chunks] == 0]
        self.count, self.rows = self.count + len(fresh), self.rows + len(rows)
        self._first[fresh] = rows[order[firsts]][self.sizes[chunks] == 0]
        self._last[chunks] = rows[order[ends]]
        self.sizes[chunks] += (ends - firsts + 1).astype(np.int32)

    def leave_out(self, numbers: Ints) -> None:
        """Count no rows as live that no question finds: the chunk of each, or NONE."""
        placed = numbers[numbers != NONE]
        self.live = self.sizes - np.bincount(placed, minlength=len(self.sizes)) if len(placed) else self.sizes

    def members(self, chunks: Ints, column: Ints) -> Ints:
        """The rows of some chunks, in order; `column` holds every row's chunk."""
        first, held = self._first[chunks], self._last[chunks] - self._first[chunks] + 1
        rows = np.arange(held.sum()) + np.repeat(first - held.cumsum() + held, held)
        return distinct(rows[column[rows] == np.repeat(chunks, held)])

    def _make_room(self, end: int) -> None:
        used = len(self.sizes)
        if end > used:
            self.sizes, self._first, self._last = (grown(a, used, end) for a in (self.sizes, self._first, self._last))
            self.sizes[used:] = 0


class Standing:
    """Sums and places of a bank's rows; brought up to date by `update`."""

    def __init__(self) -> None:
        self._moved = 0
        self._clear()

    def _clear(self) -> None:
        self.episodes, self.sessions = Chunks(), Chunks()
        self._count = self.hidden = 0  # rows, and those among them that no question finds
        self._sums = np.zeros(2)  # of the log lengths, and of their squares
        self._timed: Bools = np.zeros(0, dtype=bool)
        self._later: npt.NDArray[np.int32] = np.zeros(0, np.int32)

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
        begun = (self.sessions.sizes > 0).cumsum(dtype=np.int32)
        self._later = begun[-1] - begun if len(begun) else begun

    def log_length(self, lengths: npt.NDArray[np.int32]) -> FloatArray:
        """In standard deviations of the bank's."""
        mean, square = self._sums / max(self._count, 1)
        spread = max(float(np.sqrt(max(square - mean**2, 0.0))), LEAST_SPREAD)
        return standardised(np.log1p(lengths.astype(np.float32)), float(mean), spread)

    def timed(self, rows: Ints) -> Bools:
        """Which of these rows name a time or a number."""
        return self._timed.take(rows)

    def sessions_since(self, sessions: Ints) -> npt.NDArray[np.int32]:
        """How many sessions began after each of these; 0 for NONE."""
        found, placed = np.zeros(len(sessions), np.int32), sessions != NONE
        found[placed] = self._later.take(sessions[placed])
        return found
