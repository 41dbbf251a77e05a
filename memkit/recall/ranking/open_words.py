"""Words of questions that ask for whatever was said: "What happened yesterday?" has no others besides its time."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from memkit.text.terms.language import ENGLISH_STEMMER, common_words
from memkit.text.terms.tokens import question_words, stem
from memkit.text.times.other_languages import script_locale

WORDS_FILE = files("memkit.recall.ranking") / "open_words.toml"


def asks_for_anything(text: str, language: str) -> bool:
    """Whether a text in a language (its stemmer's name) holds no word but those that ask for whatever was said."""
    locale = None if text.isascii() else script_locale(text)
    rest = _runs(locale).sub(" ", text) if locale is not None else text
    return all(word.term in _open_terms(language) for word in question_words(rest, language))


@cache
def _listed() -> dict[str, dict[str, str]]:
    return tomllib.loads(WORDS_FILE.read_text("utf-8"))


@cache
def _open_terms(language: str) -> frozenset[str]:
    """English's words and the language's, by their stems."""
    codes = [code for code, common in common_words().items() if common.stemmer in (language, ENGLISH_STEMMER)]
    stemmers = {code: common_words()[code].stemmer for code in codes}
    listed = ((word, stemmers[code]) for code in codes for word in _listed().get(code, {}).get("words", "").split())
    return frozenset(stem(word, stemmer) for word, stemmer in listed)


@cache
def _runs(locale: str) -> re.Pattern[str]:
    """A stretch between marks and spaces that consists of a language's open words alone."""
    runs = "|".join(sorted(_listed()[locale]["runs"].split(), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{runs})+(?!\w)")
