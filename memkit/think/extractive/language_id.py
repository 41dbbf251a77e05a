"""Language identification by the share of function words, or by the script: cheap, and without a model."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from memkit.text.terms.language import common_words
from memkit.text.terms.language import language_of as stemmer_of
from memkit.text.terms.tokens import UNSPACED_RANGES, has_words
from memkit.text.times.other_languages import script_locale
from memkit.think.extractive.language import languages

WORD_PATTERN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
UNSPACED_PATTERN = re.compile(f"[{UNSPACED_RANGES}]")
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
    """The code of the language whose function words make up most of a text, or of its script; None where none is told.

    Where two languages have as many, the `usual` one is taken, else one with rules, English first.
    """
    codes = _likely_codes(text)
    return _preferred(codes, Counter([usual] if usual else [])) if codes else None


def _likely_codes(text: str) -> tuple[str, ...]:
    """Codes of the languages that a text may be in, each as likely; English isn't, where its words have accents."""
    words = [word.casefold().replace("’", "'") for word in WORD_PATTERN.findall(text)]
    counts = Counter(code for word in words for code in _codes_of(word))
    most = max(counts.values(), default=0)
    if not counts or most < MIN_FUNCTION_WORD_SHARE * len(words):
        return _codes_of_script(text)
    codes = tuple(code for code in counts if counts[code] == most)
    is_plain = all(word.isascii() for word in words)
    return codes if is_plain or len(codes) == 1 else tuple(code for code in codes if code != "en")


def _codes_of(word: str) -> list[str]:
    """Codes of the languages that a word is common in, or its parts beside an apostrophe."""
    return _codes_by_word().get(word) or [code for part in word.split("'") for code in _codes_by_word().get(part, ())]


def _codes_of_script(text: str) -> tuple[str, ...]:
    """The code of the language whose script most of a text is written in, if that is of one language."""
    locale, letters = script_locale(text), list(filter(str.isalpha, text))
    if locale is not None and 2 * len(UNSPACED_PATTERN.findall(text)) > len(letters):
        return (locale,)
    stemmer = stemmer_of(text)
    return tuple(code for code, words in common_words().items() if words.stemmer == stemmer and code != "en")


def _preferred(codes: tuple[str, ...], usual: Counter[str]) -> str:
    """One of these languages: the most usual, else one with rules, English first, then that of most people."""
    return max(codes, key=lambda code: (usual[code], code in languages(), code == "en"))


class LanguageCounts(NamedTuple):
    """The languages of texts: code -> how many of them, "?" where none can be told; `unruled` have no rules."""

    counts: dict[str, int]
    unruled: int


def count_languages(texts: Iterable[str]) -> LanguageCounts:
    """Numbers of texts by language, and of those in which no thoughts can form.

    A text that may be in several is in the one that most of the others are in.
    """
    likely = Counter(_likely_codes(text) or (UNKNOWN_LANGUAGE,) for text in texts if has_words(text))
    usual = Counter({codes[0]: count for codes, count in likely.items() if len(codes) == 1})
    counts = Counter[str]()
    for codes, count in likely.items():
        counts[_preferred(codes, usual)] += count
    unruled = sum(count for code, count in counts.items() if code not in languages() and code != UNKNOWN_LANGUAGE)
    return LanguageCounts(dict(counts.most_common()), unruled)
