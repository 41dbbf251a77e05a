"""The numbers of a bank's memories as columns: what filters and cues are computed from."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from memkit.batches import FIELDS, NONE, Column, RowBatch
from memkit.protocols import FloatArray
from memkit.recall.index.seq_array import grown

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

SELDOM = ("valid_from", "valid_until", "recalled_at", "superseded_by", "echo_of")  # take no room while all are NONE
NARROW = ("seq", "session", "episode")  # kept as int32
PLACED = ("session", "episode")  # below 0 where there is none
PLACES = ("session", "episode", "length")


class Columns:
    """One array per field of `IndexRow`, in order of seq; `column("length")[i]` belongs to row i.

    No value is NONE; in sessions and episodes it is a number below 0.
    """

    def __init__(self, room: int = 0) -> None:
        self.count = 0
        self.moved = 0  # goes up when a row that was there changes its place or its size
        self._arrays: dict[str, Column] = {
            name: np.empty(room, dtype=np.int32 if name in NARROW else kind)
            for name, kind in FIELDS.items()
            if name not in SELDOM
        }
        self._rows = np.full(0, -1, dtype=np.int32)  # by seq; -1: not here; empty while there are no gaps
        self.sources: dict[int, tuple[int, ...]] = {}  # seq of what was derived -> seqs

    def __len__(self) -> int:
        return self.count

    def column(self, name: str) -> Column:
        """A field of all rows; read only."""
        if name not in self._arrays:
            return np.broadcast_to(np.int64(NONE), self.count)
        return self._arrays[name][: self.count]

    def has(self, name: str) -> bool:
        """False where a field was NONE in every row so far."""
        return name in self._arrays

    def at(self, name: str, rows: Ints) -> Column:
        """A field of some rows, each given once and in order; read only."""
        if name not in self._arrays:
            return np.broadcast_to(np.int64(NONE), len(rows))
        return self.column(name) if len(rows) == self.count else self._arrays[name].take(rows)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values()) + self._rows.nbytes

    def put(self, batches: Iterable[RowBatch]) -> None:
        """Add rows, or put them in the place of those with the same seq."""
        for batch in batches:
            if len(batch.seqs):
                self._put({**batch.fields, **{name: np.maximum(batch.fields[name], -1) for name in PLACED}})
                self._derive(batch)

    def _derive(self, batch: RowBatch) -> None:
        if self.sources:
            for seq in batch.seqs.tolist():
                self.sources.pop(seq, None)
        self.sources.update(batch.sources)

    def remove(self, seqs: Ints) -> None:
        """Take rows out; those that stay close up."""
        kept = np.flatnonzero(~np.isin(self.column("seq"), seqs))
        self._arrays = {name: array[kept] for name, array in self._arrays.items()}
        self.count, self.moved = len(kept), self.moved + 1
        self._rows[:] = -1
        self._number(0)
        left = {seq: tuple(s for s in own if s not in seqs) for seq, own in self.sources.items() if seq not in seqs}
        self.sources = {seq: own for seq, own in left.items() if own}

    def rows_of(self, seqs: npt.NDArray[np.integer]) -> tuple[Ints, Bools]:
        """Row numbers of the seqs that are here, and which of `seqs` those were."""
        if self._gapless:
            at = seqs.astype(np.int64) - self._arrays["seq"][0]
            inside = (at >= 0) & (at < self.count)
            return at if inside.all() else at[inside], inside
        inside = (seqs >= 0) & (seqs < len(self._rows))
        at = self._rows[seqs if inside.all() else np.where(inside, seqs, 0)] if len(self._rows) else seqs - seqs - 1
        inside &= at >= 0
        return at[inside].astype(np.int64), inside

    @property
    def _gapless(self) -> bool:
        """Whether each row's seq is one more than that of the row before."""
        seqs = self.column("seq")
        return self.count > 0 and bool(seqs[-1] - seqs[0] == self.count - 1)

    def _put(self, batch: Mapping[str, Column]) -> None:
        """Rows in order of seq, each once."""
        at, known = self.rows_of(batch["seq"])
        if known.any():
            self._replace(at, {name: values[known] for name, values in batch.items()})
            batch = {name: values[~known] for name, values in batch.items()}
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
        self.moved += any(bool(np.any(self.column(name)[at] != batch[name])) for name in PLACES)
        self._write(at, batch)

    def _write(self, at: Ints, batch: Mapping[str, Column]) -> None:
        for name, values in batch.items():
            if name not in self._arrays:
                if bool(np.all(values == NONE)):
                    continue
                self._arrays[name] = np.full(max(self.count, len(self._arrays["seq"])), NONE, dtype=np.int64)
            self._arrays[name][at] = values

    def _make_room(self, end: int) -> None:
        if end > len(self._arrays["seq"]):
            for name, array in self._arrays.items():
                self._arrays[name] = grown(array, self.count, end)
                if name in SELDOM:
                    self._arrays[name][self.count :] = NONE

    def _sort(self) -> None:
        self.moved += 1
        order = np.argsort(self.column("seq"), kind="stable")
        for array in self._arrays.values():
            array[: self.count] = array[: self.count][order]

    def _number(self, start: int) -> None:
        """Note where the rows from `start` on lie."""
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


def only(values: Column, chosen: Bools) -> Column:
    """The chosen ones, without a copy where those are all."""
    return values if chosen.all() else values[chosen]


def among(values: Column, wanted: Iterable[int]) -> Bools:
    """Which values are any of a few numbers: `numpy.isin`, for so few ten times as fast."""
    found = np.zeros(len(values), dtype=bool)
    for number in wanted:
        found |= values == number
    return found


def standardised(values: FloatArray, mean: float, deviation: float) -> FloatArray:
    """Values in standard deviations from the mean; zeros where there is no spread."""
    if deviation < 1e-9:
        return np.zeros_like(values, dtype=np.float32)
    return np.asarray((values - mean) / deviation, dtype=np.float32)


def filled(values: FloatArray, unknown: float) -> FloatArray:
    """Values with a number where they are NaN."""
    return np.where(np.isnan(values), np.float32(unknown), values)
