"""Calibration: the relevance of a memory to a question, in 0..1, and whether a bank can answer the question at all.

Ranks are relative: there is always a best. Relevance is absolute: it rests on the cosine itself and on
the share of the question's information (idf) that is found in the memory or right beside it.
"""

from collections.abc import Collection

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import among
from memkit.recall.ranking.candidates import Candidates

COVERAGE_WEIGHT, NAMED_WEIGHT = 0.6, 0.1  # what covering all of a question, and naming the speaker, add to the cosine
LOGISTIC_MIDDLE, LOGISTIC_STEEPNESS = 0.45, 12.0  # the evidence at which relevance is 1/2, and how sharply it turns
UNKNOWN_COSINE = np.float32(0.15)  # where there is no vector
BEST_RESULTS = 5  # whose mean evidence says whether the bank can answer: chance rarely gives five
USUAL_MEAN, USUAL_SIZE = 0.395, 500  # the mean that is asked for in a bank of 500 memories ...
MEAN_GROWTH, MIN_MEAN = 0.06, 0.21  # ... more by this for each e-fold, since more memories have more chances
WORDS_ENOUGH, WORDS_ENOUGH_UNREAD = 2.0, 0.8  # of the information of a word that one memory holds
REMARK_MARGIN = 0.05  # a remark calls up an old moment by less than a question that asks for it
SINGLE_MARGIN = 0.325  # how far over that mean a single result must lie to be enough by itself


def absolute_evidence(candidates: Candidates, named: Collection[int]) -> FloatArray:
    """Cosine + share of the question's idf covered + whether the speaker is among the named ones, (n,)."""
    cosines = np.where(np.isnan(candidates.cosines), UNKNOWN_COSINE, candidates.reading * candidates.cosines)
    is_named = among(candidates.features.speaker, named).astype(np.float32)
    return np.asarray(cosines + COVERAGE_WEIGHT * _coverage(candidates) + NAMED_WEIGHT * is_named, dtype=np.float32)


def _coverage(candidates: Candidates) -> FloatArray:
    """The share of the question's information in a row, or at half in the row before or after it."""
    features = candidates.features
    own, adjacent = candidates.words.share_of(candidates.information), features.adjacent
    most, half = own.copy(), own / 2
    most[1:] = np.maximum(most[1:], half[:-1] * adjacent)
    most[:-1] = np.maximum(most[:-1], half[1:] * adjacent)
    return np.asarray(most)


def relevance(evidence: FloatArray) -> FloatArray:
    """Logistic in the evidence, (n,)."""
    return np.asarray(1 / (1 + np.exp(LOGISTIC_STEEPNESS * (LOGISTIC_MIDDLE - evidence))), dtype=np.float32)


def is_answerable(candidates: Candidates, size: int, *, word_nats: float, asks: bool) -> bool:
    """Whether a bank of this size can answer a question, or (`asks`: False) a remark, by evidence, or by words alone.

    `word_nats`: the information of a word that one memory holds. A memory that holds WORDS_ENOUGH such words, or as
    much in more frequent ones, answers; where nothing has a cosine with the question, which the encoder can't read,
    one that holds WORDS_ENOUGH_UNREAD.
    """
    if not candidates.eligible.any():
        return False
    held = candidates.information[candidates.eligible].max()
    is_read = not np.isnan(candidates.cosines).all()
    if held >= word_nats * (WORDS_ENOUGH if is_read else WORDS_ENOUGH_UNREAD):
        return True
    return is_read and is_evident(candidates.evidence[candidates.eligible], size, margin=0 if asks else REMARK_MARGIN)


def is_evident(best: FloatArray, size: int, *, margin: float = 0) -> bool:
    """Whether evidence is enough in a bank of this size: the mean of the five best, or a single sure one.

    Calibrated on banks of 2 to 1,500 memories, by questions about them and by questions about nothing in them:
    99 of 100 of the former get results, 1 of 100 of the latter. `margin`: by so much less is enough.
    """
    if len(best) > BEST_RESULTS:
        best = np.partition(best, -BEST_RESULTS)[-BEST_RESULTS:]
    bar = max(MIN_MEAN, USUAL_MEAN + MEAN_GROWTH * float(np.log(max(size, 1) / USUAL_SIZE)) - margin)
    return bool(best.mean() >= bar or best.max() >= bar + SINGLE_MARGIN)
