"""Rerankers over sentence-transformers' CrossEncoder, which reads a question and a text together."""

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from memkit.protocols import FloatArray
from memkit.rerankers.base import RerankCandidate

MAX_TOKENS = 256
BATCH_PAIRS = 32


class CrossEncoderReranker:
    """A cross-encoder by its name or folder; its weights are loaded with the first question, or by `load`.

    Reads each candidate with its speaker, its day, and the turns around it, up to MAX_TOKENS tokens with the question.
    """

    def __init__(self, model: str | Path, *, max_tokens: int = MAX_TOKENS) -> None:
        self.name = str(model)
        self._max_tokens = max_tokens
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import CrossEncoder

        return CrossEncoder(self.name, max_length=self._max_tokens, device="cpu")

    def load(self) -> None:
        """Load the weights; harmless to repeat."""
        with self._lock:
            self._model  # noqa: B018  -- loads

    def scores(self, question: str, candidates: Sequence[RerankCandidate]) -> FloatArray:
        """The model's logits, float32, shape (len(candidates),)."""
        self.load()
        pairs = [(question, passage(candidate)) for candidate in candidates]
        logits = self._model.predict(pairs, batch_size=BATCH_PAIRS, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(logits, dtype=np.float32).reshape(len(candidates), -1)[:, -1]


def passage(candidate: RerankCandidate) -> str:
    """A candidate as a cross-encoder reads it: the turn first, since long input is cut at its end."""
    said = f"{candidate.speaker}: {candidate.text}" if candidate.speaker else candidate.text
    around = [*candidate.before, *candidate.after]
    return "\n".join([f"({candidate.occurred_at:%d %B %Y}) {said}", *around])
