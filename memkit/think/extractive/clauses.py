"""Clauses of a turn in which its speaker states something, and the times that they name."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from memkit.text.parts import without_media
from memkit.text.terms.tokens import asks
from memkit.text.times.dates import Prefer, first_mentioned_time
from memkit.text.times.intervals import STRETCH_UNITS, Interval
from memkit.text.times.patterns import WEEKDAY_PATTERN, time_pattern
from memkit.think.extractive.language import Language

SENTENCE_PATTERN = re.compile(r"(?:[^.!?\n]|[.](?=\w)|(?<=\b[A-HJ-Z])\.|(?<=\b(?:St|Dr|Mr|Ms))\.|(?<=\bMrs)\.)+[.!?…]*")
NOISE_PATTERN = re.compile(r"[^\w\s.,;:!?…'’\"“”()&+@#%$€£/–—-]+|[*_~`]+")
QUOTATION_PATTERN = re.compile(r"[\"“„«‹「『»]([^\"“”„«»‹›「」『』]*)[\"”“»›」』«]")
MAX_TITLE_WORDS = 5  # between quotation marks; more of them are speech
MAX_SENTENCE_WORDS = 200
MIN_QUESTION_WORDS = 3  # after a statement; fewer ask whether it is so (", right?")
ON_WEEKDAY_PATTERN = re.compile(rf"on {WEEKDAY_PATTERN}", re.IGNORECASE)
PREPOSITION_PATTERN = re.compile(
    r"(?:[\s,]*\b(?:on|in|at|since|from|by|before|until|till|for|during|around|this|the|back|early|late|of|about|around|roughly|over|just|almost|nearly)\b)+[\s,]*$",
    re.IGNORECASE,
)


WHOLE_STRETCH_PATTERN = re.compile(r"(?:from|since) ", re.IGNORECASE)
UNTIL_PATTERN = re.compile(r"\b(?:until|till)\b", re.IGNORECASE)


class Clause(NamedTuple):
    """A clause as it was said; `follows`: whether it may leave out the subject of the clause before."""

    text: str
    follows: bool


class TimedClause(NamedTuple):
    """A clause without the words that name a time, and those words with what leads to them."""

    text: str
    words: str
    leading: str

    @property
    def is_end(self) -> bool:
        """Whether the time is one until which something holds."""
        return bool(UNTIL_PATTERN.search(self.leading) or UNTIL_PATTERN.match(self.words))


class StatedTime(NamedTuple):
    """The interval that a statement's words name; `is_end`: whether it says until when something holds."""

    interval: Interval
    words: str
    is_end: bool

    @property
    def is_whole(self) -> bool:
        """Whether something holds from its beginning to its end: "from May to July"."""
        return self.interval.unit in STRETCH_UNITS.values() and bool(WHOLE_STRETCH_PATTERN.match(self.words))

    @property
    def bound(self) -> str:
        """Bound of something that holds: "until", "since", or "within", where it begins some time in it."""
        if self.is_end:
            return "until"
        return "within" if self.interval.unit in STRETCH_UNITS.values() else "since"


def split_sentences(text: str, language: Language) -> list[str]:
    """A text's sentences, without what pictures show; nothing where it is told as a joke."""
    text = without_media(text)
    if language.patterns["joke"].search(text):
        return []
    unquoted = QUOTATION_PATTERN.sub(_without_quotation, text.replace("’", "'"))
    plain = language.spelt(NOISE_PATTERN.sub(" ", unquoted))
    return [match[0].strip() for match in SENTENCE_PATTERN.finditer(plain) if match[0].strip()]


def _without_quotation(match: re.Match[str]) -> str:
    """Titles without their marks; an ellipsis for what somebody said word for word."""
    is_title = len(match[1].split()) <= MAX_TITLE_WORDS and not re.search(r"\b(?:I|you|we)\b", match[1])
    return match[1] if is_title else "…"


def is_statement(sentence: str, language: Language) -> bool:
    """Neither a question nor a demand, or one that comes after a statement ("I'm off to Rome, what should I see?")."""
    opened = without_opening(sentence, language)
    if len(sentence.split()) > MAX_SENTENCE_WORDS or language.patterns["questions"].match(opened):
        return False
    return not asks(sentence) or _ends_in_question(sentence, language)


def _ends_in_question(sentence: str, language: Language) -> bool:
    *_, (last, joint) = _pieces(sentence, language)
    asked = without_opening(last.rstrip("?! "), language)
    return bool(joint) and (
        language.patterns["questions"].match(asked) is not None or len(asked.split()) >= MIN_QUESTION_WORDS
    )


def without_opening(sentence: str, language: Language) -> str:
    """A sentence without what only opens it ("oh", "haha yes,")."""
    opening = language.patterns["openers"].match(sentence)
    rest = (sentence[opening.end() :] if opening else sentence).lstrip(" ,;:.-—–'")
    leading = language.patterns["leading"].match(rest)
    return rest[leading.end() :] if leading and not time_pattern().search(leading[0]) else rest


def split_clauses(sentence: str, language: Language) -> list[Clause]:
    """The clauses of a statement that state something themselves, without openers and fillers.

    They end where the sentence begins to tell what somebody else said or thought, or what is in doubt; a
    clause that begins with a doubt casts it on the whole sentence.
    """
    stated_clauses: list[Clause] = []
    pieces = [*_own_pieces(sentence, language)]
    for piece, joint in pieces[:-1] if asks(sentence) else pieces:
        doubt = language.patterns["doubt"].search(piece)
        text = without_opening(piece, language)
        if doubt is not None and (doubt.start() == 0 or language.patterns["doubt"].match(text)):
            return []
        if (
            doubt is not None
            or language.patterns["reported"].search(text)
            or language.patterns["questions"].match(text)
        ):
            return stated_clauses
        text = _asserted(text, language)
        if stated_clauses and time_pattern().fullmatch(with_english_times(text, language)):
            stated_clauses[-1] = stated_clauses[-1]._replace(text=f"{stated_clauses[-1].text} {text}")
        elif text:
            stated_clauses.append(Clause(text, bool(language.patterns["carrying"].search(joint))))
    return stated_clauses


def split_demands(sentence: str, language: Language) -> Iterator[str]:
    """The pieces of a sentence that may demand something, up to where it tells what somebody else said."""
    pieces = (without_opening(piece.rstrip(" .!?"), language) for piece, _ in _own_pieces(sentence, language))
    return takewhile(lambda piece: not language.patterns["reported"].search(piece), pieces)


def _own_pieces(sentence: str, language: Language) -> Iterator[tuple[str, str]]:
    """The pieces, without what somebody else does ("people who saw and | cheered me")."""
    others = False
    for piece, joint in _pieces(sentence, language):
        others = bool(language.patterns["carrying"].fullmatch(joint.strip())) and others
        if not others:
            yield piece, joint
            others = language.patterns["relative"].match(piece) is not None


def _pieces(sentence: str, language: Language) -> Iterator[tuple[str, str]]:
    """Pieces of a sentence between its connectors, each with the connector before it."""
    start, joint = 0, ""
    for cut in language.connectors.finditer(sentence):
        yield sentence[start : cut.start()].strip(), joint
        start, joint = cut.end(), cut[0]
    yield sentence[start:].strip(), joint


def _asserted(text: str, language: Language) -> str:
    """The clause up to where something begins that isn't stated, without fillers at its end."""
    below = language.patterns["subordinate"].search(text)
    asserted = text[: below.start()] if below else text
    return language.patterns["trailing"].sub("", asserted.rstrip(" .,!?;:-…'\"")).strip()


def without_time(text: str, language: Language) -> TimedClause:
    """The clause without the times that it names; the first of them stands beside it."""
    text = with_english_times(text, language)
    first, leading = "", ""
    for match in reversed([*time_pattern().finditer(text)]):
        left, right = text[: match.start()], text[match.end() :]
        if not right.startswith("'"):
            lead = PREPOSITION_PATTERN.search(left)
            before = left[: lead.start()] if lead else left
            first, leading = match[0], lead[0].strip() if lead else ""
            text = f"{before.rstrip(' ,')} {right.lstrip(' ,')}".strip()
    return TimedClause(text, first, leading)


def with_english_times(text: str, language: Language) -> str:
    """The clause with the names of times in English, which is what times are read in."""
    for form, english in language.file.dated:
        text = language.pattern(form).sub(english, text)
    return language.patterns["times"].sub(lambda m: language.dates[m[0].casefold()], text)


def stated_time(timed: TimedClause, at: datetime, zone: str, *, future: bool) -> StatedTime | None:
    """The time that a clause names, seen from when it was said. Who says "on Monday" doesn't mean this very day."""
    prefer: Prefer = "future" if future else "past"
    span = first_mentioned_time(timed.words, at, zone, prefer=prefer) if timed.words else None
    if span is not None and ON_WEEKDAY_PATTERN.match(timed.words) and span.start <= at < span.end:
        span = first_mentioned_time(timed.words, at + timedelta(days=1 if future else -1), zone, prefer=prefer)
    return span and StatedTime(span.interval.as_told, span.words, timed.is_end)


def time_phrase(time: StatedTime, language: Language, *, holds: bool = False) -> str:
    """A time as it is written into a sentence that stands alone, in the unit that was named; "" for a vague one.

    `holds`: whether what the sentence says is so from that time on.
    """
    shown, interval = language.file.shown, time.interval
    bound = time.bound if (holds and not time.is_whole) or time.is_end else ""
    form = language.file.named.get(interval.unit)
    if form is None:
        return ""
    season = language.file.seasons[interval.start.month % 12 // 3]
    name = form.format(start=interval.start, last=interval.last, season=season)
    return shown.get(bound or interval.unit, shown["other"]).format(time=name)
