"""Evidence for a bank's rows: how near each is to a question, in meaning and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, Columns
from memkit.recall.index.postings import LexicalIndex
from memkit.recall.index.seq_array import Ints, distinct
from memkit.text.terms.keys import key_hash

FULL_MATCH_SD = 7.2  # evidence of a row that holds all of a question
MIN_QUESTION_NATS = 8.0  # a question of one word is not answered by whoever says that word
CONTEXT_TERMS = 1.0  # for so many terms of the question all terms of the turns before it count together
IDF_POWER = 1.5  # rare words say more than their information
PRIOR_ROWS = 20  # a small bank's statistics are shrunk towards what is usual
SHORT_TEXT_CHARS = 300  # what a text up to this length holds, it doesn't hold by chance
WORD_CHARS = 5.5  # of a text, for each of its words
TOPIC_FACTOR = 20  # times as often as in the language a text has words of its topic, which a question may share
PRIOR_COSINE_MEAN, PRIOR_COSINE_SD = 0.12, 0.12  # of the cosines of unrelated sentences

Sums = npt.NDArray[np.float64]


class SearchTerm(NamedTuple):
    """A word of a question: its forms, each of one or more terms, the likeliest first; its surprisal in nats.

    `spellings`: terms that count as the first form's. `is_name`: whether it is written as a name.
    """

    forms: tuple[tuple[str, ...], ...]
    surprisal: float
    spellings: tuple[str, ...] = ()
    is_name: bool = False

    @property
    def spelt(self) -> tuple[tuple[str, ...], ...]:
        """The first form's terms, each with its spellings."""
        return tuple([(term, *self.spellings) for term in self.forms[0]])


@dataclass(frozen=True)
class LexicalEvidence:
    """The lexical evidence of all rows, and the share of the question's idf that each holds; its terms.

    BM25's standard deviation depends on how many rows happen to match, and a question with one rare word
    would drown everything else. So the evidence is BM25's sum as a share of that of a row which answers the
    whole question, times FULL_MATCH_SD standard deviations.
    """

    bm25: Sums  # sums of it, (n,)
    idf: Sums  # sums over what each row holds of the question's own terms, (n,)
    full_bm25: float  # of a row that answers the whole question
    full_idf: float
    rows_by_term: dict[str, Ints]  # in order; of the terms that any row holds
    rows: Ints  # the same, one term's after the other's
    saturated: FloatArray  # the saturation of the term in each of them, 0..1
    bounds: dict[str, float]  # term -> the most that it adds to a row's BM25
    covers: dict[str, tuple[float, float]]  # term -> its idf, its surprisal; of the question's own terms

    def scores(self, rows: Ints) -> FloatArray:
        """The evidence for some rows, in standard deviations."""
        return np.asarray(FULL_MATCH_SD / self.full_bm25 * _chosen(self.bm25, rows), dtype=np.float32)

    def share_of(self, information: FloatArray) -> FloatArray:
        """The share of the question's information that so much is, in nats."""
        return information / np.float32(max(self.full_idf, MIN_QUESTION_NATS))

    def saturations_in(self, rows: Ints) -> FloatArray:
        """The saturation of each term in each of these rows, in order, 0 where it isn't there: (n,) -> (terms, n)."""
        sizes = [len(own) for own in self.rows_by_term.values()]
        table = np.zeros((len(sizes), len(rows)), np.float32)
        if not table.size:
            return table
        starts = np.repeat(np.arange(len(sizes)) * len(rows), sizes)
        if len(rows) == len(self.bm25):
            table.put(starts + self.rows, self.saturated)
            return table
        places = np.full(len(self.bm25), -1)
        places[rows] = np.arange(len(rows))
        own = places.take(self.rows)
        inside = own >= 0
        table.put((starts + own)[inside], self.saturated[inside])
        return table

    def information(self, rows: Ints, lengths: npt.NDArray[np.int32], saturations: FloatArray) -> FloatArray:
        """The question's information that each of these rows holds, in nats.

        `lengths`: of their texts; `saturations`: of the terms in them. A long text holds a word by chance, the likelier
        the more frequent the word is: what is no surprise in a text of that length covers nothing.
        """
        sums = _chosen(self.idf, rows).astype(np.float32)
        longer = np.flatnonzero((lengths > SHORT_TEXT_CHARS) & (sums > 0))
        if len(longer):
            sums[longer] = self._sure_sums(lengths[longer], saturations[:, longer] > 0)
        return sums

    def _sure_sums(self, lengths: npt.NDArray[np.int32], held: Bools) -> FloatArray:
        """The idf of the terms that each row holds, as far as it doesn't hold them by chance; `held`: (terms, n)."""
        covers = np.array([self.covers.get(term, (0.0, 0.0)) for term in self.rows_by_term], np.float32)
        chances = np.float32(TOPIC_FACTOR / WORD_CHARS) * (lengths - SHORT_TEXT_CHARS)
        sure = -np.log(-np.expm1(-np.exp(-covers[:, 1:]) * chances))
        return np.asarray((np.minimum(covers[:, :1], sure) * held).sum(axis=0), dtype=np.float32)

    def best(self, count: int) -> Ints:
        """The rows with the best scores, in order; fewer where fewer hold any of the terms.

        MaxScore (Turtle & Flood 1995): once what the terms left could give at most is no more than the least of the
        best, rows that hold none but these needn't be looked at.
        """
        best, least, left = np.empty(0, np.int64), -np.inf, sum(self.bounds.values())
        for term in sorted(self.rows_by_term, key=self.bounds.__getitem__, reverse=True):
            if left <= least:
                break
            rows = self.rows_by_term[term]
            better = distinct(np.concatenate([best, rows[self.bm25.take(rows) > least]]))
            best = better[greatest(self.bm25.take(better), count)]
            least = float(self.bm25.take(best).min()) if len(best) == count else least
            left -= self.bounds[term]
        return best

    def terms_of(self, saturations: FloatArray) -> list[tuple[str, ...]]:
        """The question's terms that each row holds: (terms, n), saturations, -> n."""
        terms = list(self.rows_by_term)
        return [tuple(term for term, value in zip(terms, row, strict=True) if value) for row in saturations.T.tolist()]


def lexical_evidence(
    index: LexicalIndex, columns: Columns, key: bytes, question: Sequence[SearchTerm], around: Sequence[str] = ()
) -> LexicalEvidence:
    """Score all rows by words; exact for the whole bank, since only matching rows differ from 0.

    `around`: terms of the turns just before; they help a little, and cover nothing of the question.
    """
    forms = [(_known_form(index, key, word), word.surprisal) for word in question]
    spelt = {terms[0]: terms for form, _ in forms for terms in form}
    own = {terms[0]: surprisal for form, surprisal in forms for terms in form}
    shares = dict.fromkeys(around, CONTEXT_TERMS / max(len(around), 1)) | dict.fromkeys(own, 1.0)
    impacts = index.impacts([[key_hash(key, form) for form in spelt.get(term, (term,))] for term in shares])
    worth = [idf**IDF_POWER * share for idf, share in zip(impacts.idfs, shares.values(), strict=True)]
    covers = [idf * (share == 1) for idf, share in zip(impacts.idfs, shares.values(), strict=True)]
    rows, inside = columns.rows_of(impacts.seqs)
    impacts = impacts if inside.all() else impacts.only(inside)
    more = np.repeat(np.array([worth, covers]), impacts.sizes, axis=1)
    return LexicalEvidence(
        bm25=_sums(rows, more[0] * impacts.saturated, columns.count),
        idf=_sums(rows, more[1], columns.count),
        full_bm25=sum(worth, 1e-9),
        full_idf=sum(covers, 1e-9),
        rows_by_term={
            term: rows[span] for term, span in zip(shares, impacts.spans(), strict=True) if span.stop > span.start
        },
        rows=rows,
        saturated=impacts.saturated,
        bounds={term: most for term, most, size in zip(shares, worth, impacts.sizes, strict=True) if size},
        covers={term: (idf, own[term]) for term, idf in zip(shares, covers, strict=True) if term in own},
    )


def _sums(rows: Ints, values: Sums, count: int) -> Sums:
    """The sum of each row's values, (count,)."""
    return np.bincount(rows, values, minlength=count).astype(np.float64, copy=False)


def _chosen(values: Sums, rows: Ints) -> Sums:
    """The values of some rows, each given once and in order."""
    return values if len(rows) == len(values) else values.take(rows)


def _known_form(index: LexicalIndex, key: bytes, word: SearchTerm) -> tuple[tuple[str, ...], ...]:
    """The first form of a word that the bank holds; the likeliest where it holds none, or where there is one.

    Each of its terms comes with its spellings.
    """
    if len(word.forms) == 1:
        return word.spelt
    forms = (word.spelt, *(tuple((term,) for term in form) for form in word.forms[1:]))
    held = (form for form in forms if all(any(index.holds(key_hash(key, t)) for t in terms) for terms in form))
    return next(held, forms[0])


def standardised_cosines(cosines: FloatArray, sample: FloatArray, weight: float = 1.0) -> FloatArray:
    """Cosines in standard deviations of the bank's (of `sample`), weighed; unknown ones (NaN) count as average."""
    values = sample.astype(np.float64)
    if np.isnan(total := float(values.sum())):
        values = values[~np.isnan(values)]
        total = float(values.sum())
    count = len(values) + PRIOR_ROWS
    mean = (total + PRIOR_ROWS * PRIOR_COSINE_MEAN) / count
    values -= mean
    spread = float(values @ values) + PRIOR_ROWS * PRIOR_COSINE_SD**2
    z = np.asarray((cosines - mean) * (weight * (spread / count) ** -0.5), dtype=np.float32)
    z[np.isnan(z)] = 0
    return z


def greatest(values: FloatArray | Sums, count: int) -> Ints:
    """Places of the greatest values, in order of place."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.sort(np.argpartition(-values, count)[:count])
