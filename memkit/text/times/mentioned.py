"""Mentioned times of a turn: every time that its own words name, resolved against its own date by the tense around it.

"On Thursday" is the one that is past in "we met on Thursday", the coming one in "we meet on Thursday". Beside the times
that questions name there are those of told plans: a weekday or a day of the month alone, the first weekend of May.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from memkit.text.parts import SENTENCE_END_PATTERN, without_recalled
from memkit.text.pasted.spans import own_words
from memkit.text.times.dates import read_time
from memkit.text.times.intervals import Interval, month_start
from memkit.text.times.patterns import (
    DATED_PATTERN,
    MONTH_AND_YEAR_PATTERN,
    NUMBER_NAMES,
    WEEKDAY_NAMES,
    WEEKDAY_PATTERN,
    may_name_time,
    time_pattern,
)
from memkit.text.times.tenses import Tense, tense_of

MAX_TIMES = 16  # of one turn
MAX_SENTENCES = 200  # of a turn, that are read
ORDINAL_NAMES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
PLACED_PATTERN = re.compile(
    rf"\b(?:the )?(?:(?P<one>{'|'.join(ORDINAL_NAMES[:4])}|last) (?P<unit>weekend|week|{WEEKDAY_PATTERN})"
    rf"|(?P<end>first|last) (?P<count>{'|'.join(NUMBER_NAMES[1:])}|\d) (?P<many>days|weeks|weekends)"
    rf"|(?P<nth>{'|'.join(ORDINAL_NAMES)})) (?:of|in) (?P<month>{MONTH_AND_YEAR_PATTERN})",
    re.IGNORECASE,
)
BEFORE_A_DAY = "".join(rf"|(?<=\b{word} the )" for word in ("on", "by", "to", "until", "till", "for", "from"))[1:]
NO_DAY_FORM = r"(?! (?:time|century|floor|row|grade|place|year|birthday|edition|street|avenue|anniversary|of)\b)"
BARE_PATTERN = re.compile(
    rf"\b(?P<weekday>{WEEKDAY_PATTERN})(?!s\b|{DATED_PATTERN})"
    rf"|(?:{BEFORE_A_DAY})(?P<day>\d{{1,2}})(?:st|nd|rd|th)\b{NO_DAY_FORM}",
    re.IGNORECASE,
)
HABIT_PATTERN = re.compile(r"\b(?:every|each|most|any|some|on)(?: other)? $", re.IGNORECASE)
CLAUSE_END_PATTERN = re.compile(
    r"[;:–—]\s|,\s+(?:and|but|so|then|because|while)\b|\s(?:but|because|while)\s", re.IGNORECASE
)


class DatedClause(NamedTuple):
    """A clause of a turn, the time that it names, and whether it speaks of what is past or of what is to come."""

    interval: Interval
    clause: str
    sentence: str
    tense: Tense
    place: int  # in the clause, where the time is named


def timed_clauses(text: str, at: datetime, zone: str, *, day_first: bool = False) -> list[DatedClause]:
    """Clauses of a turn's own words that name a time, in order; at most 16. `at`: when it was said."""
    if not may_name_time(text):
        return []
    own = own_words(without_recalled(text))
    sentences = [part for part in SENTENCE_END_PATTERN.split(own) if may_name_time(part)][:MAX_SENTENCES]
    local = at.astimezone(ZoneInfo(zone))
    dated = [timed for sentence in sentences for timed in _clauses(sentence, local, day_first)]
    return dated[:MAX_TIMES]


def without_times(sentence: str) -> str:
    """A sentence without the words that name times."""
    for match in reversed(_matches(sentence)):
        sentence = f"{sentence[: match.start()]} {sentence[match.end() :]}"
    return sentence


def _clauses(sentence: str, local: datetime, day_first: bool) -> Iterator[DatedClause]:
    for start, end in _extents(sentence):
        clause = sentence[start:end]
        for match in _matches(clause):
            tense = tense_of(clause, match.start())
            interval = _interval_or_none(match, local, tense, day_first)
            if interval is not None:
                yield DatedClause(interval, clause, sentence.strip(), tense, match.start())


def _extents(sentence: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in CLAUSE_END_PATTERN.finditer(sentence):
        yield start, match.start()
        start = match.start()
    yield start, len(sentence)


def _matches(clause: str) -> list[re.Match[str]]:
    """Times by their words, in order; a longer form leaves nothing of it to the others."""
    matches: list[re.Match[str]] = []
    for pattern in (PLACED_PATTERN, time_pattern(), BARE_PATTERN):
        free = [m for m in pattern.finditer(clause) if not any(_overlap(m, other) for other in matches)]
        matches += [m for m in free if pattern is not BARE_PATTERN or not HABIT_PATTERN.search(clause[: m.start()])]
    return sorted(matches, key=lambda match: match.start())


def _overlap(match: re.Match[str], other: re.Match[str]) -> bool:
    return match.start() < other.end() and other.start() < match.end()


def _interval_or_none(match: re.Match[str], local: datetime, tense: Tense, day_first: bool) -> Interval | None:
    try:
        return _interval(match, local, tense, day_first)
    except (ValueError, OverflowError):  # outside the years 1 to 9999
        return None


def _interval(match: re.Match[str], local: datetime, tense: Tense, day_first: bool) -> Interval | None:
    if match.re is PLACED_PATTERN:
        return _placed(match, local, tense)
    if match.re is BARE_PATTERN:
        return _bare(match, local, tense)
    if match.lastgroup == "weekday" and tense == "past" and match[0].casefold().startswith("this "):
        return _weekday(match[0].split()[1].casefold(), local, tense)
    interval = read_time(match, local, tense, day_first)
    return _unended(interval, local) if interval is not None and not re.search(r"\d{4}", match[0]) else interval


def _unended(interval: Interval, local: datetime) -> Interval:
    """The running month where one without a year is to come and this one hasn't ended."""
    if interval.unit != "month" or (interval.start.month, interval.start.year) != (local.month, local.year + 1):
        return interval
    return Interval(month_start(_midnight(local)), month_start(_midnight(local), 1), "month")


def _bare(match: re.Match[str], local: datetime, tense: Tense) -> Interval | None:
    if match["weekday"]:
        return _weekday(match["weekday"].casefold(), local, tense)
    return _day_of_month(int(match["day"]), local, tense)


def _weekday(name: str, local: datetime, tense: Tense) -> Interval:
    ahead = (WEEKDAY_NAMES.index(name) - local.weekday()) % 7
    return _days(_midnight(local) + timedelta(days=ahead - 7 if ahead and tense == "past" else ahead))


def _day_of_month(number: int, local: datetime, tense: Tense) -> Interval | None:
    """The latest day of that number, or the next; in a month that has it."""
    for step in range(0, -3, -1) if tense == "past" else range(3):
        first = month_start(_midnight(local), step)
        if 1 <= number <= monthrange(first.year, first.month)[1]:
            day = first.replace(day=number)
            if (day <= local) if tense == "past" else (day >= _midnight(local)):
                return _days(day)
    return None


def _placed(match: re.Match[str], local: datetime, tense: Tense) -> Interval | None:
    """A day, week, weekend or weekday by its number in a month; the first or the last of its days and weeks."""
    month = time_pattern().search(f"in {match['month']}")
    whole = None if month is None else _interval(month, local, tense, day_first=False)
    if whole is None:
        return None
    if match["end"]:
        return _edge(match, whole)
    if match["nth"]:
        return _days(whole.start + timedelta(days=ORDINAL_NAMES.index(match["nth"].casefold())))
    starts = _starts(match["unit"].casefold(), whole)
    place = -1 if match["one"].casefold() == "last" else ORDINAL_NAMES.index(match["one"].casefold())
    length = {"week": 7, "weekend": 2}.get(match["unit"].casefold(), 1)
    return Interval(starts[place], starts[place] + timedelta(days=length), "day" if length == 1 else "days")


def _starts(unit: str, month: Interval) -> Sequence[datetime]:
    """Days of a month on which its weeks (of seven days, the last one ends it), weekends or weekdays begin."""
    days = [month.start + timedelta(days=n) for n in range((month.last - month.start).days + 1)]
    if unit == "week":
        return [*days[:28:7][:4], month.end - timedelta(days=7)] if len(days) > 28 else days[::7]
    number = WEEKDAY_NAMES.index("saturday" if unit == "weekend" else unit)
    return [day for day in days if day.weekday() == number]


def _edge(match: re.Match[str], month: Interval) -> Interval:
    count = match["count"].casefold()
    number = int(count) if count.isdecimal() else NUMBER_NAMES.index(count) + 1
    length = timedelta(days=min(number * (1 if match["many"].casefold() == "days" else 7), 28))
    if match["end"].casefold() == "first":
        return Interval(month.start, month.start + length, "days")
    return Interval(month.end - length, month.end, "days")


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(day: datetime) -> Interval:
    return Interval(day, day + timedelta(days=1), "day")
