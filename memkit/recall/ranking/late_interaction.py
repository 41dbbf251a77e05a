"""Late interaction (ColBERT, Khattab & Zaharia 2020): the words of a question, each compared with those of a passage.

A second stage: only the best rows and those beside them are compared. Of each of the question's words the greatest
cosine in a passage counts, in standard deviations of those in a sample of the bank, by its idf; a text's passages are
pooled by log(sum exp 3x) / 3. What comes out, standardised again, takes the place of a share of the dense evidence,
before neighbours, episodes and sessions share it.
"""

from typing import NamedTuple

import numpy as np

from memkit.protocols import FloatArray, VectorSource
from memkit.recall.index.bank_index import BankIndex
from memkit.recall.index.groups import RowGroups
from memkit.recall.index.seq_array import Ints, distinct
from memkit.recall.index.token_rows import TokenRows, greatest_cosines, unpacked
from memkit.recall.ranking.candidates import Candidates
from memkit.recall.ranking.evidence import greatest
from memkit.text.terms.keys import key_hash

COMPARED_ROWS, BESIDE_ROWS = 100, 2  # the best, and so many on each side of each
POOL_SHARPNESS = 3.0  # the greater, the more the best passage alone counts
PRIOR_ROWS = 20  # a small bank's statistics are shrunk towards what is usual
PRIOR_GREATEST_MEAN, PRIOR_GREATEST_SD = 0.16, 0.08  # of the greatest cosines with unrelated sentences
PRIOR_POOLED_SD = 0.7
REPLACED_SHARE = 0.2  # of the dense evidence of a row that was compared


class QuestionWords(NamedTuple):
    """Words of a question but the speakers' names: terms, each with its spellings, and unit rows (m, dimension)."""

    terms: tuple[tuple[str, ...], ...]
    vectors: FloatArray


def compared_places(candidates: Candidates) -> Ints:
    """Places of the candidates whose words are compared."""
    score = np.where(candidates.eligible, candidates.score, -np.inf)
    near = (greatest(score, COMPARED_ROWS)[:, None] + np.arange(-BESIDE_ROWS, BESIDE_ROWS + 1)).ravel()
    return distinct(near[(near >= 0) & (near < len(score))])


def compare_words(candidates: Candidates, question: QuestionWords, index: BankIndex, source: VectorSource) -> None:
    """Note the evidence by words of the best candidates and of those beside them."""
    seqs, dimension = candidates.features.seqs, question.vectors.shape[1]
    rows = unpacked(source.tokens(seqs[compared_places(candidates)].tolist()), dimension)
    if not len(rows.owners):
        return
    hashes = [[key_hash(index.key, term) for term in terms] for terms in question.terms]
    idfs = np.array(index.lexical.impacts(hashes).idfs, dtype=np.float32)
    owners, values = token_evidence(question.vectors, idfs, rows, index.token_sample(source, dimension))
    candidates.tokens = np.full(len(seqs), np.nan, np.float32)
    candidates.tokens[seqs.searchsorted(owners)] = values


def token_evidence(
    question: FloatArray, idfs: FloatArray, rows: TokenRows, sample: TokenRows
) -> tuple[Ints, FloatArray]:
    """Seqs in order, and the evidence of each by its words, in standard deviations, (n,).

    `question`: its words' vectors, (m, dimension), with their `idfs`, (m,).
    """
    usual = greatest_cosines(sample, question)
    mean, spread = _shrunk(usual, PRIOR_GREATEST_MEAN, PRIOR_GREATEST_SD)
    weights = idfs / idfs.sum()
    _, sampled = _pooled(((usual - mean) / spread) @ weights, sample.owners)
    seqs, values = _pooled(((greatest_cosines(rows, question) - mean) / spread) @ weights, rows.owners)
    middle, width = _shrunk(sampled, 0.0, PRIOR_POOLED_SD)
    return seqs, np.asarray((values - middle) / width, dtype=np.float32)


def _pooled(values: FloatArray, owners: Ints) -> tuple[Ints, FloatArray]:
    """Values of passages as values of their texts, and the texts' seqs."""
    texts = RowGroups.of(owners)
    return texts.numbers, np.asarray(np.log(texts.sums(np.exp(POOL_SHARPNESS * values))) / POOL_SHARPNESS, np.float32)


def _shrunk(values: FloatArray, mean: float, spread: float) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation along the first axis, with PRIOR_ROWS imagined values of a usual mean and spread."""
    weight = len(values) + PRIOR_ROWS
    middle = (values.sum(axis=0) + PRIOR_ROWS * mean) / weight
    square = ((values - middle) ** 2).sum(axis=0) + PRIOR_ROWS * (spread**2 + (middle - mean) ** 2)
    return middle, np.sqrt(square / weight)
