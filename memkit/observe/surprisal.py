"""Surprisal of tokens, -ln P in nats (SirLLM's token entropy, arXiv 2405.12528), under models that need no download."""

import math
import re
from collections import Counter, deque
from collections.abc import Sequence

from memkit.protocols import Token
from memkit.text.tokens import STOP_WORDS

PIECE = re.compile(r"\w+|[^\w\s]")
SEGMENT = 50_000  # tokens
SEGMENTS = 8
LETTERS = 3.2  # nats for each letter of a word that was never seen, about English's
FIRST = 2.0
SHARE = 0.75  # of an order's count that its own words keep (absolute discounting)


class Segment:
    """Counts of about 50,000 tokens; whole segments are dropped when there are too many."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.size = 0


class NgramSurprisal:
    """An adaptive word bigram model, interpolated with a unigram and, for unseen words, their spelling.

    P(w | v) mixes the pair's share, the word's share and the prior, each discounted, as in absolute
    discounting. It learns as it reads; integer counts, bounded.
    """

    def __init__(self) -> None:
        self._segments: deque[Segment] = deque([Segment()])

    def score(self, text: str) -> list[Token]:
        """Tokens in order, each with its surprisal in nats; learns nothing."""
        found, before = [], ""
        for match in PIECE.finditer(text):
            word = match[0].casefold()
            found.append(Token(*match.span(), self._surprisal(word, before)))
            before = word
        return found

    def learn(self, text: str) -> None:
        """Count a text's words and pairs."""
        segment = self._segments[-1]
        before = ""
        for match in PIECE.finditer(text):
            word = match[0].casefold()
            segment.words[word] += 1
            segment.pairs[before, word] += 1
            segment.size += 1
            before = word
        if segment.size >= SEGMENT:
            self._segments.append(Segment())
        if len(self._segments) > SEGMENTS:
            self._segments.popleft()

    def _surprisal(self, word: str, before: str) -> float:
        size = sum(s.size for s in self._segments)
        unigram = self._mixed(sum(s.words[word] for s in self._segments), size, _spelling(word))
        context = sum(s.words[before] for s in self._segments)
        pair = sum(s.pairs[before, word] for s in self._segments)
        return -math.log(self._mixed(pair, context, unigram))

    def _mixed(self, count: int, total: int, lower: float) -> float:
        if total == 0:
            return lower
        own = max(count - (1 - SHARE), 0) / total
        left = min(1.0, 20 / (20 + total) + (1 - SHARE))
        return (1 - left) * own / max(SHARE, 1e-9) + left * lower if count else left * lower


def _spelling(word: str) -> float:
    """The prior of a word: common words by a rough rank, others by their length."""
    if word in STOP_WORDS:
        return 0.4 / len(STOP_WORDS)
    if not word[0].isalnum():
        return 0.02
    rarity = FIRST + LETTERS * 0.6 * len(word) + (2.0 if word[0].isdigit() else 0.0)
    return 0.5 * math.exp(-min(rarity, 16.0))


def salience(tokens: Sequence[Token]) -> float:
    """How much a text tells, in nats per token: the mean surprisal of its tokens, short texts drawn to less.

    "haha yes" has two cheap tokens; a sentence full of names and numbers has many dear ones.
    """
    if not tokens:
        return 0.0
    return sum(token.surprisal for token in tokens) / (len(tokens) + 2)


def key_phrases(text: str, tokens: Sequence[Token], *, most: int = 3) -> tuple[str, ...]:
    """The most surprising words of a text, in the order in which they stand there."""
    words = [t for t in tokens if text[t.start : t.end].casefold() not in STOP_WORDS and t.end - t.start > 2]
    best = sorted(words, key=lambda token: (-token.surprisal, token.start))[:most]
    return tuple(dict.fromkeys(text[t.start : t.end] for t in sorted(best)))
