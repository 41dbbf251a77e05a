"""What stands beside a bank's columns until it changes: worked out once, used by every recall."""

from dataclasses import dataclass

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.columns import NONE, Bools, Columns, Ints, standardised


@dataclass(frozen=True)
class Standing:
    """Arrays (n,), one value for each row of the bank's columns."""

    log_length: FloatArray  # in standard deviations of the bank's
    sessions_since: Ints  # sessions that began after the row's; 0 where it lies in none
    timed: Bools  # names a time or a number

    @classmethod
    def of(cls, columns: Columns, timed: Ints) -> "Standing":
        """From the columns, and the seqs of what names a time or a number."""
        logs = np.log1p(columns.column("length").astype(np.float32))
        flags = np.zeros(len(columns), dtype=bool)
        flags[columns.rows_of(timed)[0]] = True
        spread = max(float(logs.std()), 0.3) if len(logs) else 1.0
        length = standardised(logs, float(logs.mean()) if len(logs) else 0.0, spread)
        return cls(length, _since(columns.column("session")), flags)


def _since(sessions: Ints) -> Ints:
    known, numbers = np.unique(sessions, return_inverse=True)
    return np.where(sessions == NONE, 0, len(known) - 1 - numbers)
