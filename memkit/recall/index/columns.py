"""The numbers of a bank's memories as columns, and the statistics of the whole bank that ranking asks for."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from memkit.batches import NO_VALUE, ROW_FIELDS, Column, RowBatch
from memkit.models import MEMORY_STATES
from memkit.protocols import FloatArray
from memkit.recall.index.groups import BankGroups
from memkit.recall.index.repetitions import Repetitions
from memkit.recall.index.seq_array import Ints, grown

Bools = npt.NDArray[np.bool_]

SPARSE_FIELDS = ("valid_from", "valid_until", "recalled_at", "superseded_by", "echo_of")  # no room while all NO_VALUE
INT32_FIELDS = ("seq", "session", "episode")
GROUP_FIELDS = ("session", "episode")  # below 0 where there is none
STATISTICS_FIELDS = ("session", "episode", "length")  # which statistics are made of
MIN_LOG_LENGTH_SD = 0.3
LAST_VISIBLE_STATE = MEMORY_STATES.index("superseded")  # no question finds memories in a later one


class Columns:
    """One array per field of `IndexRow`, in order of seq; `column("length")[i]` belongs to row i.

    No value is NO_VALUE; in sessions and episodes it is a number below 0.
    """

    def __init__(self, room: int = 0) -> None:
        self.count = 0
        self.statistics = BankStatistics()
        self._stale = False  # True where statistics must be made anew
        self._arrays: dict[str, Column] = {
            name: np.empty(room, dtype=np.int32 if name in INT32_FIELDS else kind)
            for name, kind in ROW_FIELDS.items()
            if name not in SPARSE_FIELDS
        }
        self._rows = np.full(0, -1, dtype=np.int32)  # by seq; -1: not here; empty while there are no gaps
        self._first, self._gapless = 0, False  # the lowest seq; whether each row's is one more than the one's before
        self.sources: dict[int, tuple[int, ...]] = {}  # seq of a derived memory -> seqs

    def __len__(self) -> int:
        return self.count

    @property
    def rows(self) -> Ints:
        """Numbers of all rows, (n,)."""
        return np.arange(self.count)

    def column(self, name: str) -> Column:
        """A field of all rows; read only."""
        if name not in self._arrays:
            return np.broadcast_to(np.int64(NO_VALUE), self.count)
        return self._arrays[name][: self.count]

    def has(self, name: str) -> bool:
        """False where a field was NO_VALUE in every row so far."""
        return name in self._arrays

    def at(self, name: str, rows: Ints) -> Column:
        """A field of some rows, each given once and in order; read only."""
        if name not in self._arrays:
            return np.broadcast_to(np.int64(NO_VALUE), len(rows))
        array = self._arrays[name]
        return array[: self.count] if len(rows) == self.count else array.take(rows)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values()) + self._rows.nbytes

    def put(self, batches: Iterable[RowBatch]) -> None:
        """Add rows, or put them in the place of those with the same seq."""
        for batch in batches:
            if len(batch.seqs):
                self._put({**batch.fields, **{name: np.maximum(batch.fields[name], -1) for name in GROUP_FIELDS}})
                self._put_sources(batch)

    def measure(self, timed: npt.NDArray[np.integer]) -> None:
        """Bring the statistics up to date; `timed`: seqs of memories that name a time or a number."""
        if self._stale:
            self.statistics, self._stale = BankStatistics(), False
        self.statistics.update(self, timed)

    def _put_sources(self, batch: RowBatch) -> None:
        if self.sources:
            for seq in batch.seqs.tolist():
                self.sources.pop(seq, None)
        self.sources.update(batch.sources)

    def remove(self, seqs: Ints) -> None:
        """Take rows out; those that stay close up."""
        rest = np.flatnonzero(~np.isin(self.column("seq"), seqs))
        self._arrays = {name: array[rest] for name, array in self._arrays.items()}
        self.count, self._stale = len(rest), True
        self._rows[:] = -1
        self._number(0)
        left = {seq: tuple(s for s in own if s not in seqs) for seq, own in self.sources.items() if seq not in seqs}
        self.sources = {seq: own for seq, own in left.items() if own}

    def rows_of(self, seqs: npt.NDArray[np.integer]) -> tuple[Ints, Bools]:
        """Row numbers of the seqs that are here, and which of `seqs` those were."""
        if self._gapless:
            at = seqs.astype(np.int64) - self._first
            inside = (at >= 0) & (at < self.count)
            return at if inside.all() else at[inside], inside
        inside = (seqs >= 0) & (seqs < len(self._rows))
        rows = self._rows[seqs if inside.all() else np.where(inside, seqs, 0)] if len(self._rows) else seqs - seqs - 1
        inside &= rows >= 0
        return rows[inside].astype(np.int64), inside

    def _put(self, batch: Mapping[str, Column]) -> None:
        """Rows in order of seq, each once."""
        at, here = self.rows_of(batch["seq"])
        if here.any():
            self._replace(at, {name: values[here] for name, values in batch.items()})
            batch = {name: values[~here] for name, values in batch.items()}
        if not len(batch["seq"]):
            return
        start, last = self.count, int(self.column("seq")[-1]) if self.count else -1
        self._make_room(start + len(batch["seq"]))
        self.count = start + len(batch["seq"])
        self._write(np.arange(start, self.count), batch)
        if batch["seq"][0] < last:
            self._sort()
        self._number(start if batch["seq"][0] > last else 0)

    def _replace(self, at: Ints, batch: Mapping[str, Column]) -> None:
        self._stale |= any(bool(np.any(self.column(name)[at] != batch[name])) for name in STATISTICS_FIELDS)
        self._write(at, batch)

    def _write(self, at: Ints, batch: Mapping[str, Column]) -> None:
        for name, values in batch.items():
            if name not in self._arrays:
                if bool(np.all(values == NO_VALUE)):
                    continue
                self._arrays[name] = np.full(max(self.count, len(self._arrays["seq"])), NO_VALUE, dtype=np.int64)
            self._arrays[name][at] = values

    def _make_room(self, end: int) -> None:
        if end > len(self._arrays["seq"]):
            for name, array in self._arrays.items():
                self._arrays[name] = grown(array, self.count, end)
                if name in SPARSE_FIELDS:
                    self._arrays[name][self.count :] = NO_VALUE

    def _sort(self) -> None:
        self._stale = True
        order = np.argsort(self.column("seq"), kind="stable")
        for array in self._arrays.values():
            array[: self.count] = array[: self.count][order]

    def _number(self, start: int) -> None:
        """Note where the rows from `start` on lie."""
        seqs = self.column("seq")
        self._first = int(seqs[0]) if self.count else 0
        self._gapless = self.count > 0 and int(seqs[-1]) - self._first == self.count - 1
        if self._gapless:
            self._rows = self._rows[:0].copy()
            return
        seqs = self.column("seq")[start if len(self._rows) else 0 :]
        if not len(seqs):
            return
        if seqs[-1] >= len(self._rows):
            used = len(self._rows)
            self._rows = grown(self._rows, used, int(seqs[-1]) + 1)
            self._rows[used:] = -1
        self._rows[seqs] = np.arange(self.count - len(seqs), self.count)


class BankStatistics:
    """Sums over a bank's rows, and where its episodes and sessions lie."""

    def __init__(self) -> None:
        self.episodes, self.sessions = BankGroups(), BankGroups()
        self.hidden_count = 0  # of rows that no question finds
        self.repetitions = Repetitions(np.empty(0, np.int64), np.empty(0, np.int64))
        self._count = 0
        self._sums = np.zeros(2)  # of the log lengths, and of their squares
        self._timed: Bools = np.zeros(0, dtype=bool)

    def update(self, columns: Columns, timed: npt.NDArray[np.integer]) -> None:
        """Take in the rows that were added at the end; `timed`: seqs of memories that name a time or a number."""
        start, self._count = self._count, len(columns)
        self.episodes.add(columns.column("episode")[start:], start)
        self.sessions.add(columns.column("session")[start:], start)
        hidden = np.flatnonzero(
            (columns.column("echo_of") != NO_VALUE) | (columns.column("state") > LAST_VISIBLE_STATE)
        )
        self.hidden_count = len(hidden)
        self.repetitions = Repetitions.of(columns)
        self.episodes.hide(columns.column("episode")[hidden])
        self.sessions.hide(columns.column("session")[hidden])
        logs = np.log1p(columns.column("length")[start:].astype(np.float64))
        self._sums += logs.sum(), (logs**2).sum()
        self._timed = np.zeros(len(columns), dtype=bool)
        self._timed[columns.rows_of(timed)[0]] = True

    def log_length(self, lengths: npt.NDArray[np.int32]) -> FloatArray:
        """Log lengths in standard deviations from the bank's mean."""
        mean, square = self._sums / max(self._count, 1)
        spread = max(float(np.sqrt(max(square - mean**2, 0.0))), MIN_LOG_LENGTH_SD)
        return np.asarray((np.log(lengths.astype(np.float32) + 1) - float(mean)) / spread, dtype=np.float32)

    def timed(self, rows: Ints) -> Bools:
        """Mask of those of these rows that name a time or a number."""
        return self._timed.take(rows)

    def sessions_since(self, numbers: Ints) -> Ints:
        """Number of sessions that began after each of these, (n,)."""
        return len(self.sessions) - 1 - self.sessions.positions(numbers)


def among(values: Column, wanted: Iterable[int]) -> Bools:
    """Mask of the values that are any of a few numbers: `numpy.isin`, for so few ten times as fast."""
    mask = np.zeros(len(values), dtype=bool)
    for number in wanted:
        mask |= values == number
    return mask
