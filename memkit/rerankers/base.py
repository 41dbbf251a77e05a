"""The protocol of rerankers, and what they are given."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from memkit.protocols import FloatArray


class RerankCandidate(NamedTuple):
    """A memory that may answer a question, as a reranker sees it.

    `before`, `after`: up to two turns on each side, told with their speakers.
    """

    text: str
    speaker: str | None
    occurred_at: datetime
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@runtime_checkable
class Reranker(Protocol):
    """A model that reads a question and a candidate together: slower than an encoder, and nearer to the point."""

    @property
    def name(self) -> str: ...
    def scores(self, question: str, candidates: Sequence[RerankCandidate]) -> FloatArray:
        """A score for each candidate, (n,), float32: the higher, the better it answers; their scale is free."""
