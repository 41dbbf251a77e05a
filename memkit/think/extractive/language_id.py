"""Which language a text is in, told by the share of a language's function words: cheap, and without a model."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from memkit.text.terms.tokens import has_words
from memkit.think.extractive.language import languages

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
UNKNOWN = "?"
LEAST = 0.15  # share of a text's words


@cache
def function_words() -> dict[str, frozenset[str]]:
    """The commonest words of every language that can be told, with rules or without."""
    others = tomllib.loads((files("memkit.think.extractive") / "function_words.toml").read_text("utf-8"))
    ruled = {code: language.function_words for code, language in languages().items()}
    return {**{code: frozenset(listed.split()) for code, listed in others.items()}, **ruled}


@cache
def _by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, listed in function_words().items():
        for word in listed:
            found.setdefault(word, []).append(code)
    return {word: tuple(codes) for word, codes in found.items()}


def language_of(text: str, usual: str | None = None) -> str | None:
    """The code of the language whose function words make up most of a text; None where none's do.

    Where two languages have as many, the `usual` one is taken, else one with rules, English first.
    """
    found = [word.casefold().replace("’", "'") for word in WORD.findall(text)]
    counts = Counter(code for word in found for code in _by_word().get(word, ()))
    if not counts:
        return None
    best = max(counts, key=lambda code: (counts[code], code == usual, code in languages(), code == "en"))
    return best if counts[best] >= LEAST * len(found) else None


class LanguageCounts(NamedTuple):
    """The languages of texts: code -> how many of them, "?" where none can be told; `unruled` have no rules."""

    counts: dict[str, int]
    unruled: int


def languages_of(texts: Iterable[str]) -> LanguageCounts:
    """How many texts are in which language, and in how many no thoughts can form."""
    counts = Counter(language_of(text) or UNKNOWN for text in texts if has_words(text))
    unruled = sum(count for code, count in counts.items() if code not in languages() and code != UNKNOWN)
    return LanguageCounts(dict(counts.most_common()), unruled)
