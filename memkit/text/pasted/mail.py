"""Quoted and forwarded mail: lines with marks, headers, and the line that says whose words follow."""

import re
from collections.abc import Iterator
from functools import cache

from memkit.text.pasted.lines import Line, lines
from memkit.text.pasted.vocabulary import joined

QUOTED_LINE_PATTERN = re.compile(r"[ \t]*(?:>+|＞|&gt;)(?![:;._=<)(/\d-])[^\n]*")
DATE_PATTERN = re.compile(r"\d{1,4}[./-]\d{1,2}|\b(?:19|20)\d{2}\b|\d{1,2}:\d{2}|@|<|\d年")
RULE_PATTERN = re.compile(r"\s*(?:[-_=*—–]{2,})\s*")
MIN_HEADER_LINES = 2


def quoted_lines(text: str) -> Iterator[tuple[int, int]]:
    """Lines marked as quoted, each run with the line above that says whose they are."""
    before: Line | None = None
    for line in lines(text):
        if QUOTED_LINE_PATTERN.fullmatch(line.text):
            yield (line.start if before is None or not _announces(before.text) else before.start), line.end
            continue
        before = line if line.text.strip() else before


def _announces(line: str) -> bool:
    return line.rstrip().endswith((":", "：")) and bool(_wrote_pattern().search(line))


def mails(text: str) -> Iterator[tuple[int, int]]:
    """The mail in a text: from its first header, a mark of forwarding, or "On 3 May, Tom wrote:" on, to the end."""
    run: list[Line] = []
    announcing: Line | None = None
    for line in (line for line in lines(text) if line.text.strip() or run):
        if announcing is not None and not QUOTED_LINE_PATTERN.fullmatch(line.text):
            yield announcing.start, len(text)
            return
        run = [*run, line] if _header_pattern().match(line.text) else []
        if _is_header(run) or _forwarded_pattern().fullmatch(line.text):
            yield (run or [line])[0].start, len(text)
            return
        announcing = line if _announces(line.text) and DATE_PATTERN.search(line.text) else None


def _is_header(run: list[Line]) -> bool:
    """Whether lines are a mail's headers: with an address or a subject, since journeys are "from" and "to", too."""
    subject = any(_subject_pattern().match(line.text) for line in run)
    return len(run) >= MIN_HEADER_LINES and (subject or any("@" in line.text for line in run))


@cache
def _header_pattern() -> re.Pattern[str]:
    return re.compile(rf"[ \t*_]*{joined('headers')}[*_ ]{{0,3}}[:：]", re.IGNORECASE)


@cache
def _subject_pattern() -> re.Pattern[str]:
    return re.compile(rf"[ \t*_]*{joined('subject')}[*_ ]{{0,3}}[:：]", re.IGNORECASE)


@cache
def _forwarded_pattern() -> re.Pattern[str]:
    rule = RULE_PATTERN.pattern
    named = joined("forwarded")
    return re.compile(rf"(?:{rule}{named}(?:{rule})?|{named}\s*[:：])", re.IGNORECASE)


@cache
def _wrote_pattern() -> re.Pattern[str]:
    return re.compile(rf"(?:(?<!\w)|(?<=[^\x00-\u2E7F])){joined('wrote')}[^:：\n]{{0,80}}[:：]\s*$", re.IGNORECASE)
