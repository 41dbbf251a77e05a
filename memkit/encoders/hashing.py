"""A deterministic encoder without a model: words and character n-grams, hashed into signed features."""

import re
import zlib
from collections.abc import Iterator

import numpy as np

from memkit.protocols import FloatArray

WORD = re.compile(r"\w+")
GRAM = 4
GRAM_WEIGHT = 0.3


class HashingEncoder:
    """Texts that share words or parts of words are near; for tests and demos that need no torch."""

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension

    @property
    def name(self) -> str:
        return f"hashing-{self.dimension}"

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature, weight in _features(text.casefold()):
                code = zlib.crc32(feature.encode())
                row[code % self.dimension] += weight if code & 0x80000000 else -weight
            norm = float(np.linalg.norm(row))
            row /= norm if norm > 0 else 1.0
            if norm == 0:
                row[0] = 1.0
        return rows


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in WORD.findall(text):
        yield word, 1.0
        padded = f"<{word}>"
        for start in range(len(padded) - GRAM + 1):
            yield f"#{padded[start : start + GRAM]}", GRAM_WEIGHT
