"""Surprisal of tokens, -ln P in nats (SirLLM's token entropy, arXiv 2405.12528), under an adaptive n-gram model."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise, repeat
from operator import add
from typing import NamedTuple

from memkit.errors import CorruptError, InputError
from memkit.protocols import Token
from memkit.surprisal import segments
from memkit.surprisal.prior import prior
from memkit.surprisal.salience import key_phrases, salience
from memkit.surprisal.segments import Segment
from memkit.text.terms.keys import key_hash
from memkit.text.terms.tokens import CACHED_WORDS

__all__ = ["NgramSurprisal", "key_phrases", "salience"]

PIECE = re.compile(r"[぀-ヿ㐀-鿿]|[^\W\d_]{1,24}(?:['’][^\W\d_]{1,24})?|\d{1,12}|[^\w\s]|_")
SEGMENT = 50_000  # tokens
SEGMENTS = 8
TOKEN_WEIGHT = 3_000  # tokens that the background prior counts for against a bank's own words
PAIR_WEIGHT = 30  # tokens that a bank's single words count for against its pairs
EDGE = 0x5EED  # stands before and after each text
COUNT = 45  # bytes that a count takes in RAM, about; each is kept twice
ODD, MASK = 0x9E3779B1, 0xFFFFFFFF


class Pieces(NamedTuple):
    """A text cut into tokens: where they lie, how often each counts before it was heard, and its keys.

    The keys: the tokens' numbers, that of the text's end, and those of as many pairs, each with what stands before.
    """

    spans: list[tuple[int, int]]
    expected: list[float]
    keys: list[int]

    @property
    def learnt(self) -> list[int]:
        """The keys of the first 50,000 tokens, which are those that are counted."""
        return self.keys if len(self.spans) <= SEGMENT else _keys(self.keys[:SEGMENT])


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
        self._counts: segments.Counts = {}
        self._size = 0

    @classmethod
    def of(cls, kept: Iterable[Segment], key: bytes = b"") -> "NgramSurprisal":
        """The model that these segments make, the oldest first; at least one."""
        model = cls(key)
        model._segments = list(kept)
        for segment in model._segments:
            segments.unite(model._counts, segment.counts)
            model._size += segment.size
        model._go_on()
        return model

    @property
    def segments(self) -> Sequence[Segment]:
        """What it has counted, the oldest first; the next text is counted in the last."""
        return self._segments

    @property
    def segment(self) -> int:
        """The number of the segment in which the next text is counted."""
        return self._segments[-1].number

    @property
    def size(self) -> int:
        """Tokens counted, the ends of texts included."""
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return COUNT * (len(self._counts) + sum(len(segment.counts) for segment in self._segments))

    def score(self, text: str) -> list[Token]:
        """Tokens in order, each with its surprisal in nats; learns nothing."""
        pieces = self.pieces(text)
        return _scored(pieces, list(map(self._counts.get, pieces.keys, repeat(0))), self._size)

    def ahead(self) -> "ReadAhead":
        """A model that begins as this one and learns without this one's noticing."""
        return ReadAhead(self)

    def learn(self, text: str) -> None:
        """Count a text's first 50,000 tokens and their pairs, in the segment called `segment`."""
        self.take_in(self.pieces(text).learnt)

    def take_in(self, keys: Sequence[int]) -> None:
        """Learn a text by its keys: tokens and as many pairs."""
        size = len(keys) // 2
        self._segments[-1].add(keys, size)
        segments.add(self._counts, keys)
        self._size += size
        self._go_on()
        if len(self._segments) > SEGMENTS:
            self._drop()

    def unlearn(self, text: str, segment: int) -> bool:
        """Take out exactly what learning `text` in `segment` added; False where it was dropped long ago.

        Raises InputError where that segment doesn't hold such a text.
        """
        found = next((s for s in self._segments if s.number == segment), None)
        if found is None:
            return False
        keys = self.pieces(text).learnt
        taken, size = Counter(keys), len(keys) // 2
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
        kept = segments.unpack(data)
        if not kept:
            raise CorruptError("the state of a surprisal model holds no segment.")
        return cls.of(kept, key)

    def _go_on(self) -> None:
        """Begin another segment where the last is full."""
        last = self._segments[-1]
        if last.size >= SEGMENT:
            self._segments.append(Segment(last.number + 1))

    def _drop(self) -> None:
        oldest = self._segments.pop(0)
        segments.remove(self._counts, oldest.counts)
        self._size -= oldest.size

    def pieces(self, text: str) -> Pieces:
        """A text cut into tokens."""
        matches, key = list(PIECE.finditer(text)), self._key
        known = [_known(key, match[0]) for match in matches]
        keys = _keys([number for number, _ in known])
        return Pieces([match.span() for match in matches], [expected for _, expected in known], keys)


class ReadAhead:
    """A model that reads on from another, which stays as it is meanwhile. Not thread-safe.

    `heard`: the keys of what it learnt, text by text.
    """

    def __init__(self, base: NgramSurprisal) -> None:
        self._base = base
        self._fresh: Counter[int] = Counter()
        self._size = base.size
        self._last: tuple[str, Pieces] = ("", base.pieces(""))  # the text that was cut last
        self.heard: list[Sequence[int]] = []

    def score(self, text: str) -> list[Token]:
        """As `NgramSurprisal.score`."""
        pieces = self._pieces(text)
        before = map(self._base._counts.get, pieces.keys, repeat(0))
        since = map(self._fresh.get, pieces.keys, repeat(0))
        return _scored(pieces, list(map(add, before, since)), self._size)

    def learn(self, text: str) -> None:
        """As `NgramSurprisal.learn`; the base stays as it is."""
        keys = self._pieces(text).learnt
        self._fresh.update(keys)
        self._size += len(keys) // 2
        self.heard.append(keys)

    def _pieces(self, text: str) -> Pieces:
        if text != self._last[0]:
            self._last = text, self._base.pieces(text)
        return self._last[1]


def _scored(pieces: Pieces, counts: Sequence[int], heard: int) -> list[Token]:
    """Tokens with their surprisals; `counts` are those of the keys, out of `heard` tokens."""
    log, size = math.log, heard + TOKEN_WEIGHT
    context, pairs = counts[len(pieces.spans)], counts[len(pieces.spans) + 1 :]
    found, token = [], Token._make  # in half of the time that Token takes
    for (start, end), expected, count, pair in zip(pieces.spans, pieces.expected, counts, pairs, strict=False):
        single = (count + expected) / size
        both = min(pair, context, count) if pair else 0  # not more where numbers of pairs and words coincide
        paired = (both + PAIR_WEIGHT * (single if single < 1.0 else 1.0)) / (context + PAIR_WEIGHT)
        found.append(token((start, end, -log(paired))))
        context = count
    return found


def _keys(words: Sequence[int]) -> list[int]:
    ends = [EDGE, *words, EDGE]
    return ends[1:] + [((before * ODD) ^ (word + 1)) & MASK for before, word in pairwise(ends)]


@lru_cache(maxsize=CACHED_WORDS)
def _known(key: bytes, piece: str) -> tuple[int, float]:
    """A token's number, and how often it counts before it was heard."""
    low = piece.casefold()
    return key_hash(key, low) & MASK, TOKEN_WEIGHT * prior(low)
