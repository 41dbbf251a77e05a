"""What a search gives back, by numbers."""

from dataclasses import dataclass

import numpy as np

from memkit.recall.index.columns import Ints
from memkit.recall.ranking.candidates import Pool


@dataclass(frozen=True)
class ScoredRow:
    """One result: `score` in 0..1 is how relevant it is, `parts` what its rank is made of."""

    seq: int
    score: float
    parts: dict[str, float]
    words: tuple[str, ...] = ()
    thoughts: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()  # the turns just before and after it in its session
    around: tuple[int, ...] = ()  # as many on each side as were asked for


def whys(pool: Pool, best: Ints) -> list[dict[str, float]]:
    """What the rank of each of these is made of, and its cosine; without what is 0, rounded, or unknown."""
    values = {**pool.parts, "cosine": pool.cosine}
    table = np.nan_to_num(np.array([column[best] for column in values.values()], dtype=np.float64).round(4))
    return [{name: value for name, value in zip(values, row, strict=True) if value} for row in table.T.tolist()]
