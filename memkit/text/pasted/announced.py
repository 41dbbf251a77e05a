"""Texts that a turn announces: handed in for work ("Translate into French:", "My essay:"), or somebody's words."""

import re
from collections.abc import Iterator
from functools import cache

from memkit.text.pasted.lines import MASK_CHARACTER
from memkit.text.pasted.vocabulary import joined

SENTENCE_START = r"(?:^|(?<=[.!?…\n]\s)|(?<=[.!?…]))[ \t]*"
COLON_FORM = r"\s?[:：](?=\s|[\"“„«'‘「]|[^\x00-\u2E7F]|$)"
GAP_FORM = r"[ \t]*(?=\n[ \t]*\n)"  # a line of its own, with an empty one below, announces without a colon
TRAILING_FORM = (
    r"(?: (?:that|which|i|we|he|she|they|it|from|for|of|to|by|below|so far|says?|goes|reads?|in|with|about|attached"
    r"|here|again|die|den|das|von|für|aus|unten|an)\b(?: [\w'’.,-]+){0,7})?"
)
CLOSING_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "‘": "’", "「": "」", "'": "'", "»": "«"}
RULE_PATTERN = re.compile(r"[ \t]*(?P<rule>-{3,}|\*{3,}|_{3,}|={3,}|\"{3}|'{3}|<{3,}|#{3,})[ \t]*\n")
PARAGRAPH_PATTERN = re.compile(r"\n[ \t]*\n\s*")
ADDRESS_PATTERN = re.compile(r"\s*\S+@\S+")
MIN_WORDS = 3  # fewer are a value ("my favourite text: Ulysses")
ENDED_LEAD_PATTERN = re.compile(r"[:：]|\n[ \t]*\n")  # what ends a lead that is no question
FOLLOWED_QUESTION_PATTERN = re.compile(r"\?\s+\S+\s+\S+\s+\S")
SHOWING_PATTERN = re.compile(r"\b(?:this|these|following|my|dies|folgend|mein)", re.IGNORECASE)  # in each such question


def announced_texts(text: str) -> Iterator[tuple[int, int]]:
    """Texts after a colon that hands them in, in order. What is pasted by its shape is masked in the given text."""
    if not _may_announce(text):
        return
    at = 0
    while (lead := _lead_pattern().search(text, at)) is not None:
        end = _end(text, lead)
        if end is not None:
            yield lead.end(), end
        at = max(lead.end(), end or 0)


def _may_announce(text: str) -> bool:
    """Whether a text holds what ends a lead; most don't, and are read no further."""
    is_asking = FOLLOWED_QUESTION_PATTERN.search(text) is not None and SHOWING_PATTERN.search(text) is not None
    return is_asking or ENDED_LEAD_PATTERN.search(text) is not None


def _end(text: str, lead: re.Match[str]) -> int | None:
    """End of the text that begins after a lead; None where there is none."""
    rest = text[lead.end() :]
    content = rest.lstrip()
    if not content or content.startswith(MASK_CHARACTER) or len(content.split(maxsplit=MIN_WORDS)) < MIN_WORDS:
        return None
    if lead.lastgroup == "document" and ADDRESS_PATTERN.match(content):
        return None
    start = lead.end() + len(rest) - len(content)
    whole = lead.lastgroup != "says" and ("\n" in text[lead.end() : start] or not _short_pattern().search(lead[0]))
    return start + _length(content, whole=whole)


def _length(content: str, *, whole: bool) -> int:
    """Length of a handed-in text: between marks, else its paragraph, and (`whole`) those up to the speaker's return."""
    closing = CLOSING_QUOTES.get(content[0])
    closed = content.find(closing, 1) if closing else -1
    if closed > 0:
        return closed + 1
    if rule := RULE_PATTERN.match(content):
        again = content.find(f"\n{rule['rule']}", rule.end())
        return again + 1 + len(rule["rule"]) if again > 0 else len(content)
    return _paragraphs_length(content, whole=whole)


def _paragraphs_length(content: str, *, whole: bool) -> int:
    first = PARAGRAPH_PATTERN.search(content)
    whole = whole or (first is not None and content[: first.start()].rstrip().endswith(","))  # "Dear Tom,"
    for gap in PARAGRAPH_PATTERN.finditer(content):
        if not whole or _return_pattern().match(content, gap.end()):
            return gap.start()
    return len(content)


@cache
def _lead_pattern() -> re.Pattern[str]:
    asking = rf"(?:{joined('asking')}[\s,]+)*"
    working = rf"{asking}{joined('working')}(?!\w)[^.!?\n:：]{{0,80}}"
    document = rf"(?![^:\n]{{0,60}}\bfav)(?:{joined('possessed')}){joined('document')}(?!\w){TRAILING_FORM}"
    shown = rf"(?:here|this|below|attached|hier|voici)\b[^.!?:\n]{{0,60}}\b{joined('document')}(?!\w)[^.!?:\n]{{0,40}}"
    questioned = rf"{asking}{joined('questioning')}(?!\w)[^.!?:\n]{{0,40}}\?"
    says = rf"(?:(?:and|but|so|then|yesterday|today|und|aber|dann)[\s,]+)*{joined('says')}"
    return re.compile(
        rf"{SENTENCE_START}(?:(?P<working>{working})(?:{COLON_FORM}|[.?!]?{GAP_FORM})"
        rf"|(?P<document>{document})(?:{COLON_FORM}|{GAP_FORM})|(?P<shown>{shown})[.!]{GAP_FORM}"
        rf"|(?P<says>{says}){COLON_FORM}|(?P<questioned>{questioned})(?=\s))",
        re.IGNORECASE | re.MULTILINE,
    )


@cache
def _short_pattern() -> re.Pattern[str]:
    """Leads to a text that has one paragraph, where it stands on the same line."""
    return re.compile(rf"\b{joined('short')}\b", re.IGNORECASE)


@cache
def _return_pattern() -> re.Pattern[str]:
    """Openings of paragraphs in which the speaker speaks again, and remarks in them that they do."""
    return re.compile(
        rf"[ \t]*[(\[]?(?:{joined('returning')}|[^\n]{{0,200}}\b{joined('remarking')}\b)",
        re.IGNORECASE,
    )
