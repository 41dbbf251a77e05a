"""What a person would notice in a question besides its words: who is meant, when, and what kind it is."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from memkit.text.terms.tokens import STOP_WORDS, words
from memkit.text.times.dates import MentionedTime, first_mentioned_time
from memkit.text.times.event_times import EventTime, first_event_time

NAME = re.compile(r"[^\W\d_]+")
NOBODY = frozenset({"user", "assistant", "system", "tool", "human", "ai", "bot"})
POSSESSIVE = re.compile(r"(?<!\w)['’]s\b")  # what a name leaves behind
WHEN = re.compile(
    r"\b(?:when (?:did|do|does|was|were|is|are|will|has|have|had)|how (?:long|old|many|much|often)"
    r"|what (?:date|day|month|year|time))\b",
    re.IGNORECASE,
)


class Cues(NamedTuple):
    """A question taken apart: search terms without the speakers' names, who is named, which time."""

    terms: tuple[str, ...]
    named: frozenset[int]  # hashes of the bank's speakers that the question names
    span: MentionedTime | None
    asks_when: bool
    relative: EventTime | None = None  # a time told from an event: "the day before her birthday"
    event: tuple[str, ...] = ()  # the event's search terms


def read(question: str, speakers: Mapping[str, int], now: datetime, zone: str) -> Cues:
    """Take a question apart. A speaker's name is a cue, not a search word."""
    found = _names(question)
    named = {name: number for name, number in speakers.items() if _is_among(name, found)}
    terms, relative = _terms(without_names(question, named)), first_event_time(question)
    event = _terms(without_names(relative.event, named)) if relative else ()
    span, asks_when = first_mentioned_time(question, now, zone), bool(WHEN.search(question))
    return Cues(terms, frozenset(named.values()), span, asks_when, relative if event else None, event)


def _terms(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.term for word in words(text)))


def without_names(question: str, speakers: Iterable[str]) -> str:
    """The question without the names of those of these speakers whom it names."""
    found = _names(question)
    parts = {part.casefold() for name in speakers if _is_among(name, found) for part in NAME.findall(name)}
    return (
        POSSESSIVE.sub("", NAME.sub(lambda m: "" if m[0].casefold() in parts else m[0], question))
        if parts
        else question
    )


def is_named(speaker: str, question: str) -> bool:
    """Whether the question names a speaker, by the whole name or its first part."""
    return _is_among(speaker, _names(question))


class _Names(NamedTuple):
    """What may be a name in a question: as it is written, and in lower case."""

    written: frozenset[str]
    folded: frozenset[str]


def _names(question: str) -> _Names:
    found = NAME.findall(question)
    return _Names(frozenset(found), frozenset(map(str.casefold, found)))


def _is_among(speaker: str, found: _Names) -> bool:
    if speaker.casefold() in NOBODY:
        return False
    first = NAME.search(speaker)
    if first is None or len(first[0]) < 2:
        return False
    if first[0].casefold() in STOP_WORDS:
        return first[0] in found.written and first[0][0].isupper()
    return first[0].casefold() in found.folded
