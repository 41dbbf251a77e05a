"""Evidence for a bank's rows: how near each is to a question, in meaning and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.columns import Columns, Ints, standardised
from memkit.recall.lexical import IMAGINED, LexicalIndex
from memkit.text.terms import key_hash

PRIOR_ROWS = 20  # a small bank's statistics are shrunk towards what is usual
PRIOR_MEAN, PRIOR_DEVIATION = 0.12, 0.12  # of the cosines of unrelated sentences


@dataclass(frozen=True)
class Lexical:
    """BM25 of all rows (n,), standardised; the share of the question's idf that each holds; its terms."""

    scores: FloatArray
    coverage: FloatArray
    matched: dict[str, Ints]  # term -> rows


def lexical_evidence(index: LexicalIndex, columns: Columns, key: bytes, terms: Sequence[str]) -> Lexical:
    """Score all rows by words; exact for the whole bank, since only matching rows differ from 0."""
    count = len(columns)
    scores, covered = np.zeros(count, np.float32), np.zeros(count, np.float32)
    matched: dict[str, Ints] = {}
    asked = 0.0
    for term in terms:
        seqs, impact, idf = index.impact(key_hash(key, term))
        rows, inside = columns.rows_of(seqs)
        asked += idf
        if len(rows):
            scores[rows] += impact[inside]
            covered[rows] += idf
            matched[term] = rows
    return Lexical(_standardised_words(scores), covered / max(asked, 1e-9), matched)


def _standardised_words(scores: FloatArray) -> FloatArray:
    documents = len(scores) + IMAGINED
    mean = float(scores.sum()) / documents
    variance = float((scores**2).sum()) / documents - mean**2
    return standardised(scores, mean, max(variance, 0.0) ** 0.5)


def standardised_cosines(cosines: FloatArray, sample: FloatArray) -> FloatArray:
    """Cosines in standard deviations of the bank's (of `sample`); unknown ones (NaN) count as average."""
    known = sample[~np.isnan(sample)].astype(np.float64)
    weight = len(known) + PRIOR_ROWS
    mean = (known.sum() + PRIOR_ROWS * PRIOR_MEAN) / weight
    spread = ((known - mean) ** 2).sum() + PRIOR_ROWS * PRIOR_DEVIATION**2
    z = standardised(cosines, float(mean), float((spread / weight) ** 0.5))
    return np.nan_to_num(z, nan=0.0)
