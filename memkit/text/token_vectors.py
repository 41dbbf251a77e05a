"""Vectors of a text's tokens, which late interaction compares one by one (ColBERT, Khattab & Zaharia 2020)."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray


class TokenVectors(NamedTuple):
    """A text's own vector, (dimension,), and those of its tokens in order, unit rows, (n, dimension).

    `spans`: of each token in characters, (n, 2). An encoder that knows the mean of its tokens' vectors subtracts it
    before their lengths are made 1: what all have in common tells nothing.
    """

    whole: FloatArray
    spans: npt.NDArray[np.int64]
    vectors: FloatArray


@runtime_checkable
class EncodesTokens(Protocol):
    """An encoder that gives the vectors of tokens, too, of the same pass through its model."""

    def encode_tokens(self, texts: list[str]) -> list[TokenVectors]:
        """The vectors of each text; `whole` as `encode` gives it. Tokens that the model doesn't read are left out."""


def without_tokens(whole: FloatArray) -> TokenVectors:
    """The vector of a text whose tokens can't be told."""
    return TokenVectors(whole, np.empty((0, 2), np.int64), np.empty((0, len(whole)), np.float32))
