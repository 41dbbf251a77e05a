"""Terms as numbers under a bank's own key, kept in the indexes instead of words."""

import hashlib
import re
from collections import Counter
from datetime import datetime
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from memkit.text.hints import hint_words
from memkit.text.near_copies import copy_key
from memkit.text.terms.forms import plain_name
from memkit.text.terms.language import language_of
from memkit.text.terms.tokens import CACHED_WORDS, MONTH_NAMES, stem, words

TERM_RULES = (
    2  # raised with every change of what a text's terms or its key are: `maintain` makes those of older banks again
)
TERM_RULES_META = "terms.{}"  # by bank: the rules that its terms follow, as JSON
TIME_TERM = "#time"  # a term of every text that names a time or a number: where a "when" finds its answer
TIME_PATTERN = re.compile(
    r"\d|\b(?=[adfjlmnorstwy])(?:yesterday|today|tonight|tomorrow|recently|ago"
    r"|(?:last|next|this) (?:night|week|weekend|month|year|morning|spring|summer|autumn|fall|winter)"
    rf"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|{'|'.join(MONTH_NAMES)})\b",
    re.IGNORECASE,
)
TIME_WORDS = frozenset(  # one of them is part of every time, and of every number, in a text of ASCII characters
    """
    yesterday today tonight tomorrow recently ago night week weekend month year morning spring summer autumn fall winter
    monday tuesday wednesday thursday friday saturday sunday 0 1 2 3 4 5 6 7 8 9
    """.split()
).union(MONTH_NAMES)


@lru_cache(maxsize=CACHED_WORDS)
def key_hash(key: bytes, word: str) -> int:
    """A signed 64-bit hash that can't be computed without the bank's key. It is kept in RAM: for single words."""
    return _hashed(key, word)


def _hashed(key: bytes, word: str) -> int:
    digest = hashlib.blake2b(word.encode(), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def document_terms(text: str, *, speaker: str | None, at: datetime, zone: ZoneInfo, key: bytes) -> dict[int, int]:
    """Hash -> count of a memory's terms: those of its text, and the day on which it happened.

    A speaker's own name is no term of what they say: who spoke is a cue of its own.
    """
    local, language = at.astimezone(zone), language_of(text)
    every = words(text, language)
    counts = Counter([word.term for word in every])
    for name in _name_terms(speaker or "", language) & counts.keys():
        counts[name] = 1
    for term in chain.from_iterable(word.beside for word in every if word.others or word.spellings):
        counts.setdefault(term, 1)
    counts.update(date_terms(local))
    if names_time(text):
        counts[TIME_TERM] = 1
    return {key_hash(key, term): count for term, count in counts.items()}


@lru_cache(maxsize=1024)
def _name_terms(name: str, language: str) -> frozenset[str]:
    return frozenset(stem(part.casefold(), language) for part in name.split())


def names_time(text: str) -> bool:
    """Whether a text names a time or a number."""
    if text.isascii() and TIME_WORDS.isdisjoint(hint_words(text)):
        return False
    return TIME_PATTERN.search(text) is not None


def date_terms(local: datetime) -> list[str]:
    """Day, month and year of a moment, as they stand in a text."""
    return [str(local.day), stem(MONTH_NAMES[local.month - 1]), str(local.year)]


def text_key(key: bytes, text: str, speaker: str | None) -> int:
    """Equal for texts of which one is a copy of the other (and that the same speaker said)."""
    return _hashed(key, "\n".join((plain_name(speaker or ""), *copy_key(text))))


def item_key(key: bytes, id: str) -> int:
    """A text key that no text has: items are no copies of anything."""
    return _hashed(key, f"\0{id}")


def encoded_text(speaker: str | None, text: str) -> str:
    """The form in which a text is encoded: the speaker's name helps to find what they said."""
    return f"{speaker}: {text}" if speaker else text
