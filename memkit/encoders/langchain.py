"""Any LangChain Embeddings as an encoder."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memkit.errors import EncoderError
from memkit.protocols import FloatArray

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

MODEL_ATTRIBUTES = ("model", "model_name", "model_id", "deployment")


class LangChainEncoder:
    """Encodes with `embed_documents`, questions too: what is asked and what is stored must be comparable.

    `name`: what identifies the vectors (default: the class and the model's name); `dimension`: asked of the
    model once, where it isn't given.
    """

    def __init__(self, embeddings: "Embeddings", *, name: str | None = None, dimension: int | None = None) -> None:
        self._embeddings, self._name, self._dimension = embeddings, name, dimension

    @cached_property
    def name(self) -> str:
        """The class and the model's name: what decides which vectors belong together."""
        if self._name is not None:
            return self._name
        kind = type(self._embeddings).__name__
        given = (getattr(self._embeddings, attribute, None) for attribute in MODEL_ATTRIBUTES)
        return next((f"{kind}:{model}" for model in given if isinstance(model, str) and model), kind)

    @cached_property
    def dimension(self) -> int:
        return self._dimension or self._rows(["dimension"]).shape[1]

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension). Raises EncoderError."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows = self._rows(texts)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (norms > 0).all():
            raise EncoderError(f"the encoder {self.name!r} gave vectors that are zero or not numbers.")
        return np.asarray(rows / norms, dtype=np.float32)

    def _rows(self, texts: list[str]) -> FloatArray:
        vectors = self._embeddings.embed_documents(texts)
        if len(vectors) != len(texts) or len({len(row) for row in vectors}) != 1:
            raise EncoderError(
                f"the encoder {self.name!r} gave {len(vectors)} vectors for {len(texts)} texts, "
                "or vectors of different lengths."
            )
        return np.asarray(vectors, dtype=np.float32)
