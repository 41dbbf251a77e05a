"""Repetitions: turns in which people say again what a bank holds; the first of its kind stands for them all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from memkit.batches import FIELD_CODES, NO_VALUE
from memkit.recall.index.seq_array import Ints

if TYPE_CHECKING:
    from memkit.recall.index.columns import Columns

PEOPLES_ROLES = (FIELD_CODES["role"][None], FIELD_CODES["role"]["user"])


@dataclass(frozen=True)
class Repetitions:
    """Rows of people's echoes, with the seqs of their originals, in order of those; what others repeat is no news."""

    originals: Ints
    rows: Ints

    @classmethod
    def of(cls, columns: "Columns") -> Self:
        """All of a bank's."""
        if not columns.has("echo_of"):
            return cls(np.empty(0, np.int64), np.empty(0, np.int64))
        echo_of = columns.column("echo_of")
        rows = np.flatnonzero((echo_of != NO_VALUE) & np.isin(columns.column("role"), PEOPLES_ROLES))
        order = np.argsort(echo_of[rows], kind="stable")
        return cls(echo_of[rows][order], rows[order])

    def __len__(self) -> int:
        return len(self.rows)

    def by_original(self, seqs: Iterable[int]) -> Mapping[int, Ints]:
        """Rows of the repetitions of each of these memories, by its seq; of those that have any."""
        if not len(self):
            return {}
        wanted = np.fromiter(seqs, dtype=np.int64)
        starts, ends = self.originals.searchsorted(wanted), self.originals.searchsorted(wanted, side="right")
        spans = zip(wanted.tolist(), starts.tolist(), ends.tolist(), strict=True)
        return {seq: self.rows[start:end] for seq, start, end in spans if end > start}
