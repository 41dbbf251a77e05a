"""What stands beside a bank's columns until it changes: worked out once, used by every recall."""

from dataclasses import dataclass

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.columns import NONE, Bools, Columns, Ints, standardised


@dataclass(frozen=True)
class Chunks:
    """A bank's episodes, or its sessions: the number of each row's, (n,), -1 for none; how many rows each has."""

    numbers: Ints
    sizes: Ints  # (number of chunks,)

    @classmethod
    def of(cls, column: Ints) -> "Chunks":
        """Numbered from 0 in the order of the column's values."""
        known, numbers, sizes = np.unique(column, return_inverse=True, return_counts=True)
        none = int(len(known) > 0 and known[0] == NONE)
        return cls(numbers - none, sizes[none:])


@dataclass(frozen=True)
class Standing:
    """Arrays (n,), one value for each row of the bank's columns."""

    log_length: FloatArray  # in standard deviations of the bank's
    sessions_since: Ints  # sessions that began after the row's; 0 where it lies in none
    timed: Bools  # names a time or a number
    episodes: Chunks
    sessions: Chunks

    @classmethod
    def of(cls, columns: Columns, timed: Ints) -> "Standing":
        """From the columns, and the seqs of what names a time or a number."""
        logs = np.log1p(columns.column("length").astype(np.float32))
        flags = np.zeros(len(columns), dtype=bool)
        flags[columns.rows_of(timed)[0]] = True
        spread = max(float(logs.std()), 0.3) if len(logs) else 1.0
        length = standardised(logs, float(logs.mean()) if len(logs) else 0.0, spread)
        episodes, sessions = columns.column("episode"), columns.column("session")
        return cls(length, _since(sessions), flags, Chunks.of(episodes), Chunks.of(sessions))


def _since(sessions: Ints) -> Ints:
    known, numbers = np.unique(sessions, return_inverse=True)
    return np.where(sessions == NONE, 0, len(known) - 1 - numbers)
