"""Evidence for a bank's rows: how near each is to a question, in meaning and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Columns, Ints, filled, standardised
from memkit.recall.index.postings import LexicalIndex
from memkit.recall.index.seq_array import distinct
from memkit.text.terms.keys import key_hash

FULL = 7.2  # what a row that holds all of a question is worth, in standard deviations
ENOUGH = 8.0  # nats: a question of one word is not answered by whoever says that word
CONTEXT = 1.0  # what all terms of the turns before the question count together, in terms of the question
RARITY = 1.5  # the power of idf: rare words say more than their information
PRIOR_ROWS = 20  # a small bank's statistics are shrunk towards what is usual
PRIOR_MEAN, PRIOR_DEVIATION = 0.12, 0.12  # of the cosines of unrelated sentences


@dataclass(frozen=True)
class Lexical:
    """The lexical evidence of all rows, and the share of the question's idf that each holds; its terms.

    BM25's standard deviation depends on how many rows happen to match, and a question with one rare word
    would drown everything else. So the evidence is BM25's sum as a share of what a row that answers the
    whole question would have, times FULL standard deviations.
    """

    sums: npt.NDArray[np.complex64]  # of BM25, and as the imaginary part of the idf of what a row holds, (n,)
    weighed: float  # what a row that answers the whole question would have of the one
    asked: float  # and of the other
    matched: dict[str, Ints]  # term -> rows, in order
    bounds: dict[str, float]  # term -> the most that it adds to a row's BM25

    def scores(self, rows: Ints) -> FloatArray:
        """The evidence for some rows, in standard deviations."""
        return FULL * self.sums.take(rows).real / self.weighed

    def coverage(self, rows: Ints) -> FloatArray:
        """The share of the question's information that each of these rows holds."""
        return self.sums.take(rows).imag / max(self.asked, ENOUGH)

    def best(self, count: int) -> Ints:
        """The rows with the best scores, in order; fewer where fewer hold any of the terms.

        MaxScore (Turtle & Flood 1995): once what the terms left could give at most is no more than the least of the
        best, rows that hold none but these needn't be looked at.
        """
        best, least, left = np.empty(0, np.int64), -np.inf, sum(self.bounds.values())
        for term in sorted(self.matched, key=self.bounds.__getitem__, reverse=True):
            if left <= least:
                break
            rows = self.matched[term]
            better = distinct(np.concatenate([best, rows[self.sums.take(rows).real > least]]))
            best = better[greatest(self.sums.take(better).real, count)]
            least = float(self.sums.take(best).real.min()) if len(best) == count else least
            left -= self.bounds[term]
        return best

    def terms_of(self, rows: Ints) -> list[tuple[str, ...]]:
        """The question's terms that each of these rows holds."""
        held: list[list[str]] = [[] for _ in rows]
        for term, own in self.matched.items():
            at = np.minimum(own.searchsorted(rows), len(own) - 1)
            for i in np.flatnonzero(own[at] == rows).tolist():
                held[i].append(term)
        return [tuple(terms) for terms in held]


def lexical_evidence(
    index: LexicalIndex, columns: Columns, key: bytes, terms: Sequence[str], around: Sequence[str] = ()
) -> Lexical:
    """Score all rows by words; exact for the whole bank, since only matching rows differ from 0.

    `around`: terms of what was said just before; they help a little, and cover nothing of the question.
    """
    shares = dict.fromkeys(around, CONTEXT / max(len(around), 1)) | dict.fromkeys(terms, 1.0)
    found = index.impacts([key_hash(key, term) for term in shares])
    worth = [idf**RARITY * share for idf, share in zip(found.idfs, shares.values(), strict=True)]
    covers = [idf * (share == 1) for idf, share in zip(found.idfs, shares.values(), strict=True)]
    rows, inside = columns.rows_of(found.seqs)
    found = found if inside.all() else found.only(inside)
    more = _repeated(worth, found.sizes) * found.saturated + 1j * _repeated(covers, found.sizes)
    sums = np.zeros(len(columns), np.complex64)  # both at once: it is the access to a large bank's rows that takes time
    parts: dict[str, Ints] = {}
    for term, span in zip(shares, found.spans(), strict=True):
        parts[term] = part = rows[span]
        sums[part] = sums.take(part) + more[span]
    return Lexical(
        sums,
        weighed=sum(worth, 1e-9),
        asked=sum(covers, 1e-9),
        matched={term: part for term, part in parts.items() if len(part)},
        bounds={term: most for term, most in zip(shares, worth, strict=True) if len(parts[term])},
    )


def _repeated(values: Sequence[float], counts: Sequence[int]) -> FloatArray:
    return np.repeat(np.array(values, np.float32), counts)


def standardised_cosines(cosines: FloatArray, sample: FloatArray) -> FloatArray:
    """Cosines in standard deviations of the bank's (of `sample`); unknown ones (NaN) count as average."""
    known = sample[~np.isnan(sample)].astype(np.float64)
    weight = len(known) + PRIOR_ROWS
    mean = (known.sum() + PRIOR_ROWS * PRIOR_MEAN) / weight
    spread = ((known - mean) ** 2).sum() + PRIOR_ROWS * PRIOR_DEVIATION**2
    z = standardised(cosines, float(mean), float((spread / weight) ** 0.5))
    return filled(z, 0.0)


def greatest(values: FloatArray, count: int) -> Ints:
    """Where the greatest values are, in order of place."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.sort(np.argpartition(-values, count)[:count])
