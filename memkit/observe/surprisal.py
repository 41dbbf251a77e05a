"""Surprisal of tokens, -ln P in nats (SirLLM's token entropy, arXiv 2405.12528), under an adaptive n-gram model."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from memkit.errors import CorruptError, InputError
from memkit.observe import segments
from memkit.observe.prior import prior
from memkit.observe.salience import key_phrases, salience
from memkit.observe.segments import Segment
from memkit.protocols import Token
from memkit.text.terms import key_hash
from memkit.text.tokens import KNOWN

__all__ = ["NgramSurprisal", "key_phrases", "salience"]

PIECE = re.compile(r"[぀-ヿ㐀-鿿]|[^\W\d_]{1,24}(?:['’][^\W\d_]{1,24})?|\d{1,12}|[^\w\s]|_")
SEGMENT = 50_000  # tokens
SEGMENTS = 8
TOKEN_WEIGHT = 3_000  # tokens that the background prior counts for against a bank's own words
PAIR_WEIGHT = 30  # tokens that a bank's single words count for against its pairs
Piece = tuple[int, int, int, float]  # a token: start and end, its number, how often it counts before it was heard
EDGE = 0x5EED  # stands before and after each text
COUNT = 45  # bytes that a count takes in RAM, about; each is kept twice
ODD, MASK = 0x9E3779B1, 0xFFFFFFFF


class Counted(NamedTuple):
    """What one text adds to a model: counts by key, and how many tokens they are of."""

    counts: Mapping[int, int]
    size: int


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

    @classmethod
    def of(cls, kept: Iterable[Segment], key: bytes = b"") -> "NgramSurprisal":
        """The model that these segments make, the oldest first; at least one."""
        model = cls(key)
        model._segments = list(kept)
        for segment in model._segments:
            segments.add(model._counts, segment.counts)
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
        return _scored(self._pieces(text), Overlay(self._counts), self._size)

    def ahead(self) -> "ReadAhead":
        """A model that begins as this one and learns without this one's noticing."""
        return ReadAhead(self)

    def learn(self, text: str) -> None:
        """Count a text's first 50,000 tokens and their pairs, in the segment called `segment`."""
        self.take_in(self.counted(text))

    def take_in(self, counted: Counted) -> None:
        """Learn a text by its counts."""
        added, size = counted
        segment = self._segments[-1]
        segment.add(added, size)
        segments.add(self._counts, added)
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
        taken, size = self.counted(text)
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

    def _pieces(self, text: str) -> list[Piece]:
        key = self._key
        return [match.span() + _known(key, match[0]) for match in PIECE.finditer(text)]

    def counted(self, text: str) -> Counted:
        """What a text adds: its tokens, its end and their pairs."""
        return _counted(self._pieces(text))


class ReadAhead:
    """A model that has read on from another; `heard` is what it learnt, text by text. Not thread-safe."""

    def __init__(self, base: NgramSurprisal) -> None:
        self._base = base
        self._counts = Overlay(base._counts)
        self._size = base.size
        self._last: tuple[str, list[Piece]] = ("", [])  # the text that was cut last
        self.heard: list[Counted] = []

    def score(self, text: str) -> list[Token]:
        """As `NgramSurprisal.score`."""
        return _scored(self._pieces(text), self._counts, self._size)

    def learn(self, text: str) -> None:
        """As `NgramSurprisal.learn`; the base stays as it is."""
        counted = _counted(self._pieces(text))
        for key, count in counted.counts.items():
            self._counts[key] += count
        self._size += counted.size
        self.heard.append(counted)

    def _pieces(self, text: str) -> list[Piece]:
        if text != self._last[0]:
            self._last = text, self._base._pieces(text)
        return self._last[1]


class Overlay(dict[int, int]):
    """Counts over others that stay as they are; what is in neither counts 0."""

    def __init__(self, base: Mapping[int, int]) -> None:
        super().__init__()
        self._base = base

    def __missing__(self, key: int) -> int:
        count = self[key] = self._base.get(key, 0)
        return count


def _scored(pieces: Sequence[Piece], counts: Mapping[int, int], counted: int) -> list[Token]:
    log, size = math.log, counted + TOKEN_WEIGHT
    before, context = EDGE, counts[EDGE]
    found = []
    for start, end, word, expected in pieces:
        count = counts[word]
        single = (count + expected) / size
        both = min(counts[_pair(before, word)], context, count)  # not more where numbers of pairs and words coincide
        paired = (both + PAIR_WEIGHT * min(single, 1.0)) / (context + PAIR_WEIGHT)
        found.append(Token(start, end, -log(paired)))
        before, context = word, count
    return found


def _counted(pieces: Sequence[Piece]) -> Counted:
    words = [EDGE, *(word for _, _, word, _ in pieces[:SEGMENT]), EDGE]
    counts = Counter(words[1:])
    counts.update([_pair(before, word) for before, word in pairwise(words)])
    return Counted(counts, len(words) - 1)


@lru_cache(maxsize=KNOWN)
def _known(key: bytes, piece: str) -> tuple[int, float]:
    """A token's number, and how often it counts before it was heard."""
    low = piece.casefold()
    return key_hash(key, low) & MASK, TOKEN_WEIGHT * prior(low)


def _pair(before: int, word: int) -> int:
    return ((before * ODD) ^ (word + 1)) & MASK
