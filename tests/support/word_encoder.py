"""An encoder whose tokens are words, for tests of what recall does with them."""

import re

import numpy as np
from canaries import Dense

from memkit.text.token_vectors import TokenVectors


class WordEncoder(Dense):
    """Gives each word the vector that it has as a text of its own."""

    def encode_tokens(self, texts: list[str]) -> list[TokenVectors]:
        return [self._tokens(text, whole) for text, whole in zip(texts, self.encode(texts), strict=True)]

    def _tokens(self, text: str, whole: np.ndarray) -> TokenVectors:
        words = list(re.finditer(r"\w+", text))
        spans = np.array([word.span() for word in words], dtype=np.int64).reshape(-1, 2)
        return TokenVectors(whole, spans, self.encode([word[0] for word in words]))
