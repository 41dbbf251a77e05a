"""Search by cosine alone, exact over all memories that may be results: what users of vector stores expect of theirs."""

import numpy as np

from memkit.batches import NO_VALUE
from memkit.protocols import FloatArray, VectorSource
from memkit.recall.index.bank_index import BankIndex
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.query import Query, is_eligible, is_visible
from memkit.recall.search import ScoredRow

COMPARED_ROWS = 4096  # whose vectors are read at once


def nearest(index: BankIndex, query: Query, source: VectorSource) -> list[ScoredRow]:
    """The k nearest of the memories with a vector, the newer first among equals; of several vectors the nearest counts.

    The score is the cosine. Nothing is left out as irrelevant, unless a `min_score` is given.
    """
    if query.vector is None:
        return []
    columns, least = index.columns, query.options.min_score
    visible = is_visible(columns, columns.rows, query) & (columns.at("echo_of", columns.rows) == NO_VALUE)
    rows = columns.rows[visible & is_eligible(columns, columns.rows, query)]
    seqs = columns.at("seq", rows)
    cosines = greatest_cosines(query.vector, seqs, source)
    order = np.lexsort((-seqs, -cosines))
    near = order[cosines[order] >= (-2.0 if least is None else least)][: query.options.k]
    return [ScoredRow(int(seqs[i]), float(cosines[i]), {"cosine": float(cosines[i])}) for i in near]


def greatest_cosines(vector: FloatArray, seqs: Ints, source: VectorSource) -> FloatArray:
    """The cosine of each memory's nearest vector, its own or a part's, (len(seqs),); NaN where it has none."""
    parts = [_greatest(vector, seqs[i : i + COMPARED_ROWS], source) for i in range(0, len(seqs), COMPARED_ROWS)]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _greatest(vector: FloatArray, seqs: Ints, source: VectorSource) -> FloatArray:
    own, parts = source.with_passages(seqs.tolist())
    cosines = np.full(len(seqs), np.nan, np.float32)
    if own.shape[1] != len(vector):
        return cosines
    lengths = np.linalg.norm(own, axis=1)
    np.divide(own @ vector, lengths, out=cosines, where=lengths > 0)
    if len(parts.seqs):
        of_parts = parts.vectors @ vector / np.linalg.norm(parts.vectors, axis=1)
        np.maximum.at(cosines, np.searchsorted(seqs, parts.seqs), of_parts)
    return cosines
