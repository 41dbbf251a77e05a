"""Words completed from beside: what a turn leaves out, the turns around it have said.

A row takes, of each word of the question, up to a share from the two rows before it and the two after it in its
session: s' = 1 - (1 - s)(1 - min(1, w o c)), with s the word's saturation (BM25) in the row, c the greatest of those
beside, o how open the row is to its context, and w the weight, less in a cohesive bank. In return the neighbours'
linear share of lexical evidence is less (`taken_share`): the same words would count twice.
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
    if not weights.beside or not loose or len(features) < 2 or not evidence.rows_by_term:
        return candidates.lexical
    own, bounds = candidates.saturations, np.array([evidence.bounds[t] for t in evidence.rows_by_term], np.float32)
    gained = _greatest_beside(own, features)
    gained -= own * gained  # s' - s = (1 - s) w o c: that is at most 1 - s, since w and o are at most 1
    share = weights.beside * loose * FULL_MATCH_SD / evidence.full_bm25
    more = candidates.open_to_context * (np.float32(share) * bounds @ gained)
    return np.asarray(candidates.lexical + more, dtype=np.float32)


def taken_share(candidates: Candidates, weights: RankingSettings) -> float:
    """The share of lexical evidence that neighbours take less of, since completion takes its place."""
    return HALVED_SHARE * (1 - candidates.cohesion) if weights.beside else 0.0


def _greatest_beside(values: FloatArray, features: RowFeatures) -> FloatArray:
    """The greatest value within two rows on each side, in the same session; (terms, n)."""
    greatest = np.empty_like(values)
    greatest[:, :1] = 0
    np.multiply(values[:, :-1], features.linked, out=greatest[:, 1:])
    for step, near in ((1, features.linked), (2, features.linked_twice)):
        if values.shape[1] > step:
            after = values[:, step:] * near
            np.maximum(greatest[:, :-step], after, out=greatest[:, :-step])
            if step > 1:
                np.multiply(values[:, :-step], near, out=after)
                np.maximum(greatest[:, step:], after, out=greatest[:, step:])
    return greatest
