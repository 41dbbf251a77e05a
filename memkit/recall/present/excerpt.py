"""Excerpts of long texts: around the place where a question's words stand, not the beginning of the text."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from memkit.text.terms.language import language_of
from memkit.text.terms.tokens import Word, words

SPACE_PATTERN = re.compile(r"\s")
WINDOW_CHARS = 300  # in which a question's words stand together
BORDER_CHARS = 24  # so far an end is moved to where a word ends


class TermWindow(NamedTuple):
    """Part of a text, and which of a question's terms stand in it."""

    start: int
    end: int
    terms: list[str]


def matched_place(text: str, terms: Collection[str], within: int = WINDOW_CHARS) -> int | None:
    """The middle of the part of a text that holds most of these terms, the rarer in the text the more; or None.

    The part has at most `within` characters.
    """
    every = words(text, language_of(text)) if terms else []
    matches = [word for word in every if not {word.term, *word.beside}.isdisjoint(terms)]
    if not matches:
        return None
    counts = Counter(word.term for word in matches)
    best = max(_windows(matches, within), key=lambda window: sum(1 / counts[term] for term in window.terms))
    return (best.start + best.end) // 2


def excerpt_span(text: str, place: int, length: int) -> tuple[int, int]:
    """Start and end of a part of a text, at most so many characters around a place; words stay whole."""
    start = max(0, min(place - length // 2, len(text) - length))
    end = min(len(text), start + length)
    if start and (space := SPACE_PATTERN.search(text, start - 1, min(start + BORDER_CHARS, end))):
        start = space.end()
    spaces = [match.start() for match in SPACE_PATTERN.finditer(text, max(start, end - BORDER_CHARS), end + 1)]
    return start, spaces[-1] if spaces and end < len(text) else end


def _windows(matches: Sequence[Word], within: int) -> Iterator[TermWindow]:
    """The part that begins with each match; one pass, however often a text repeats a word."""
    inside: Counter[str] = Counter()
    after = 0
    for first in matches:
        while after < len(matches) and matches[after].start < first.start + within:
            inside[matches[after].term] += 1
            after += 1
        yield TermWindow(first.start, matches[after - 1].end, [term for term, count in inside.items() if count])
        inside[first.term] -= 1
