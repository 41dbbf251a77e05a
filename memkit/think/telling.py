"""Which language a text is in, told by the share of a language's function words: cheap, and without a model."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from memkit.think.language import languages

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
LEAST = 0.15  # share of a text's words


@cache
def function_words() -> dict[str, frozenset[str]]:
    """The commonest words of every language that can be told, with rules or without."""
    others = tomllib.loads((files("memkit.think") / "function_words.toml").read_text("utf-8"))
    ruled = {code: language.function_words for code, language in languages().items()}
    return {**{code: frozenset(listed.split()) for code, listed in others.items()}, **ruled}


@cache
def _by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, listed in function_words().items():
        for word in listed:
            found.setdefault(word, []).append(code)
    return {word: tuple(codes) for word, codes in found.items()}


def language_of(text: str) -> str | None:
    """The code of the language whose function words make up most of a text; None where none's do.

    Where two languages have as many, one with rules is taken.
    """
    found = [word.casefold().replace("’", "'") for word in WORD.findall(text)]
    counts = Counter(code for word in found for code in _by_word().get(word, ()))
    if not counts:
        return None
    best = max(counts, key=lambda code: (counts[code], code in languages()))
    return best if counts[best] >= LEAST * len(found) else None


def counted(texts: Iterable[str]) -> dict[str, int]:
    """How many texts are in which language; "?" for those of which it can't be told."""
    return dict(Counter(language_of(text) or "?" for text in texts).most_common())
