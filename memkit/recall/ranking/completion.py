"""Words completed from beside: what a turn leaves out, the turns around it have said.

A row takes, of each word of the question, up to a share from the two rows before it and the two after it in its
session: s' = 1 - (1 - s)(1 - min(1, w o c)), with s the word's saturation (BM25) in the row, c the greatest of those
beside, o how open the row is to its context, and w the weight, less in a cohesive bank. In return the neighbours'
linear share of lexical evidence is less (`shared_lexical`): the same words would count twice.
"""

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.ranking.candidates import Candidates, RowFeatures
from memkit.recall.ranking.evidence import FULL_MATCH_SD
from memkit.settings import RankingSettings

HALVED_SHARE = 0.5  # of the linear share of lexical evidence, that completion takes the place of


def completed_lexical(candidates: Candidates, weights: RankingSettings) -> FloatArray:
    """Evidence by words, each completed from beside, in standard deviations, (n,)."""
    features, evidence = candidates.features, candidates.words
    loose = 1 - candidates.cohesion
    if not weights.beside or not loose or len(features) < 2:
        return candidates.lexical
    own, bounds = candidates.saturations, np.array([evidence.bounds[t] for t in evidence.rows_by_term], np.float32)
    beside = (weights.beside * loose * candidates.open_to_context) * _greatest_beside(own, features)
    total = bounds @ (1 - (1 - own) * (1 - np.minimum(1, beside)))
    return np.asarray(FULL_MATCH_SD / np.float32(evidence.full_bm25) * total, dtype=np.float32)


def shared_lexical(candidates: Candidates, weights: RankingSettings) -> FloatArray:
    """Lexical evidence as neighbours share it, (n,)."""
    taken = HALVED_SHARE * (1 - candidates.cohesion) if weights.beside else 0.0
    return (1 - taken) * candidates.lexical


def _greatest_beside(values: FloatArray, features: RowFeatures) -> FloatArray:
    """The greatest value within two rows on each side, in the same session; (terms, n)."""
    greatest = np.zeros_like(values)
    for step, near in ((1, features.linked), (2, features.linked_twice)):
        if len(features) > step:
            np.maximum(greatest[:, step:], values[:, :-step] * near, out=greatest[:, step:])
            np.maximum(greatest[:, :-step], values[:, step:] * near, out=greatest[:, :-step])
    return greatest
