"""An encoder with a cache: memkit and its baselines get the same vectors, and recalls are timed without it."""

import numpy as np

from memkit.protocols import Encoder, FloatArray


class CachingEncoder:
    """Wraps an encoder under its own name; a text is encoded once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, FloatArray] = {}

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if fresh:
            self._vectors.update(zip(fresh, self._encoder.encode(fresh), strict=True))
        return np.stack([self._vectors[text] for text in texts])
