"""What is known of tokens before anything was heard: frequent words by Zipf's law, others by their spelling."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

from memkit.text.terms.tokens import CACHED_WORDS

# How the tokens of a conversation divide into kinds, roughly; what is left of 1 is for the end of a text.
FREQUENT, WORD, NUMBER, MARK, SYMBOL = 0.60, 0.18, 0.015, 0.13, 0.005
LATIN, OTHER, IDEOGRAPHIC = 0.8, 0.1, 0.1  # of WORD
ACCENTED = 0.1  # of a Latin word's probability, where it has accents
MANDELBROT = 2.7  # P(rank) ~ 1 / (rank + 2.7)
MARKS = ".,!?'\"-:)(;…/&*"
SYMBOLS = 4096  # emoji and the like
LETTERS = 64  # of alphabets that the spelling model doesn't know, as if equally likely
IDEOGRAPHS = 4096
EDGE = "\n"  # starts and ends a word in the spelling model
WEIGHT = 4.0  # of the shorter context, in tokens, where a longer one was seen


@lru_cache(maxsize=CACHED_WORDS)
def prior(piece: str) -> float:
    """P of a casefolded token before anything was heard; over all tokens it adds up to at most 1."""
    first = piece[0]
    if first.isdecimal():
        return NUMBER * 0.05 ** len(piece)  # each further digit: one of ten, after a coin was tossed
    if not first.isalpha():
        return MARK * _marks().get(piece, 0.0) + SYMBOL / SYMBOLS
    return FREQUENT * _frequent().get(piece, 0.0) + WORD * _spelled(piece)


@cache
def _frequent() -> dict[str, float]:
    text = (files("memkit.surprisal") / "frequent_words.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return _zipf(dict.fromkeys(word for line in lines for word in line.split()))


@cache
def _marks() -> dict[str, float]:
    return _zipf(dict.fromkeys(MARKS))


def _zipf(ranked: dict[str, None]) -> dict[str, float]:
    weights = {item: 1 / (rank + MANDELBROT) for rank, item in enumerate(ranked, 1)}
    total = sum(weights.values())
    return {item: weight / total for item, weight in weights.items()}


def _spelled(word: str) -> float:
    """P of a word by its letters: trigrams for Latin ones, accents aside, else all letters alike."""
    if _is_ideograph(word[0]):
        return IDEOGRAPHIC / float(IDEOGRAPHS ** len(word))
    plain = word if word.isascii() else _without_accents(word)
    if not plain.isascii():
        return OTHER / float(LETTERS ** (len(word) + 1))
    share = LATIN if plain == word else LATIN * ACCENTED
    return share * math.prod(_letters(plain))


def _is_ideograph(character: str) -> bool:
    return "\u3040" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def _without_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _letters(word: str) -> Iterator[float]:
    """P(letter | the two before it) of each letter and of the word's end."""
    padded = f"{EDGE}{word}{EDGE}"
    return (_letter(padded[max(i - 2, 0) : i], padded[i]) for i in range(1, len(padded)))


@lru_cache(maxsize=CACHED_WORDS)
def _letter(before: str, letter: str) -> float:
    """P(letter | at most two before it), from the shortest context to the longest."""
    counts, p = _spelling(), 1 / LETTERS
    for at in range(len(before), -1, -1):
        context = before[at:]
        seen = counts.get((context,), 0)
        p = (counts.get((context, letter), 0) + WEIGHT * p) / (seen + WEIGHT)
    return p


@cache
def _spelling() -> Counter[tuple[str, ...]]:
    """How often each letter follows up to two others in the frequent words, each of them counted once."""
    counts: Counter[tuple[str, ...]] = Counter()
    for word in _frequent():
        padded = f"{EDGE}{word}{EDGE}"
        for i in range(1, len(padded)):
            for order in range(min(3, i + 1)):
                context = padded[i - order : i]
                counts[context,] += 1
                counts[context, padded[i]] += 1
    return counts
