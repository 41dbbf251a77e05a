"""Verse (lyrics, poems) and quotations that name their author, told by their shape in any language."""

import re
from collections.abc import Callable, Iterator

from memkit.text.pasted.lines import Line, lines, paragraphs

MIN_VERSE_LINES = 4
MAX_VERSE_CHARS = 72  # of a line
MIN_RHYMING_SHARE = 0.5  # of the lines
MIN_COMMA_SHARE = 0.4
MAX_CLOSED_SHARE = 0.5  # of lines that end a sentence: a list of statements has more
NEAR_LINES = 3  # within which lines rhyme
MARKER_PATTERN = re.compile(
    r"\s*[\[(]?\s*(?:pre-?)?(?:chorus|refrain|verse|bridge|intro|outro|hook|strophe|couplet|estribillo|ritornello|refrão)"
    r"\b[^\]\n]{0,20}[\])]?:?\s*|.*[♪♫].*|.*\(x\s?\d\)\s*",
    re.IGNORECASE,
)
LIST_PATTERN = re.compile(r"\s*(?:[-*•–]|\d+[.)])\s")
MIN_STROKES = 3  # between verses on one line
AUTHOR_PATTERN = re.compile(r"\s*[—–-]{1,2}\s?[A-ZÀ-Þ][\w.'’-]+(?: (?:[a-z]{2,3} )?[A-ZÀ-Þ][\w.'’-]+){1,3}\s*")
SENTENCE_END_PATTERN = re.compile(r"[.!?…。]['\"”’)]*\s*$")
RHYME_PATTERN = re.compile(r"[^\W\d_]?[aeiouyàáâãäåèéêëìíîïòóôõöùúûüаеёиоуыэюяαεηιουω]+[^\W\d_aeiouy]*$", re.IGNORECASE)
SUFFIX_PATTERN = re.compile(r"(?:ing|ed|er|ly|ion|ions|es|en|ung)$")
LAST_WORD_PATTERN = re.compile(r"([^\W\d_]+)[^\w]*$")


def verses(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs of verse, and verses on one line with strokes between them."""
    yield from ((line.start, line.end) for line in lines(text) if line.text.count(" / ") >= MIN_STROKES)
    for paragraph in paragraphs(text):
        start = next((n for n, line in enumerate(paragraph) if _is_marker(line.text)), None)
        if start is not None and len(paragraph) > start + 1:
            yield paragraph[start].start, paragraph[-1].end
        elif _is_verse(paragraph):
            yield paragraph[0].start, paragraph[-1].end


def attributed_quotations(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs that end in a line with a dash and a full name."""
    for paragraph in paragraphs(text):
        if len(paragraph) > 1 and AUTHOR_PATTERN.fullmatch(paragraph[-1].text):
            yield paragraph[0].start, paragraph[-1].end


def _is_marker(line: str) -> bool:
    return len(line) <= MAX_VERSE_CHARS and MARKER_PATTERN.fullmatch(line) is not None


def _is_verse(paragraph: list[Line]) -> bool:
    """Whether lines are short, run on over their ends, and rhyme, return or pause there."""
    if len(paragraph) < MIN_VERSE_LINES or any(
        len(line.text) > MAX_VERSE_CHARS or LIST_PATTERN.match(line.text) for line in paragraph
    ):
        return False
    texts = [line.text.strip() for line in paragraph]
    if _share(texts, lambda text: bool(SENTENCE_END_PATTERN.search(text))) > MAX_CLOSED_SHARE:
        return False
    returns = len({text.casefold() for text in texts}) < len(texts)  # a refrain
    pauses = _share(texts, lambda text: text.endswith((",", ";", "，"))) >= MIN_COMMA_SHARE
    return returns or pauses or _rhyming_share(texts) >= MIN_RHYMING_SHARE


def _rhyming_share(texts: list[str]) -> float:
    words = [(_last_word(text), n) for n, text in enumerate(texts)]
    rhyming = [
        n
        for word, n in words
        if any(other != word and 0 < abs(n - m) <= NEAR_LINES and _rhyme(word, other) for other, m in words)
    ]
    return len(rhyming) / len(texts)


def _last_word(text: str) -> str:
    match = LAST_WORD_PATTERN.search(text)
    return match[1].casefold() if match else ""


def _rhyme(word: str, other: str) -> bool:
    """Whether two words end alike from their last vowel on; an ending of grammar is no rhyme by itself."""
    return bool(key := _rhyme_key(word)) and key == _rhyme_key(other)


def _rhyme_key(word: str) -> str:
    stem, suffix = word, ""
    if (ending := SUFFIX_PATTERN.search(word)) and ending.start() > 2:
        stem, suffix = word[: ending.start()], ending[0]
    match = RHYME_PATTERN.search(stem)
    if match is None:
        return ""
    key = match[0] if len(match[0]) <= 2 or suffix else match[0].lstrip("bcdfghjklmnpqrstvwxz")
    return key + suffix


def _share(texts: list[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, texts)) / len(texts)
