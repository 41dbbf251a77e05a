"""Lines and paragraphs of a text, with where they stand."""

import re
from collections.abc import Iterator
from typing import NamedTuple

MASK_CHARACTER = "\ufffc"  # stands for each character that was found to be pasted, line breaks aside
LINE_PATTERN = re.compile(r"[^\n]*\n|[^\n]+\Z")
MAX_LINE_CHARS = 400  # of a line are read: what a line is shows in its beginning, and patterns stay fast
BLANK_CHARACTERS = f"{MASK_CHARACTER} \t\r"


class Line(NamedTuple):
    """A line (its beginning, where it is long) and where it stands; `end` is behind its line break."""

    text: str
    start: int
    end: int


def lines(text: str) -> Iterator[Line]:
    """The lines of a text, without their line breaks."""
    matches = LINE_PATTERN.finditer(text)
    return (Line(match[0].rstrip("\r\n")[:MAX_LINE_CHARS], *match.span()) for match in matches)


def paragraphs(text: str) -> Iterator[list[Line]]:
    """Runs of lines between those that are empty or masked."""
    run: list[Line] = []
    for line in lines(text):
        if line.text.strip(BLANK_CHARACTERS):
            run.append(line)
        elif run:
            yield run
            run = []
    if run:
        yield run
