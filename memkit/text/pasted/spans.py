"""Spans of a turn: what its speaker says in their own words, and what is pasted.

Pasted are code, quoted lines, forwarded mail, data, logs, stack traces, transcripts, verse, and texts that are handed
in to be worked on. Each form is looked for in what the forms before it left.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from memkit.text.pasted.announced import announced_texts
from memkit.text.pasted.lines import MASK_CHARACTER
from memkit.text.pasted.mail import mails, quoted_lines
from memkit.text.pasted.material import code_marks, json_values, machine_lines, tables, transcripts
from memkit.text.pasted.verse import attributed_quotations, verses

SENTENCE_END_PATTERN = re.compile(r"\n|[.!?…。][\"'”’“»」)]*\s*$")
PASTED_MARK_PATTERN = re.compile(  # one of these is part of everything that is pasted
    r"[\n\t\"“”„«»「」:：?{}\[\]<>|#=;`~*_/\\$%^]|(?<!\w)['’‘]|[A-Z]{3}|-{3}|[^\x00-\u024F\u2010-\u2027\u2030-\u205E]"
)
Extent = tuple[int, int]
PASTED_FORMS: tuple[tuple[Callable[[str], Iterable[Extent]], re.Pattern[str]], ...] = (
    (code_marks, re.compile(r"[`~<\[]")),
    (json_values, re.compile(r"[\[{]")),
    (quoted_lines, re.compile(r"[>＞]|&gt;")),
    (mails, re.compile(r"[:：]|[-_=*—–]{2}")),
    (machine_lines, PASTED_MARK_PATTERN),
    (tables, re.compile(r"\n")),
    (transcripts, re.compile(r"\n")),
    (verses, re.compile(r"\n| / ")),
    (attributed_quotations, re.compile(r"\n")),
    (announced_texts, re.compile(r"[:：?]|\n[ \t]*\n")),
)  # each with a mark that is part of everything in that form, or beside it


class TextSpan(NamedTuple):
    """Part of a text, from `start` on, before `end` (characters)."""

    start: int
    end: int
    is_pasted: bool


def split_pasted(text: str) -> list[TextSpan]:
    """The spans of a text, in order; they cover it."""
    pasted: list[Extent] = []
    for form, mark in PASTED_FORMS:
        masked = _masked(text, pasted)
        if mark.search(masked):
            pasted = _united([*pasted, *form(masked)])
    spans: list[TextSpan] = []
    at = 0
    for start, end in pasted:
        spans += [TextSpan(at, start, False)] if start > at else []
        spans.append(TextSpan(start, end, True))
        at = end
    return [*spans, TextSpan(at, len(text), False)] if at < len(text) else spans


@lru_cache(maxsize=16)
def own_words(text: str) -> str:
    """A text without what is pasted: an ellipsis stands for a part of a sentence, an empty line for whole ones."""
    if not PASTED_MARK_PATTERN.search(text):
        return text
    return "".join(_shown(text, span) for span in split_pasted(text))


def _shown(text: str, span: TextSpan) -> str:
    part = text[span.start : span.end]
    if not span.is_pasted:
        return part
    is_inline = text[: span.start].rpartition("\n")[2].strip() != "" and not SENTENCE_END_PATTERN.search(part)
    return " … " if is_inline else "\n\n"


def _united(extents: Iterable[Extent]) -> list[Extent]:
    """Extents in order, those that touch as one."""
    united: list[Extent] = []
    for start, end in sorted(extents):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        elif start < end:
            united.append((start, end))
    return united


def _masked(text: str, extents: Iterable[Extent]) -> str:
    return "".join(_mask_pieces(text, extents))


def _mask_pieces(text: str, extents: Iterable[Extent]) -> Iterator[str]:
    at = 0
    for start, end in extents:
        yield text[at:start]
        yield "".join("\n" if character == "\n" else MASK_CHARACTER for character in text[start:end])
        at = end
    yield text[at:]
