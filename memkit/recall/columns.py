"""The numbers of a bank's memories as columns: what filters and cues are computed from."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from memkit.models import KINDS, ROLES, IndexRow
from memkit.protocols import FloatArray

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

STATES = ("active", "superseded", "merged", "archived", "forgotten")
NONE = np.iinfo(np.int64).min  # stands for "no value" in columns of integers
FIELDS: dict[str, Any] = {
    "seq": np.int64,
    "kind": np.int8,
    "state": np.int8,
    "speaker": np.int64,
    "role": np.int8,
    "session": np.int64,
    "episode": np.int64,
    "occurred_at": np.int64,
    "recorded_at": np.int64,
    "valid_from": np.int64,
    "valid_until": np.int64,
    "strength": np.float32,
    "recalled_at": np.int64,
    "salience": np.float32,
    "pinned": np.bool_,
    "length": np.int32,
    "asks": np.bool_,
    "superseded_by": np.int64,
    "echo_of": np.int64,
}


class Columns:
    """One array per field of `IndexRow`, in order of seq; `column("length")[i]` belongs to row i."""

    def __init__(self) -> None:
        self.count = 0
        self._arrays = {name: np.empty(64, dtype=kind) for name, kind in FIELDS.items()}
        self.sources: dict[int, tuple[int, ...]] = {}  # seq of what was derived -> seqs

    def __len__(self) -> int:
        return self.count

    def column(self, name: str) -> npt.NDArray[Any]:
        """A field of all rows."""
        return self._arrays[name][: self.count]

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values())

    def put(self, rows: Iterable[IndexRow]) -> None:
        """Add rows, or put them in the place of those with the same seq."""
        for row in rows:
            at = self._place(row.seq)
            for name, value in _encoded(row).items():
                self._arrays[name][at] = value
            if row.sources:
                self.sources[row.seq] = row.sources
            else:
                self.sources.pop(row.seq, None)

    def remove(self, seqs: Ints) -> None:
        """Take rows out; those that stay close up."""
        gone = np.isin(self.column("seq"), seqs)
        self._arrays = {name: array[: self.count][~gone] for name, array in self._arrays.items()}
        self.count -= int(gone.sum())
        left = {seq: tuple(s for s in own if s not in seqs) for seq, own in self.sources.items() if seq not in seqs}
        self.sources = {seq: own for seq, own in left.items() if own}

    def rows_of(self, seqs: Ints) -> tuple[Ints, Bools]:
        """Row numbers of the seqs that are here, and which of `seqs` those were."""
        known = self.column("seq")
        at = np.searchsorted(known, seqs)
        inside = at < self.count
        inside[inside] = known[at[inside]] == seqs[inside]
        return at[inside].astype(np.int64), inside

    def _place(self, seq: int) -> int:
        known = self.column("seq")
        at = int(np.searchsorted(known, seq))
        if at < self.count and known[at] == seq:
            return at
        if at != self.count:
            self._make_room(at)
        elif self.count == len(self._arrays["seq"]):
            self._grow()
        self.count += 1
        return at

    def _grow(self) -> None:
        for name, array in self._arrays.items():
            self._arrays[name] = np.concatenate([array, np.empty(max(len(array), 64), array.dtype)])

    def _make_room(self, at: int) -> None:
        if self.count == len(self._arrays["seq"]):
            self._grow()
        for array in self._arrays.values():
            array[at + 1 : self.count + 1] = array[at : self.count].copy()


def _encoded(row: IndexRow) -> dict[str, Any]:
    values: dict[str, Any] = row._asdict()
    del values["sources"]
    values["kind"] = KINDS.index(row.kind)
    values["state"] = STATES.index(row.state)
    values["role"] = -1 if row.role is None else ROLES.index(row.role)
    values["salience"] = np.nan if row.salience is None else row.salience
    return {name: NONE if value is None else value for name, value in values.items()}


def standardised(values: FloatArray, mean: float, deviation: float) -> FloatArray:
    """Values in standard deviations from the mean; zeros where there is no spread."""
    if deviation < 1e-9:
        return np.zeros_like(values, dtype=np.float32)
    return np.asarray((values - mean) / deviation, dtype=np.float32)
