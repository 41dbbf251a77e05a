"""Metrics of a ranking, computed from the ranks of the evidence; means, their intervals, figures as plain values."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from memkit.models import FrozenModel

Floats = npt.NDArray[np.float64]
Ranks = Floats  # (number of evidence items,): 1 is first; infinite where it was not found

RESAMPLE_COUNT = 2000
RESAMPLE_SEED = 20240223


def ranks_of(ranking: Iterable[str], evidence: frozenset[str]) -> Ranks:
    """The rank of each evidence item in a ranking without repeats."""
    at = {name: rank for rank, name in enumerate(ranking, start=1) if name in evidence}
    return np.array([at.get(name, np.inf) for name in sorted(evidence)], np.float64)


def fraction(ranks: Ranks, k: int) -> float:
    """The share of the evidence that is among the first k."""
    return float(np.mean(ranks <= k))


def found_any(ranks: Ranks, k: int) -> float:
    """1 where at least one evidence item is among the first k."""
    return float(np.any(ranks <= k))


def found_all(ranks: Ranks, k: int) -> float:
    """1 where all evidence is among the first k."""
    return float(np.all(ranks <= k))


def ndcg(ranks: Ranks, k: int) -> float:
    """Normalised discounted cumulative gain at k, with gains of 0 or 1 (Järvelin & Kekäläinen 2002)."""
    gained = np.sum(1 / np.log2(1 + ranks[ranks <= k]))
    ideal = np.sum(1 / np.log2(1 + np.arange(1, min(len(ranks), k) + 1)))
    return float(gained / ideal)


def reciprocal_rank(ranks: Ranks, k: int) -> float:
    """The reciprocal of the best evidence item's rank, 0 where none is among the first k; its mean is MRR@k."""
    best = float(ranks.min())
    return 1 / best if best <= k else 0.0


METRIC_FUNCTIONS: dict[str, Callable[[Ranks, int], float]] = {
    "fraction": fraction,
    "any": found_any,
    "all": found_all,
    "ndcg": ndcg,
    "mrr": reciprocal_rank,
}


def bootstrap_interval(groups: Sequence[Sequence[float]], *, seed: int = RESAMPLE_SEED) -> tuple[float, float] | None:
    """A 95 % bootstrap interval of the mean over all values, resampling whole groups (conversations).

    None where there are fewer than three groups: nothing can be said then.
    """
    filled = [np.asarray(group, np.float64) for group in groups if len(group)]
    if len(filled) < 3:
        return None
    sums = np.array([group.sum() for group in filled])
    counts = np.array([len(group) for group in filled])
    drawn = np.random.default_rng(seed).integers(0, len(filled), (RESAMPLE_COUNT, len(filled)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def mean(values: Iterable[float]) -> float:
    """The mean; 0 of nothing."""
    listed = [float(value) for value in values]
    return fmean(listed) if listed else 0.0


def rounded(value: object) -> Any:
    """Plain values with the decimals that they can mean."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value


class MeasuredFigures(FrozenModel):
    """Base of what was measured."""

    def dump(self) -> dict[str, Any]:
        """Plain values, rounded to what they can mean."""
        return dict(rounded(self.model_dump(mode="json")))
