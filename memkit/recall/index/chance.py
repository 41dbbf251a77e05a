"""Chance: how near questions about nothing in a bank come to its memories, by the encoder that made their vectors."""

import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from memkit.protocols import FloatArray

BEST_ROWS = 5  # whose mean tells how much a bank has for a question: chance rarely gives five
SIZE_STEP = 1.1  # times as many vectors: then chance is measured anew
MIN_PROBE_SD = 0.01  # of the probes' best cosines: of a bank of one memory, say


@cache
def probe_questions() -> tuple[str, ...]:
    """Questions of general knowledge, which no bank is about."""
    lines = (files("memkit.recall.index") / "probe_questions.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


class ChanceCosines(NamedTuple):
    """Chance, as the probes find it: mean and standard deviation of their best cosines, and the spread of all.

    `size`: how many memories they were compared with; `bank_size`: of how many these stand for.
    """

    mean: float
    sd: float
    spread: float
    size: int
    bank_size: int

    @classmethod
    def measured(cls, cosines: Sequence[FloatArray], bank_size: int) -> "ChanceCosines":
        """Measure by each probe's cosines to the same memories, which stand for a bank of `bank_size`."""
        best = np.array([mean_of_best(row) for row in cosines])
        spread = float(np.mean([row.std() for row in cosines]))
        return cls(float(best.mean()), max(float(best.std(ddof=1)), MIN_PROBE_SD), spread, len(cosines[0]), bank_size)

    def deviations(self, cosines: FloatArray, size: int) -> float:
        """Standard deviations by which the best of these cosines lie above chance in a bank of this size."""
        grown = self.spread * (_reach(size) - _reach(self.size))
        return (mean_of_best(cosines) - self.mean - grown) / self.sd


def measured_size(count: int) -> int:
    """Number of the first vectors that are measured, of so many: it grows in steps of a tenth."""
    return int(SIZE_STEP ** math.floor(math.log(count, SIZE_STEP))) if count else 0


def mean_of_best(values: FloatArray, count: int = BEST_ROWS) -> float:
    """The mean of the greatest values, or of all where there are fewer."""
    if len(values) > count:
        values = -np.partition(-values, count - 1)[:count]  # from the front: many equal small values would slow it
    return float(values.sum()) / len(values)


def _reach(count: int) -> float:
    """About how many standard deviations the best of so many normal values lie above their mean."""
    return math.sqrt(2 * math.log(max(count / BEST_ROWS, 1.0)))
