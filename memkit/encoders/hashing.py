"""A deterministic encoder without a model: words and character n-grams, hashed into signed features."""

import re
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from memkit.errors import InputError
from memkit.protocols import FloatArray
from memkit.text.terms.forms import composed
from memkit.text.terms.tokens import CACHED_WORDS, UNSPACED_RANGES, pair_spans

WORD_PATTERN = re.compile(r"\w+")
UNSPACED_PATTERN = re.compile(f"[{UNSPACED_RANGES}]")
GRAM_CHARS = 4
GRAM_WEIGHT = 0.3
WORDS_MEANING = 0.3  # of .3, .6 and 1, what finds most in nine sets: the same words again, and parts of words


class HashingEncoder:
    """Texts that share words or parts of words are near; for tests and demos that need no torch.

    The same text has the same vector on every machine, whatever else was encoded with it.
    """

    def __init__(self, dimension: int = 256) -> None:
        if dimension < 2:
            raise InputError("HashingEncoder: dimension must be at least 2.")
        self.dimension, self.meaning = dimension, WORDS_MEANING

    @property
    def name(self) -> str:
        return f"hashing-{self.dimension}"

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float64)
        for row, text in zip(rows, texts, strict=True):
            features = [_features(word, self.dimension) for word in _words(text)]
            if features:
                places, weights = zip(*features, strict=True)
                row[:] = np.bincount(np.concatenate(places), np.concatenate(weights), self.dimension)
            if not row.any():
                row[0] = 1.0  # a text without words, or whose features cancel out
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _words(text: str) -> list[str]:
    """Words in small letters; of scripts without spaces, pairs of characters."""
    return [part for word in WORD_PATTERN.findall(composed(text).casefold()) for part in _parts(word)]


def _parts(word: str) -> list[str]:
    return [word] if UNSPACED_PATTERN.search(word) is None else [word[start:end] for start, end in pair_spans(word)]


@lru_cache(maxsize=CACHED_WORDS)
def _features(word: str, dimension: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Places of a word and of its n-grams in a row, and their signed weights."""
    padded = f"<{word}>"
    grams = [f"#{padded[i : i + GRAM_CHARS]}" for i in range(len(padded) - GRAM_CHARS + 1)]
    codes = [zlib.crc32(feature.encode("utf-8", "surrogatepass")) for feature in (word, *grams)]
    weights = [1.0, *[GRAM_WEIGHT] * len(grams)]
    signed = [weight if code & 1 else -weight for code, weight in zip(codes, weights, strict=True)]
    return np.array([(code >> 1) % dimension for code in codes]), np.array(signed)
