"""Calibration: the relevance of a memory to a question, in 0..1, and whether a bank can answer the question at all.

Ranks are relative: there is always a best. Relevance is absolute: it rests on the cosine itself and on
the share of the question's information (idf) that is found in the memory or right beside it.
"""

import math
from collections.abc import Collection

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.chance import BEST_ROWS, ChanceCosines, mean_of_best
from memkit.recall.index.columns import among
from memkit.recall.ranking.candidates import Candidates
from memkit.recall.ranking.cues import Cues

COVERAGE_WEIGHT, NAMED_WEIGHT = 0.6, 0.1  # what covering all of a question, and naming the speaker, add to the cosine
LOGISTIC_MIDDLE, LOGISTIC_STEEPNESS = 0.45, 12.0  # the evidence at which relevance is 1/2, and how sharply it turns
UNKNOWN_COSINE = np.float32(0.15)  # where there is no vector
UNREAD_SURPRISE, MAX_SURPRISE = 2.0, 6.0  # of cosines that aren't known: no sign for an answer, and none against; most
WORD_SURPRISE = 0.5  # of a nat that words tell
NAME_SURPRISE = 1.25  # of a speaker's name, and against a name that the bank doesn't hold
LEAST_SIZE, ROWS_PER_BEST = 50, 10  # of a bank, for what its words tell; in smaller ones, fewer than five, or one, do
LEAST_SURENESS, FULL_SURENESS = 1.0, 2.0  # from which on one result is given, and all that are wanted


def absolute_evidence(candidates: Candidates, named: Collection[int]) -> FloatArray:
    """Cosine + share of the question's idf covered + whether the speaker is among the named ones, (n,)."""
    cosines = candidates.reading * candidates.cosines
    cosines[np.isnan(cosines)] = UNKNOWN_COSINE
    evidence = np.asarray(cosines + COVERAGE_WEIGHT * _coverage(candidates), dtype=np.float32)
    if named:
        evidence += NAMED_WEIGHT * among(candidates.features.speaker, named)
    return evidence


def _coverage(candidates: Candidates) -> FloatArray:
    """The share of the question's information in a row, or at half in the row before or after it."""
    own, half = candidates.words.share_of(candidates.information), candidates.features.half_adjacent
    most = own.copy()
    np.maximum(most[1:], own[:-1] * half, out=most[1:])
    np.maximum(most[:-1], own[1:] * half, out=most[:-1])
    return most


def relevance(evidence: FloatArray) -> FloatArray:
    """Logistic in the evidence, (n,)."""
    odds = np.exp(LOGISTIC_STEEPNESS * (LOGISTIC_MIDDLE - evidence))
    odds += 1
    return np.asarray(1 / odds, dtype=np.float32)


def sureness(candidates: Candidates, chance: ChanceCosines | None, size: int, cues: Cues) -> float:
    """Sureness that a bank of this size can answer, in standard deviations above what chance gives.

    Cosines count as far as the encoder reads the question and the bank, and the names in the question for themselves:
    a speaker's speaks for an answer, one that the bank doesn't hold against.
    """
    words = WORD_SURPRISE * _word_nats(candidates, size)
    names = NAME_SURPRISE * (bool(cues.named) - _names_stranger(candidates, cues))
    return _cosine_surprise(candidates, chance, size) + words + names


def _cosine_surprise(candidates: Candidates, chance: ChanceCosines | None, size: int) -> float:
    """Standard deviations by which the best cosines lie above chance; UNREAD_SURPRISE as far as nothing is read."""
    cosines = candidates.of_eligible(candidates.cosines)
    real = cosines[~np.isnan(cosines)]
    if chance is None or not len(real):
        return UNREAD_SURPRISE
    share = candidates.reading * candidates.meaning * len(real) / len(cosines)
    return share * min(chance.deviations(real, size), MAX_SURPRISE) + (1 - share) * UNREAD_SURPRISE


def _names_stranger(candidates: Candidates, cues: Cues) -> bool:
    """Whether a question has a name that no memory holds."""
    names = {word.forms[0][0] for word in cues.terms if word.is_name}
    return any(name in candidates.words.covers and name not in candidates.words.rows_by_term for name in names)


def _word_nats(candidates: Candidates, size: int) -> float:
    """The question's information in the rows that hold most, less that of a word that as many hold by chance."""
    held = candidates.of_eligible(candidates.information)
    few = min(BEST_ROWS, max(1, size // ROWS_PER_BEST))
    counts = (1, few) if size < LEAST_SIZE else (few,)
    return max(mean_of_best(held, count) - math.log(max(size, LEAST_SIZE) / count) for count in counts)


def result_count(sure: float, wanted: int) -> int:
    """Number of the wanted results that a bank gives: none below LEAST_SURENESS, all from FULL_SURENESS on.

    Between them their number grows by equal factors, from one on.
    """
    if sure < LEAST_SURENESS:
        return 0
    share = min(1.0, (sure - LEAST_SURENESS) / (FULL_SURENESS - LEAST_SURENESS))
    return round(math.pow(wanted, share))
