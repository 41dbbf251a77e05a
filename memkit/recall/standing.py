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
    episode_size: Ints  # rows in the row's episode; 0 where it lies in none
    session_size: Ints
    episodes: int
    sessions: int

    @classmethod
    def of(cls, columns: Columns, timed: Ints) -> "Standing":
        """From the columns, and the seqs of what names a time or a number."""
        logs = np.log1p(columns.column("length").astype(np.float32))
        flags = np.zeros(len(columns), dtype=bool)
        flags[columns.rows_of(timed)[0]] = True
        spread = max(float(logs.std()), 0.3) if len(logs) else 1.0
        length = standardised(logs, float(logs.mean()) if len(logs) else 0.0, spread)
        episodes, sessions = columns.column("episode"), columns.column("session")
        (episode_size, many), (session_size, some) = _sizes(episodes), _sizes(sessions)
        return cls(length, _since(sessions), flags, episode_size, session_size, many, some)


def _since(sessions: Ints) -> Ints:
    known, numbers = np.unique(sessions, return_inverse=True)
    return np.where(sessions == NONE, 0, len(known) - 1 - numbers)


def _sizes(chunks: Ints) -> tuple[Ints, int]:
    """How many rows each row's chunk has, and how many chunks there are."""
    known, numbers, counts = np.unique(chunks, return_inverse=True, return_counts=True)
    return np.where(chunks == NONE, 0, counts[numbers]), int((known != NONE).sum())
