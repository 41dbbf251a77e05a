"""Words completed from beside: what a turn leaves out, the turns around it have said.

A row takes, of each word of the question, up to a share from the two rows before it and the two after it in its
session: s' = 1 - (1 - s)(1 - min(1, w o c)), with s the word's saturation (BM25) in the row, c the greatest of those
beside, o how open the row is to its context, and w the weight, less in a cohesive bank. In return the neighbours'
linear share of lexical evidence is less (`shared_lexical`): the same words would count twice.
"""

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.candidates import Candidates
from memkit.recall.ranking.evidence import FULL_MATCH_SD
from memkit.settings import RankingSettings

HALVED_SHARE = 0.5  # of the linear share of lexical evidence, that completion takes the place of


def completed_lexical(candidates: Candidates, weights: RankingSettings) -> FloatArray:
    """Evidence by words, each completed from beside, in standard deviations, (n,)."""
    features, evidence = candidates.features, candidates.words
    loose = 1 - candidates.cohesion
    if not weights.beside or not loose or len(features) < 2:
        return candidates.lexical
    total, share = np.zeros(len(features), np.float32), weights.beside * loose * candidates.open_to_context
    for term, own in evidence.rows_by_term.items():
        saturation = _spread(own, evidence.saturations[term], features.rows)
        taken = np.minimum(1, share * _greatest_beside(saturation, features.linked))
        total += evidence.bounds[term] * (1 - (1 - saturation) * (1 - taken))
    return np.asarray(FULL_MATCH_SD * total / np.float32(evidence.full_bm25), dtype=np.float32)


def shared_lexical(candidates: Candidates, weights: RankingSettings) -> FloatArray:
    """Lexical evidence as neighbours share it, (n,)."""
    taken = HALVED_SHARE * (1 - candidates.cohesion) if weights.beside else 0.0
    return (1 - taken) * candidates.lexical


def _spread(own: Ints, values: FloatArray, rows: Ints) -> FloatArray:
    """Values of some rows (`own`, in order) at their places among `rows`, 0 at the others."""
    places = np.minimum(own.searchsorted(rows), len(own) - 1)
    return np.where(own[places] == rows, values[places], np.float32(0))


def _greatest_beside(values: FloatArray, linked: Bools) -> FloatArray:
    """The greatest value within two rows on each side, in the same session."""
    greatest = np.zeros_like(values)
    for step, near in ((1, linked), (2, linked[1:] & linked[:-1])):
        if len(values) > step:
            greatest[step:] = np.maximum(greatest[step:], values[:-step] * near)
            greatest[:-step] = np.maximum(greatest[:-step], values[step:] * near)
    return greatest
