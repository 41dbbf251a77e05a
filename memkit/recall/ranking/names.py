"""Names of a bank's speakers in a question: as they are written, and where nobody has the name, one that is like it."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from memkit.surprisal.background import surprisal
from memkit.text.terms.forms import composed, without_marks
from memkit.text.terms.language import STOP_WORDS, language_of, words_of
from memkit.text.terms.tokens import CACHED_WORDS, LETTER_PATTERN, UNSPACED_RANGES

NAME_PATTERN = re.compile(rf"{LETTER_PATTERN}+|[{UNSPACED_RANGES}]+")
UNSPACED_PATTERN = re.compile(f"[{UNSPACED_RANGES}]")
ROLE_NAMES = frozenset({"user", "assistant", "system", "tool", "human", "ai", "bot"})
POSSESSIVE_PATTERN = re.compile(r"(?<!\w)['’]s\b")  # what a name leaves behind
MIN_LIKE_CHARS = 4  # of a word that may be a name misspelt
MAX_MORE_CHARS = 2  # that one of two names may have
LONG_NAME_CHARS = 6  # from so many on two letters may differ
MIN_SOUND_CHARS = 3  # consonants
UNUSUAL_NATS = 15.0  # surprisal from which on a word in small letters may be a name
MAX_COMPARED_SPEAKERS = 1000

Holds = Callable[[str], bool]


def named_speakers(question: str, speakers: Iterable[str]) -> dict[str, str]:
    """The speakers whom a question names, by the whole name or its first part, each with the word that names them.

    Case, composition and width don't matter; a question without an accent names those with it, too.
    """
    return dict(_words_for(question, tuple(speakers)))


@lru_cache(maxsize=16)
def _words_for(question: str, speakers: tuple[str, ...]) -> Mapping[str, str]:
    """The same, read once for all who ask."""
    names = _names(question)
    words = {speaker: _word_for(first, names) for speaker in speakers if (first := _first_name(speaker))}
    return {speaker: word for speaker, word in words.items() if word is not None}


def nearly_named(question: str, speakers: Iterable[str], holds: Holds) -> dict[str, str]:
    """The speakers whose names are like a word that nobody is called, and that the bank doesn't hold (`holds`)."""
    lows = {speaker: first.casefold() for speaker in speakers if (first := _first_name(speaker))}
    if not lows or len(lows) > MAX_COMPARED_SPEAKERS:
        return {}
    likely = [word for word in _likely_names(question) if word not in lows.values()]
    alike = {word: _like(word, lows) for word in likely}
    return {speaker: word for word, near in alike.items() if near and not holds(word) for speaker in near}


def _like(word: str, lows: Mapping[str, str]) -> list[str]:
    """The speakers whose names are like a word."""
    return [s for s, low in lows.items() if abs(len(word) - len(low)) <= MAX_MORE_CHARS and is_like(word, low)]


def without_names(question: str, named: Mapping[str, str]) -> str:
    """The question without the names of the speakers whom it names, by their words in it."""
    parts = {part.casefold() for name in named for part in NAME_PATTERN.findall(composed(name))}
    parts |= {without_marks(part) for part in parts} | set(named.values())
    if not parts:
        return question
    rest = NAME_PATTERN.sub(lambda match: "" if match[0].casefold() in parts else match[0], composed(question))
    for part in filter(UNSPACED_PATTERN.match, parts):
        rest = rest.replace(part, " ")  # out of a sentence without spaces
    return POSSESSIVE_PATTERN.sub("", rest)


@lru_cache(maxsize=CACHED_WORDS)
def _first_name(speaker: str) -> str | None:
    """The first part of a speaker's name as it is written; None for roles, and where it is a single letter."""
    first = NAME_PATTERN.search(composed(speaker))
    return None if first is None or len(first[0]) < 2 or speaker.casefold() in ROLE_NAMES else first[0]


def _word_for(first: str, names: Mapping[str, str]) -> str | None:
    """The question's word for a first name, in small letters."""
    low = first.casefold()
    if low in STOP_WORDS:  # "Will" is a name where it is written as one
        return low if names.get(low) == first and first[0].isupper() else None
    if first.isascii():
        return low if low in names else None
    if UNSPACED_PATTERN.match(first):
        return low if any(low in name for name in names) else None
    return next((form for form in (low, without_marks(low)) if form in names), None)


def _names(question: str) -> dict[str, str]:
    """A question's words in small letters, each as it is written."""
    return {written.casefold(): written for written in NAME_PATTERN.findall(composed(question))}


def _likely_names(question: str) -> list[str]:
    """Words that may be names: with a capital inside the sentence, or unusual in the language."""
    names = _names(question)
    inside = {low for low, word in names.items() if word[0].isupper() and not composed(question).startswith(word)}
    stop = words_of(language_of(question)).stop
    return [low for low in names if low not in stop and (low in inside or surprisal(low) >= UNUSUAL_NATS)]


@lru_cache(maxsize=CACHED_WORDS)
def is_like(word: str, name: str) -> bool:
    """Whether two names differ in one letter or, long ones, two; or sound the same (Metaphone, Philips 1990)."""
    if min(len(word), len(name)) < MIN_LIKE_CHARS or abs(len(word) - len(name)) > MAX_MORE_CHARS:
        return False
    import jellyfish

    most = 2 if min(len(word), len(name)) >= LONG_NAME_CHARS else 1
    sound = _sound(word) if name.isascii() else ""
    same_sound = bool(sound) and sound == _sound(name)
    near = jellyfish.damerau_levenshtein_distance(word, name) <= most
    return (near and (same_sound or word[0] == name[0])) or (same_sound and len(sound) >= MIN_SOUND_CHARS)


@lru_cache(maxsize=CACHED_WORDS)
def _sound(word: str) -> str:
    """Sound of a word (Metaphone); none of one that isn't written in ASCII letters."""
    import jellyfish

    return jellyfish.metaphone(word) if word.isascii() else ""
