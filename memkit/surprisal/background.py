"""The surprisal model of a bank by default: a fixed background of language, the same for every bank and process."""

import math
import re
from functools import lru_cache

from memkit.protocols import Token
from memkit.surprisal.prior import prior
from memkit.text.terms.tokens import CACHED_WORDS

TOKEN_PATTERN = re.compile(r"[぀-ヿ㐀-鿿]|[^\W\d_]{1,24}(?:['’][^\W\d_]{1,24})?|\d{1,12}|[^\w\s]|_")


class BackgroundSurprisal:
    """-ln P of each token by how frequent it is in its language, in nats; learns nothing, so a text's are its own.

    Whatever else a bank holds, or held before an erasure, a turn has the same surprisals. Thread-safe.
    """

    def score(self, text: str) -> list[Token]:
        """Tokens in order, with their characters in the text."""
        return [Token(*match.span(), _surprisal(match[0])) for match in TOKEN_PATTERN.finditer(text)]

    def learn(self, text: str) -> None:
        """Nothing: the model stays as it is."""


@lru_cache(maxsize=CACHED_WORDS)
def _surprisal(piece: str) -> float:
    return -math.log(prior(piece.casefold()))
