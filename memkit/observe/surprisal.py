"""Surprisal of tokens, -ln P in nats (SirLLM's token entropy, arXiv 2405.12528), under an adaptive n-gram model."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise

from memkit.errors import CorruptError, InputError
from memkit.observe import segments
from memkit.observe.prior import prior
from memkit.observe.salience import key_phrases, salience
from memkit.observe.segments import Segment
from memkit.protocols import Token
from memkit.text.terms import key_hash

__all__ = ["NgramSurprisal", "key_phrases", "salience"]

PIECE = re.compile(r"[぀-ヿ㐀-鿿]|[^\W\d_]{1,24}(?:['’][^\W\d_]{1,24})?|\d{1,12}|[^\w\s]|_")
SEGMENT = 50_000  # tokens
SEGMENTS = 8
TOKEN_WEIGHT = 3_000  # tokens that the background prior counts for against a bank's own words
PAIR_WEIGHT = 30  # tokens that a bank's single words count for against its pairs
EDGE = 0x5EED  # stands before and after each text
ODD, MASK = 0x9E3779B1, 0xFFFFFFFF


class NgramSurprisal:
    """P(w | v) of words in pairs, under a prior for what was never heard; learns as it reads.

    P(w) = (n(w) + a P0(w)) / (n + a) and P(w | v) = (n(v, w) + b P(w)) / (n(v) + b): Dirichlet smoothing
    over a background prior P0 of frequent words and spelling, so that integer counts are all there is to
    keep. They are kept under 32-bit hashes with the bank's `key`, in at most 8 segments of about 50,000
    tokens, the oldest dropped whole; `unlearn` takes a text's counts out again exactly. Not thread-safe.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key = key
        self._segments = [Segment(0)]
        self._counts: dict[int, int] = {}
        self._size = 0

    @property
    def segment(self) -> int:
        """The number of the segment in which the next text is counted."""
        return self._segments[-1].number

    @property
    def size(self) -> int:
        """Tokens counted, the ends of texts included."""
        return self._size

    def score(self, text: str) -> list[Token]:
        """Tokens in order, each with its surprisal in nats; learns nothing."""
        count_of, log = self._counts.get, math.log
        size = self._size + TOKEN_WEIGHT
        before, context = EDGE, count_of(EDGE, 0)
        found = []
        for match in PIECE.finditer(text):
            piece = match[0].casefold()
            word = key_hash(self._key, piece) & MASK
            count = count_of(word, 0)
            single = (count + TOKEN_WEIGHT * prior(piece)) / size
            paired = (count_of(_pair(before, word), 0) + PAIR_WEIGHT * single) / (context + PAIR_WEIGHT)
            found.append(Token(match.start(), match.end(), -log(paired)))
            before, context = word, count
        return found

    def learn(self, text: str) -> None:
        """Count a text's first 50,000 tokens and their pairs, in the segment called `segment`."""
        added, size = self._counted(text)
        segment = self._segments[-1]
        segment.add(added, size)
        segments.add(self._counts, added)
        self._size += size
        if segment.size >= SEGMENT:
            self._segments.append(Segment(segment.number + 1))
        if len(self._segments) > SEGMENTS:
            self._drop()

    def unlearn(self, text: str, segment: int) -> bool:
        """Take out exactly what learning `text` in `segment` added; False where it was dropped long ago.

        Raises InputError where that segment doesn't hold such a text.
        """
        found = next((s for s in self._segments if s.number == segment), None)
        if found is None:
            return False
        taken, size = self._counted(text)
        if not found.holds(taken, size):
            raise InputError(f"unlearn: segment {segment} does not hold the counts of this text.")
        found.remove(taken, size)
        segments.remove(self._counts, taken)
        self._size -= size
        return True

    def to_bytes(self) -> bytes:
        """The whole state, without any text: hashes and counts."""
        return segments.pack(self._segments)

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes = b"") -> "NgramSurprisal":
        """The model that `to_bytes` wrote, under the same key. Raises CorruptError."""
        model = cls(key)
        model._segments = segments.unpack(data)
        if not model._segments:
            raise CorruptError("the state of a surprisal model holds no segment.")
        for segment in model._segments:
            segments.add(model._counts, segment.counts)
            model._size += segment.size
        return model

    def _drop(self) -> None:
        oldest = self._segments.pop(0)
        segments.remove(self._counts, oldest.counts)
        self._size -= oldest.size

    def _words(self, text: str) -> Iterator[int]:
        pieces = islice(PIECE.finditer(text), SEGMENT)
        return (key_hash(self._key, match[0].casefold()) & MASK for match in pieces)

    def _counted(self, text: str) -> tuple[Counter[int], int]:
        """Counts of a text's tokens, its end and their pairs, and the number of tokens with the end."""
        words = [EDGE, *self._words(text), EDGE]
        counts = Counter(words[1:])
        counts.update(_pair(before, word) for before, word in pairwise(words))
        return counts, len(words) - 1


def _pair(before: int, word: int) -> int:
    return ((before * ODD) ^ (word + 1)) & MASK
