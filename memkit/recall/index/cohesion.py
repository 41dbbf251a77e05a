"""Cohesion: how far a bank's sessions are each about one thing. Ranking follows it.

With an assistant, a session is one task, and what is needed is the session; between friends it is whatever
comes up, and what is needed is a moment in it. The difference can be measured.
"""

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.seq_array import Ints

NO_COHESION_COSINE, FULL_COHESION_COSINE = 0.04, 0.2  # differences of mean cosines: talk; tasks, one a session


def cohesion(vectors: FloatArray, sessions: Ints) -> float:
    """The mean cosine within sessions less that of all pairs, on a scale from 0 to 1.

    0 up to NO_COHESION_COSINE, 1 from FULL_COHESION_COSINE on, linear between.

    `vectors`: unit rows (n, dimension); `sessions`: (n,). People's chats have 0, long talks with an assistant
    about several things .1, tasks of one session each 1. From sums alone: pairs of a set sum to |sum|^2 - size.
    """
    if len(vectors) < 2:
        return 0.0
    count = len(sessions)
    if bool(np.any(sessions[1:] < sessions[:-1])):
        order = np.argsort(sessions, kind="stable")
        vectors, sessions = vectors[order], sessions[order]
    starts = np.flatnonzero(np.diff(sessions, prepend=sessions[0] - 1))
    parts = np.split(vectors, starts[1:])  # long sessions take a third of the time that `reduceat` takes
    sums = np.stack([part.sum(axis=0) for part in parts]).astype(np.float64)
    sizes = np.diff(starts, append=count)
    within = _mean_cosine((sums**2).sum(), count, (sizes * (sizes - 1)).sum())
    total = sums.sum(axis=0)
    overall = _mean_cosine(total @ total, count, count * (count - 1))
    return float(np.clip((within - overall - NO_COHESION_COSINE) / (FULL_COHESION_COSINE - NO_COHESION_COSINE), 0, 1))


def _mean_cosine(squares: float, count: int, pairs: int) -> float:
    """The mean over ordered pairs, from the squared length of the sum of `count` unit vectors."""
    return float((squares - count) / pairs) if pairs else 0.0
