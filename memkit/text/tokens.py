"""Words of a text as search terms: stemmed, without stop words, numbers and clock times kept whole."""

import re
import threading
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

TOKEN = re.compile(
    r"(?P<cjk>[぀-ヿ㐀-鿿가-힯]+)"
    r"|(?P<number>\d+(?:[.,:]\d+)*)(?:st|nd|rd|th)?\b"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*|\w+)"
)
POSSESSIVE = re.compile(r"['’]s?$")
STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are aren't as at be because been before being below
    between both but by can can't could couldn't did didn't do does doesn't doing don't down during each ever
    few for from further get gets getting got had hadn't has hasn't have haven't having he her here hers herself
    him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just let let's me more most
    my myself no nor not now of off on once only or other our ours ourselves out over own same she should
    shouldn't so some such than that that's the their theirs them themselves then there these they they're this
    those through to too under until up us very was wasn't we we're were weren't what what's when where which
    while who whom why will with won't would wouldn't you you're your yours yourself yourselves
    """.split()
)


class Word(NamedTuple):
    """A term, and where it stands in the text."""

    term: str
    start: int
    end: int


_stemmers = threading.local()


@lru_cache(maxsize=65_536)
def stem(word: str, language: str = "english") -> str:
    """The Snowball stem of a casefolded word."""
    stemmers = vars(_stemmers)
    if language not in stemmers:
        stemmers[language] = snowballstemmer.stemmer(language)
    return str(stemmers[language].stemWord(word))


def words(text: str, language: str = "english") -> list[Word]:
    """Search terms in order. Chinese, Japanese and Korean runs are cut into pairs of characters."""
    found: list[Word] = []
    for match in TOKEN.finditer(text):
        start, end = match.span()
        if run := match["cjk"]:
            found += [Word(run[i : i + 2], start + i, start + i + 2) for i in range(max(1, len(run) - 1))]
        elif number := match["number"]:
            found.append(Word(number.replace(",", "").lstrip("0") or "0", start, end))
        else:
            term = _term(match["word"], language)
            if term is not None:
                found.append(Word(term, start, end))
    return found


def _term(word: str, language: str) -> str | None:
    low = word.casefold().replace("’", "'")
    if low in STOP_WORDS:
        return None
    low = POSSESSIVE.sub("", low)
    if low in STOP_WORDS or not low:
        return None
    return stem(low, language)


def has_words(text: str) -> bool:
    """True where there is a letter or a digit in the text."""
    return any(character.isalnum() for character in text)
