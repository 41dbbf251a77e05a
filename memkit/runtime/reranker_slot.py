"""The store's reranker: asked within a time budget; where it fails or takes longer, the order stays as it was."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Literal, NamedTuple

import numpy as np

from memkit.protocols import FloatArray, LoadsAhead
from memkit.rerankers import RerankCandidate, Reranker, as_reranker
from memkit.runtime.foreign_calls import submitted

log = logging.getLogger("memkit")

RerankOutcome = Literal["ran", "late", "failed"]


class Reranking(NamedTuple):
    """A reranker's scores of candidates, (n,), and whether it gave them in time."""

    outcome: RerankOutcome
    scores: FloatArray | None = None


class RerankerSlot:
    """Holds a reranker; asks it for at most `timeout` seconds. Whatever it raises or gives is kept from the caller."""

    def __init__(self, reranker: Reranker, *, timeout: float) -> None:
        self._reranker, self._timeout = reranker, timeout
        self._overdue: Future[object] | None = None  # a call that took too long: to ask again would pile up threads

    @classmethod
    def of(cls, value: object, *, timeout: float) -> "RerankerSlot | None":
        """The slot of a reranker, of a cross-encoder's name; None for None. Raises InputError."""
        reranker = as_reranker(value)
        return None if reranker is None else cls(reranker, timeout=timeout)

    def load(self) -> None:
        """Load the reranker, if it can be loaded ahead, however long it takes."""
        if isinstance(self._reranker, LoadsAhead):
            self._reranker.load()

    def rerank(self, question: str, candidates: Sequence[RerankCandidate]) -> Reranking:
        """The scores of candidates for a question; none where they don't come in time, or are no finite numbers."""
        if self._overdue is not None and not self._overdue.done():
            return Reranking("late")
        call = submitted(lambda: self._reranker.scores(question, candidates))
        try:
            error = call.exception(self._timeout)
        except TimeoutError:
            self._overdue = call
            log.warning("memkit: the reranker took longer than %g s; the order stays as it was.", self._timeout)
            return Reranking("late")
        scores = None if error is not None else _checked(call.result(), len(candidates))
        if scores is None:
            what = "gave no finite score for each candidate" if error is None else f"failed with {type(error).__name__}"
            log.warning("memkit: the reranker %s; the order stays as it was.", what)
            return Reranking("failed")
        return Reranking("ran", scores)


def _checked(result: object, count: int) -> FloatArray | None:
    try:
        scores = np.asarray(result, dtype=np.float32)
    except (TypeError, ValueError):
        return None
    return scores if scores.shape == (count,) and np.isfinite(scores).all() else None
