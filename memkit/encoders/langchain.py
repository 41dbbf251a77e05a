"""Any LangChain Embeddings as an encoder."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memkit.protocols import FloatArray

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings


class LangChainEncoder:
    """Encodes with `embed_documents`. `dimension` is asked of the model once, where it isn't given."""

    def __init__(self, embeddings: "Embeddings", *, name: str | None = None, dimension: int | None = None) -> None:
        self._embeddings, self._name, self._dimension = embeddings, name, dimension

    @cached_property
    def name(self) -> str:
        """The class and the model's name: what decides which vectors belong together."""
        if self._name is not None:
            return self._name
        model = getattr(self._embeddings, "model", None) or getattr(self._embeddings, "model_name", None)
        kind = type(self._embeddings).__name__
        return f"{kind}:{model}" if isinstance(model, str) else kind

    @cached_property
    def dimension(self) -> int:
        return self._dimension or len(self._embeddings.embed_query("dimension"))

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        rows = np.asarray(self._embeddings.embed_documents(texts), dtype=np.float32)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-12), dtype=np.float32)
