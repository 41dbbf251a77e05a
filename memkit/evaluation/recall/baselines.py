"""Baselines over the same vectors and the same words: dense, BM25, and both fused by rank."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC

import numpy as np

from memkit.evaluation.formats.conversation import Conversation, turn_time
from memkit.models import Turn
from memkit.protocols import Encoder, FloatArray
from memkit.text.terms.keys import date_terms, encoded_text
from memkit.text.terms.tokens import words

NO_POSTINGS = np.empty((2, 0), np.int64)  # of a term: numbers of documents, counts in them

BM25_K1 = 0.9  # with B = .4 Anserini's defaults; on short turns better than 1.2 and .75
BM25_B = 0.4
RRF_K = 60  # Cormack et al. 2009


class Bm25:
    """Plain BM25 over documents in order, asked about the first n of them. Statistics are those of the n."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, document in enumerate(documents):
            for term, count in Counter(document).items():
                postings[term].append((number, count))
        self._postings = {term: np.array(pairs, np.int64).T for term, pairs in postings.items()}
        self._lengths = np.array([len(document) for document in documents], np.float64)

    def scores(self, query: Iterable[str], n: int) -> FloatArray:
        """The score of each of the first n documents, shape (n,)."""
        scores = np.zeros(n, np.float32)
        norms = BM25_K1 * (1 - BM25_B + BM25_B * self._lengths[:n] / max(float(self._lengths[:n].mean()), 1e-9))
        for term in query:
            postings = self._postings.get(term, NO_POSTINGS)
            rows, counts = postings[:, : np.searchsorted(postings[0], n)]
            idf = np.log(1 + (n - len(rows) + 0.5) / (len(rows) + 0.5))
            scores[rows] += idf * counts * (BM25_K1 + 1) / (counts + norms[rows])
        return scores


class Baselines:
    """The three rankings of one conversation; BM25 with the stems of its language."""

    def __init__(self, conversation: Conversation, encoder: Encoder, language: str = "english") -> None:
        self._encoder, self._units, self._language = encoder, conversation.units, language
        self._vectors = encoder.encode([encoded_text(turn.speaker, turn.text) for turn in conversation.turns])
        self._bm25 = Bm25([_document(turn, language) for turn in conversation.turns])

    def rankings(self, question: str, turn_count: int) -> dict[str, list[str]]:
        """Ids by baseline, best first, over the first `turn_count` turns."""
        [vector] = self._encoder.encode([question])
        terms = dict.fromkeys(word.term for word in words(question, self._language))
        scores = self._bm25.scores(terms, turn_count)
        dense, bm25 = self._ranked(self._vectors[:turn_count] @ vector), self._ranked(scores)
        matching = {self._units[row] for row in np.flatnonzero(scores).tolist()}
        return {
            "dense": dense,
            "bm25": bm25,
            "rrf": reciprocal_rank_fusion(dense, [name for name in bm25 if name in matching]),
        }

    def _ranked(self, scores: FloatArray) -> list[str]:
        """Ids in order of their best turn; of equal ones the newer first."""
        order = np.lexsort((-np.arange(len(scores)), -scores))
        return list(dict.fromkeys(self._units[row] for row in order.tolist()))


def _document(turn: Turn, language: str) -> list[str]:
    """The search terms of a turn: who spoke, what was said, and the day."""
    return [
        *(word.term for word in words(encoded_text(turn.speaker, turn.text), language)),
        *date_terms(turn_time(turn).astimezone(UTC)),
    ]


def reciprocal_rank_fusion(*rankings: Sequence[str]) -> list[str]:
    """Reciprocal-rank fusion (Cormack et al. 2009)."""
    totals: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            totals[name] += 1 / (RRF_K + rank)
    return sorted(totals, key=lambda name: -totals[name])
