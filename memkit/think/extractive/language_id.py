"""Language identification by the share of function words: cheap, and without a model."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from memkit.text.terms.language import common_words
from memkit.text.terms.tokens import has_words
from memkit.think.extractive.language import languages

WORD_PATTERN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
UNKNOWN_LANGUAGE = "?"
MIN_FUNCTION_WORD_SHARE = 0.15  # of a text's words


@cache
def _codes_by_word() -> dict[str, list[str]]:
    """Codes of all languages that can be told, with rules or without, by each of their commonest words."""
    words_by_code = {code: words.telling for code, words in common_words().items()}
    for code, ruled in languages().items():
        words_by_code[code] = words_by_code.get(code, frozenset()).union(ruled.file.function_words.split())
    codes_by_word: dict[str, list[str]] = defaultdict(list)
    for code, listed in words_by_code.items():
        for word in listed:
            codes_by_word[word].append(code)
    return codes_by_word


def language_of(text: str, usual: str | None = None) -> str | None:
    """The code of the language whose function words make up most of a text; None where none's do.

    Where two languages have as many, the `usual` one is taken, else one with rules, English first.
    """
    words = [word.casefold().replace("’", "'") for word in WORD_PATTERN.findall(text)]
    counts = Counter(code for word in words for code in _codes_by_word().get(word, ()))
    if not counts:
        return None
    best = max(counts, key=lambda code: (counts[code], code == usual, code in languages(), code == "en"))
    return best if counts[best] >= MIN_FUNCTION_WORD_SHARE * len(words) else None


class LanguageCounts(NamedTuple):
    """The languages of texts: code -> how many of them, "?" where none can be told; `unruled` have no rules."""

    counts: dict[str, int]
    unruled: int


def count_languages(texts: Iterable[str]) -> LanguageCounts:
    """Numbers of texts by language, and of those in which no thoughts can form."""
    counts = Counter(language_of(text) or UNKNOWN_LANGUAGE for text in texts if has_words(text))
    unruled = sum(count for code, count in counts.items() if code not in languages() and code != UNKNOWN_LANGUAGE)
    return LanguageCounts(dict(counts.most_common()), unruled)
