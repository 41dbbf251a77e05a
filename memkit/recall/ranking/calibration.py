"""Calibration: the relevance of a memory to a question, in 0..1, and whether a bank can answer the question at all.

Ranks are relative: there is always a best. Relevance is absolute: it rests on the cosine itself and on
the share of the question's information (idf) that is found in the memory or right beside it.
"""

from collections.abc import Collection

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, among
from memkit.recall.ranking.candidates import Candidates

COVERAGE_WEIGHT, NAMED_WEIGHT = 0.6, 0.1  # what covering all of a question, and naming the speaker, add to the cosine
LOGISTIC_MIDDLE, LOGISTIC_STEEPNESS = 0.45, 12.0  # the evidence at which relevance is 1/2, and how sharply it turns
UNKNOWN_COSINE = np.float32(0.15)  # where there is no vector
BEST_RESULTS = 5  # whose mean evidence says whether the bank can answer: chance rarely gives five
USUAL_MEAN, USUAL_SIZE = 0.395, 500  # the mean that is asked for in a bank of 500 memories ...
MEAN_GROWTH, MIN_MEAN = 0.06, 0.21  # ... more by this for each e-fold, since more memories have more chances
SINGLE_MARGIN = 0.325  # how far over that mean a single result must lie to be enough by itself


def absolute_evidence(candidates: Candidates, named: Collection[int]) -> FloatArray:
    """Cosine + share of the question's idf covered + whether the speaker is among the named ones, (n,)."""
    cosines = np.where(np.isnan(candidates.cosines), UNKNOWN_COSINE, candidates.reading * candidates.cosines)
    is_named = among(candidates.features.speaker, named).astype(np.float32)
    return np.asarray(cosines + COVERAGE_WEIGHT * _coverage(candidates) + NAMED_WEIGHT * is_named, dtype=np.float32)


def _coverage(candidates: Candidates) -> FloatArray:
    """The share of the question's information in a row, or at half in the row before or after it."""
    features = candidates.features
    own, adjacent = candidates.words.coverage(features.rows, features.lengths), features.adjacent
    most, half = own.copy(), own / 2
    most[1:] = np.maximum(most[1:], half[:-1] * adjacent)
    most[:-1] = np.maximum(most[:-1], half[1:] * adjacent)
    return np.asarray(most)


def relevance(evidence: FloatArray) -> FloatArray:
    """Logistic in the evidence, (n,)."""
    return np.asarray(1 / (1 + np.exp(LOGISTIC_STEEPNESS * (LOGISTIC_MIDDLE - evidence))), dtype=np.float32)


def is_answerable(evidence: FloatArray, eligible: Bools, size: int) -> bool:
    """Whether a bank of this size can answer the question: by the mean of the five best, or by a single sure result.

    Calibrated on banks of 2 to 1,500 memories, by questions about them and by questions about nothing in them:
    99 of 100 of the former get results, 1 of 100 of the latter.
    """
    best = evidence[eligible]
    if not len(best):
        return False
    if len(best) > BEST_RESULTS:
        best = np.partition(best, -BEST_RESULTS)[-BEST_RESULTS:]
    bar = max(MIN_MEAN, USUAL_MEAN + MEAN_GROWTH * float(np.log(max(size, 1) / USUAL_SIZE)))
    return bool(best.mean() >= bar or best.max() >= bar + SINGLE_MARGIN)
