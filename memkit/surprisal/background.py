"""The surprisal model of a bank by default: a fixed background of language, the same for every bank and process.

Under it lies a prior probability of tokens: frequent words by Zipf's law, others by their spelling or their length.
"""

import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache, partial
from importlib.resources import files

from memkit.protocols import Token
from memkit.text.terms.tokens import CACHED_WORDS, MARK_RANGES

WORD_PART = rf"(?:[^\W\d_][{MARK_RANGES}]*){{1,24}}"
TOKEN_PATTERN = re.compile(rf"[぀-ヿ㐀-鿿]|{WORD_PART}(?:['’]{WORD_PART})?|\d{{1,12}}|[^\w\s]|_")
ASCII_TOKEN_PATTERN = re.compile(r"[a-zA-Z]{1,24}(?:'[a-zA-Z]{1,24})?|\d{1,12}|[^\w\s]|_")
FREQUENT_LISTS = ("frequent_english.txt", "frequent_russian.txt", "frequent_chinese.txt")
# How the tokens of a conversation in one script divide, roughly; what is left of 1 is for the end of a text.
FREQUENT_SHARE, RARE_SHARE, NUMBER_SHARE, MARK_SHARE, SYMBOL_SHARE = 0.60, 0.18, 0.015, 0.13, 0.005
LATIN_SHARE = 0.8  # of RARE_SHARE
ACCENTED_SHARE = 0.1  # of a Latin word's probability, where it has accents
IDEOGRAPH_SHARE = 0.1  # of RARE_SHARE
MANDELBROT_SHIFT = 2.7  # P(rank) ~ 1 / (rank + 2.7)
MARK_CHARS = ".,!?'\"-:)(;…/&*"
SYMBOL_TYPES = 4096  # emoji and the like
LETTER_TYPES = 64
IDEOGRAPH_TYPES = 4096
HIRAGANA_TYPES = 90  # which carry Japanese grammar: as likely as frequent words
WORD_EDGE = "\n"  # starts and ends a word in the spelling model
CONTEXT_WEIGHT = 4.0  # of the shorter context, in letters, where a longer one was counted
LEAST_PRIOR = sys.float_info.min  # P of a word so long that the product of its letters has no number any more
FIRST_NATS, LETTER_NATS = 4.5, 1.1  # surprisal of a word in an alphabet without a spelling model, by its letters
_token = partial(tuple.__new__, Token)  # in less than half of the time that Token takes


class BackgroundSurprisal:
    """-ln P of each token by how frequent it is in its language, in nats; learns nothing, so a text's are its own.

    Whatever else a bank holds, or held before an erasure, a turn has the same surprisals. Thread-safe.
    """

    def score(self, text: str) -> list[Token]:
        """Tokens in order, with their characters in the text."""
        return [_token((*match.span(), surprisal(match[0]))) for match in token_matches(text)]

    def learn(self, text: str) -> None:
        """Nothing: the model stays as it is."""


def token_matches(text: str) -> Iterator[re.Match[str]]:
    """Words of up to 24 letters with the marks on them, numbers, ideographs, marks."""
    return (ASCII_TOKEN_PATTERN if text.isascii() else TOKEN_PATTERN).finditer(text)


@lru_cache(maxsize=CACHED_WORDS)
def surprisal(piece: str) -> float:
    """-ln P of a word by how frequent it is in its language, in nats."""
    return -math.log(max(prior(piece.casefold()), LEAST_PRIOR))


@lru_cache(maxsize=CACHED_WORDS)
def prior(piece: str) -> float:
    """P of a casefolded token among those of its script.

    Over the Latin ones it adds up to at most 1. A word in an alphabet that has no spelling model here is the
    likelier the shorter it is (Zipf's law of abbreviation): an estimate for words that exist, not for any string.
    """
    first = piece[0]
    if first.isdecimal():
        return NUMBER_SHARE * 0.05 ** len(piece)  # each further digit: one of ten, after a coin was tossed
    if not first.isalpha():
        return MARK_SHARE * _marks().get(piece, 0.0) + SYMBOL_SHARE / SYMBOL_TYPES
    return FREQUENT_SHARE * _frequent().get(piece, 0.0) + RARE_SHARE * _rare(piece)


@cache
def _frequent() -> dict[str, float]:
    return {word: p for name in FREQUENT_LISTS for word, p in _zipf(_ranked(name)).items()}


def _ranked(name: str) -> dict[str, None]:
    lines = (files("memkit.surprisal") / name).read_text(encoding="utf-8").splitlines()
    return dict.fromkeys(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def _marks() -> dict[str, float]:
    return _zipf(dict.fromkeys(MARK_CHARS))


def _zipf(ranked: dict[str, None]) -> dict[str, float]:
    weights = {word: 1 / (rank + MANDELBROT_SHIFT) for rank, word in enumerate(ranked, 1)}
    total = sum(weights.values())
    return {word: weight / total for word, weight in weights.items()}


def _rare(word: str) -> float:
    """P of a word that is on no list: trigrams of letters for Latin ones, accents aside, else by its length."""
    if "\u3040" <= word[0] <= "\u309f":  # hiragana
        return 1 / HIRAGANA_TYPES
    if _is_ideograph(word[0]):
        return IDEOGRAPH_SHARE / float(IDEOGRAPH_TYPES ** len(word))
    plain = (
        word
        if word.isascii()
        else "".join(c for c in unicodedata.normalize("NFKD", word) if unicodedata.category(c)[0] != "M")
    )
    if not plain.isascii():
        return math.exp(-FIRST_NATS - LETTER_NATS * len(plain)) / RARE_SHARE
    share = LATIN_SHARE if plain == word else LATIN_SHARE * ACCENTED_SHARE
    return share * math.prod(_letter_probabilities(plain))


def _is_ideograph(character: str) -> bool:
    return "\u30a0" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def _letter_probabilities(word: str) -> Iterator[float]:
    """P(letter | the two before it) of each letter and of the word's end."""
    padded = f"{WORD_EDGE}{word}{WORD_EDGE}"
    return (_letter_probability(padded[max(i - 2, 0) : i], padded[i]) for i in range(1, len(padded)))


@lru_cache(maxsize=CACHED_WORDS)
def _letter_probability(before: str, letter: str) -> float:
    """P(letter | at most two before it), from the shortest context to the longest."""
    counts, p = _letter_counts(), 1 / LETTER_TYPES
    for start in range(len(before), -1, -1):
        context = before[start:]
        p = (counts.get((context, letter), 0) + CONTEXT_WEIGHT * p) / (counts.get((context,), 0) + CONTEXT_WEIGHT)
    return p


@cache
def _letter_counts() -> Counter[tuple[str, ...]]:
    """Counts of each letter after up to two others in the frequent English words, each word once."""
    counts: Counter[tuple[str, ...]] = Counter()
    for word in _ranked(FREQUENT_LISTS[0]):
        padded = f"{WORD_EDGE}{word}{WORD_EDGE}"
        for i in range(1, len(padded)):
            for order in range(min(3, i + 1)):
                context = padded[i - order : i]
                counts[context,] += 1
                counts[context, padded[i]] += 1
    return counts
