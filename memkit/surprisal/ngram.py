"""Surprisal of tokens, -ln P in nats (SirLLM's token entropy, arXiv 2405.12528), under an adaptive n-gram model."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from memkit.protocols import Token
from memkit.surprisal.background import prior, token_matches
from memkit.text.terms.tokens import CACHED_WORDS

LEARNT_TOKENS = 50_000  # of one text
HALVED_AT = 400_000  # tokens counted
TOKEN_WEIGHT = 3_000  # tokens that the background prior counts for against the words of a stream
PAIR_WEIGHT = 30  # tokens that single words count for against pairs
TEXT_EDGE = 0x5EED  # stands before and after each text


class NgramSurprisal:
    """P(w | v) of words in pairs, under a prior for what was never read; learns as it reads.

    P(w) = (n(w) + a P0(w)) / (n + a) and P(w | v) = (n(v, w) + b P(w)) / (n(v) + b): Dirichlet smoothing over a
    background prior P0 of frequent words and spelling. Words are counted under hashes; at 400,000 tokens all
    counts are halved, so that a stream may be endless. Not thread-safe.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}  # no Counter: the garbage collector would go through all of it
        self._size = 0

    @property
    def size(self) -> int:
        """Tokens counted, the ends of texts included."""
        return self._size

    def score(self, text: str) -> list[Token]:
        """Tokens in order, each with its surprisal in nats; learns nothing."""
        spans, prior_counts, keys = _cut(text)
        counts = [self._counts.get(key, 0) for key in keys]
        context, pair_counts = counts[len(spans)], counts[len(spans) + 1 :]
        tokens, token, log, size = [], Token._make, math.log, self._size + TOKEN_WEIGHT  # _make: in half of the time
        for (start, end), expected, count, pair in zip(spans, prior_counts, counts, pair_counts, strict=False):
            paired = (pair + PAIR_WEIGHT * (count + expected) / size) / (context + PAIR_WEIGHT)
            tokens.append(token((start, end, -log(paired))))
            context = count
        return tokens

    def learn(self, text: str) -> None:
        """Count a text's first 50,000 tokens and their pairs."""
        spans, _, every = _cut(text)
        keys = every if len(spans) <= LEARNT_TOKENS else _with_pairs(every[:LEARNT_TOKENS])
        counts = self._counts
        for key in keys:
            counts[key] = counts.get(key, 0) + 1
        self._size += len(keys) // 2
        if self._size >= HALVED_AT:
            self._counts = {key: count // 2 for key, count in counts.items() if count > 1}
            self._size //= 2


def _cut(text: str) -> tuple[list[tuple[int, int]], list[float], list[int]]:
    """Spans of a text's tokens, their prior counts, and the keys under which they are counted.

    The keys: one of each token and of the text's end, then one of as many pairs, each with what stands before.
    """
    matches = list(token_matches(text))
    words = [_word(match[0]) for match in matches]
    keys = _with_pairs([key for key, _ in words])
    return [match.span() for match in matches], [count for _, count in words], keys


def _with_pairs(words: Sequence[int]) -> list[int]:
    ends = [TEXT_EDGE, *words, TEXT_EDGE]
    return ends[1:] + list(map(hash, pairwise(ends)))


@lru_cache(maxsize=CACHED_WORDS)
def _word(piece: str) -> tuple[int, float]:
    """A token's key, and how often it counts before it was read."""
    low = piece.casefold()
    return hash(low), TOKEN_WEIGHT * prior(low)
