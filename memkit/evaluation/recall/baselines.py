"""What memkit is compared with, on the same vectors and the same words: dense, BM25, and both by rank."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC

import numpy as np
import numpy.typing as npt

from memkit.evaluation.formats.cases import Conversation, moment
from memkit.models import Turn
from memkit.protocols import Encoder, FloatArray
from memkit.text.terms.keys import date_terms, encoded_text
from memkit.text.terms.tokens import words

Ints = npt.NDArray[np.int64]

K1, B = 0.9, 0.4  # Anserini's defaults; on short turns better than 1.2 and .75
RRF = 60  # Cormack et al. 2009


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
        found = np.zeros(n, np.float32)
        norms = K1 * (1 - B + B * self._lengths[:n] / max(float(self._lengths[:n].mean()), 1e-9))
        for term in query:
            rows, counts = self._first(term, n)
            idf = np.log(1 + (n - len(rows) + 0.5) / (len(rows) + 0.5))
            found[rows] += idf * counts * (K1 + 1) / (counts + norms[rows])
        return found

    def _first(self, term: str, n: int) -> tuple[Ints, Ints]:
        if term not in self._postings:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        rows, counts = self._postings[term]
        stop = int(np.searchsorted(rows, n))
        return rows[:stop], counts[:stop]


class Baselines:
    """The three rankings of one conversation."""

    def __init__(self, conversation: Conversation, encoder: Encoder) -> None:
        turns = conversation.turns
        self._encoder = encoder
        self._units = conversation.units
        self._vectors = encoder.encode([encoded_text(turn.speaker, turn.text) for turn in turns])
        self._bm25 = Bm25([_document(turn) for turn in turns])

    def rankings(self, question: str, known: int) -> dict[str, list[str]]:
        """Ids by baseline, best first, over the first `known` turns."""
        [vector] = self._encoder.encode([question])
        dense = self._ranked(self._vectors[:known] @ vector)
        asked = dict.fromkeys(word.term for word in words(question))
        scores = self._bm25.scores(asked, known)
        bm25 = self._ranked(scores)
        matching = {self._units[row] for row in np.flatnonzero(scores).tolist()}
        return {"dense": dense, "bm25": bm25, "rrf": fused(dense, [name for name in bm25 if name in matching])}

    def _ranked(self, scores: FloatArray) -> list[str]:
        """Ids in order of their best turn; of equal ones the newer first."""
        order = np.lexsort((-np.arange(len(scores)), -scores))
        return list(dict.fromkeys(self._units[row] for row in order.tolist()))


def _document(turn: Turn) -> list[str]:
    """The search terms of a turn: who spoke, what was said, and the day."""
    said = [word.term for word in words(encoded_text(turn.speaker, turn.text))]
    return [*said, *date_terms(moment(turn).astimezone(UTC))]


def fused(*rankings: Sequence[str]) -> list[str]:
    """Reciprocal-rank fusion (Cormack et al. 2009)."""
    totals: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            totals[name] += 1 / (RRF + rank)
    return sorted(totals, key=lambda name: -totals[name])
