"""Forms in which one word is written: composed or not, with accents or without, whole or in parts."""

import re
import unicodedata
from functools import lru_cache

CASE_BORDER_PATTERN = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
IDENTIFIER_PATTERN = re.compile(r"_|\d[^\W\d_]|[^\W\d_]\d|[a-z][A-Z]|[A-Z]{2}[a-z]")
PART_PATTERN = re.compile(r"\d+|[^\W\d_]+")
MIN_PART_CHARS = 2
BASE_LETTERS = str.maketrans(  # of letters that Unicode doesn't take apart
    dict(zip("øłđħıŧðىةٱ", "oldhitdيها", strict=True)) | {"æ": "ae", "œ": "oe", "þ": "th", "ـ": ""}
)
SCRIPT_STEMMERS = (  # of scripts that one language, or mostly one, is written in: first and last letter
    ("\u0370", "\u03ff", "greek"),
    ("\u1f00", "\u1fff", "greek"),
    ("\u0400", "\u052f", "russian"),
    ("\u0530", "\u058f", "armenian"),
    ("\u0600", "\u06ff", "arabic"),
    ("\u0900", "\u097f", "hindi"),
    ("\u0b80", "\u0bff", "tamil"),
)


def composed(text: str) -> str:
    """A text with its letters composed and of usual width (NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def plain_name(name: str) -> str:
    """A name as names are compared: composed, of usual width, in small letters, with single spaces."""
    return " ".join(composed(name).casefold().split())


def is_same_name(name: str | None, other: str | None) -> bool:
    """Whether two names differ in composition, width, case and spaces at most; accents keep people apart."""
    return name == other or (name is not None and other is not None and plain_name(name) == plain_name(other))


def may_be_same_name(name: str | None, other: str | None) -> bool:
    """Whether two names are the same, or one of them isn't known."""
    return None in (name, other) or is_same_name(name, other)


def without_marks(word: str) -> str:
    """A casefolded word without accents, points and vowel marks, letters of one sound in one form."""
    if word.isascii():
        return word
    letters = unicodedata.normalize("NFKD", word.translate(BASE_LETTERS))
    return unicodedata.normalize("NFC", "".join(c for c in letters if unicodedata.category(c) != "Mn"))


def identifier_parts(word: str) -> list[str]:
    """The words and numbers that an identifier is made of: snake_case, CamelCase, ABC123; none for a plain word."""
    if not IDENTIFIER_PATTERN.search(word):
        return []
    spaced = CASE_BORDER_PATTERN.sub(" ", word)
    return [part for part in PART_PATTERN.findall(spaced) if len(part) >= MIN_PART_CHARS or part.isdigit()]


@lru_cache(maxsize=1024)
def script_stemmer(letter: str) -> str | None:
    """The Snowball stemmer for the script of a letter; None for scripts of many languages, and those without one."""
    return next((name for first, last, name in SCRIPT_STEMMERS if first <= letter <= last), None)
