"""Mentioned times: "in May", "last week", "on Thursday", "last summer" in a text, as intervals of whole days.

A date parser (dateparser, with the language fixed) is only asked after a cheap look for what could be one.
Seasons are the northern hemisphere's, of whole months: summer is June to August, and the winter of 2022
begins in December 2022.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from memkit.models import TimeUnit
from memkit.text.times.intervals import CALENDAR_UNITS, STRETCH_UNITS, UNIT_DAYS, Interval, day_away, month_start
from memkit.text.times.other_languages import times_in
from memkit.text.times.patterns import (
    DAY_NUMBER_PATTERN,
    FURTHER_PATTERN,
    MONTH_AND_YEAR_PATTERN,
    MONTH_PATTERN,
    OFFSET_PATTERN,
    RANGE_PATTERN,
    SEASON_MONTHS,
    WEEKDAY_NAMES,
    count_of,
    may_name_time,
    time_pattern,
)

PART_DAYS: dict[str, tuple[TimeUnit, int, int]] = {
    "early": ("early", 1, 11),
    "beginning": ("early", 1, 11),
    "start": ("early", 1, 11),
    "mid": ("mid", 11, 21),
    "middle": ("mid", 11, 21),
}  # first day, and the day after the last
NEAR_DAYS = {
    "the day before yesterday": -2,
    "yesterday": -1,
    "last night": -1,
    "tomorrow": 1,
    "the day after tomorrow": 2,
}
MONTH_COUNT = 12
CountedUnit = Literal["day", "week", "month", "year"]
SLACK_DAYS: dict[CountedUnit, int] = {
    "day": 0,
    "week": 3,
    "month": 10,
    "year": 90,
}  # days, about what is told as so many units away
Prefer = Literal["past", "future"]


class MentionedTime(NamedTuple):
    """An interval, the words that name it, and where they stand."""

    interval: Interval
    words: str
    at: tuple[int, int]
    language: str | None = None  # the stemmer of another language than English that tells it

    @property
    def start(self) -> datetime:
        return self.interval.start

    @property
    def end(self) -> datetime:
        return self.interval.end


def first_mentioned_time(
    text: str, now: datetime, zone: str, *, prefer: Prefer = "past", day_first: bool = False
) -> MentionedTime | None:
    """The first time that a text names, seen from `now`; `prefer` settles which Thursday, which May.

    `day_first`: whether 3/4 is the third of April.
    """
    local = now.astimezone(ZoneInfo(zone))
    for match in _matches(text):
        interval = read_time(match, local, prefer, day_first)
        if interval is not None:
            return MentionedTime(interval, text[match.start() : match.end()], match.span())
    return _only(list(_foreign_times(text, local, prefer)))


def _matches(text: str) -> Iterable[re.Match[str]]:
    """Words of English that name times, in order."""
    if not may_name_time(text):
        return ()
    further = FURTHER_PATTERN.search(text)
    if further:
        return [further]
    return time_pattern(small=True).finditer(text.lower()) if text.isascii() else time_pattern().finditer(text)


def _only(times: list[MentionedTime]) -> MentionedTime | None:
    """The first of these times; None where others of its unit are named, too, and each would leave out the rest."""
    alike = {time.interval for time in times if time.interval.unit == times[0].interval.unit}
    return times[0] if len(alike) == 1 else None


def _foreign_times(text: str, now: datetime, prefer: Prefer) -> Iterator[MentionedTime]:
    """Times told in another language than English."""
    for english, start, end, language in times_in(text):
        match = FURTHER_PATTERN.fullmatch(english) or time_pattern().fullmatch(english)
        interval = match and read_time(match, now, prefer, day_first=True)
        if interval is not None:
            yield MentionedTime(interval, text[start:end], (start, end), language)


def _further(match: re.Match[str], today: datetime, prefer: Prefer) -> Interval:
    """A unit beside the last or the next one, or a weekday of a week."""
    if not match["weekday"]:
        return _stepped(match["unit"].casefold(), -2 if match["side"].casefold() == "before last" else 2, today)
    named = match["week"].casefold()
    week = _stepped("week", -2 if "before" in named else 2, today) if "the" in named else _around(named, today, prefer)
    return _days(week.start + timedelta(days=WEEKDAY_NAMES.index(match["weekday"].casefold())))


def read_time(match: re.Match[str], now: datetime, prefer: Prefer, day_first: bool) -> Interval | None:
    """The interval of a match of `time_pattern()` or FURTHER_PATTERN, seen from `now` in its zone; None for no time."""
    kind = str(match.lastgroup)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if match.re is FURTHER_PATTERN:
            return _further(match, today, prefer)
        if kind == "recent":
            return _recent(match[kind].casefold(), now)
        if kind == "numeric":
            return _numeric(match[kind], today, prefer, day_first)
        return READERS_BY_GROUP[kind](match[kind].casefold(), today, prefer)
    except (ValueError, OverflowError):  # outside the years 1 to 9999
        return None


def _recent(phrase: str, now: datetime) -> Interval:
    """So many units up to now; days are whole, hours are not."""
    *counted, unit = phrase.removeprefix("the ").split()
    count, unit = count_of(" ".join(counted[1:]) or "the"), unit.removesuffix("s")
    if unit == "hour":
        return Interval(now - timedelta(hours=count), now + timedelta(seconds=1), "days")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = day_away(today, unit, -count)
    units: dict[str, TimeUnit] = {"month": "months", "year": "years"}
    return Interval(first, today + timedelta(days=1), units.get(unit, "days"))


def _numeric(phrase: str, today: datetime, prefer: Prefer, day_first: bool) -> Interval | None:
    """A day in numbers, with or without its year: 3/30, 30.3.2026; one number over 12 says which is the day."""
    first, second, *year = (int(number) for number in re.split(r"[/.]", phrase))
    is_day_first = first > MONTH_COUNT or (second <= MONTH_COUNT and (day_first or "." in phrase))
    day, month = (first, second) if is_day_first else (second, first)
    if year:
        return _days(today.replace(year=year[0] + (2000 if year[0] < 100 else 0), month=month, day=day))
    moment = today.replace(month=month, day=day)
    if (moment > today) == (prefer == "past") and moment != today:
        moment = moment.replace(year=today.year + (-1 if prefer == "past" else 1))
    return _days(moment)


def _near(phrase: str, today: datetime, prefer: Prefer) -> Interval:
    return _days(today + timedelta(days=NEAR_DAYS.get(phrase, 0)))


def _days(first: datetime, count: int = 1, unit: TimeUnit = "day") -> Interval:
    return Interval(first, first + timedelta(days=count), unit)


def _around(phrase: str, today: datetime, prefer: Prefer) -> Interval:
    word, *_, unit = phrase.split()
    if word not in ("last", "this", "next"):
        return _latest_weekend(today, prefer)
    return _stepped(unit, {"last": -1, "this": 0, "next": 1}[word], today)


def _stepped(unit: str, step: int, today: datetime) -> Interval:
    """The week, weekend, month or year so many units from the running one."""
    if unit == "week":
        return _week(today + timedelta(weeks=step))
    if unit == "weekend":
        return _weekend(today + timedelta(weeks=step))
    if unit == "month":
        return _months(month_start(today, step))
    return _months(today.replace(year=today.year + step, month=1, day=1), 12, "year")


def _week(day: datetime) -> Interval:
    return _days(day - timedelta(days=day.weekday()), 7, "week")


def _weekend(day: datetime) -> Interval:
    return _days(day + timedelta(days=5 - day.weekday()), 2, "weekend")


def _latest_weekend(today: datetime, prefer: Prefer) -> Interval:
    """The weekend that has begun last, or the first that hasn't ended."""
    back = timedelta(weeks=1 if prefer == "past" and today.weekday() < WEEKDAY_NAMES.index("saturday") else 0)
    return _weekend(today - back)


def _months(first: datetime, count: int = 1, unit: TimeUnit = "month") -> Interval:
    return Interval(first, month_start(first, count), unit)


def _year(phrase: str, today: datetime, prefer: Prefer) -> Interval:
    return _months(today.replace(year=int(phrase), month=1, day=1), 12, "year")


def _weekday(phrase: str, today: datetime, prefer: Prefer) -> Interval:
    word, name = phrase.split()
    ahead = (WEEKDAY_NAMES.index(name) - today.weekday()) % 7
    if word in ("last", "since") or (word in ("on", "until", "till") and prefer == "past"):
        ahead = ahead - 7 if ahead or word == "last" else 0
    elif word == "next":
        ahead = ahead or 7
    return _days(today + timedelta(days=ahead))


def _season(phrase: str, today: datetime, prefer: Prefer) -> Interval:
    """ "Last" has ended, "next" hasn't begun, "this" is the running one or this year's; others are the latest begun."""
    name = next(name for name in SEASON_MONTHS if name in phrase)
    named = re.search(r"\d{4}", phrase)
    first = today.replace(month=SEASON_MONTHS[name], day=1)
    if named:
        return _months(first.replace(year=int(named[0])), 3, "season")
    spans = [_months(month_start(first, 12 * step), 3, "season") for step in (-2, -1, 0, 1)]
    if phrase.startswith("last "):
        return [span for span in spans if span[1] <= today][-1]
    if phrase.startswith("next "):
        return next(span for span in spans if span[0] > today)
    if phrase.startswith("this ") and prefer == "past":
        running = next((span for span in spans if span[0] <= today < span[1]), None)
        return running or next(span for span in spans if span[0].year == today.year)
    if prefer == "future":
        return next(span for span in spans if span[1] > today)
    return [span for span in spans if span[0] <= today][-1]


def _part(phrase: str, today: datetime, prefer: Prefer) -> Interval | None:
    """A third of a month: its days 1 to 10, 11 to 20, or the rest."""
    word, month = re.split(r"[- ](?:of |in )?", phrase, maxsplit=1)
    month_interval = _point(month, today, prefer)
    if month_interval is None:
        return None
    unit, first, last = PART_DAYS.get(word, ("late", 21, 0))
    start, end, _ = month_interval
    return Interval(start.replace(day=first), start.replace(day=last) if last else end, unit)


def _named_month(phrase: str, today: datetime, prefer: Prefer) -> Interval | None:
    wanted: dict[str, Prefer] = {"last": "past", "next": "future"}
    word, _, rest = phrase.partition(" ")
    bare = re.fullmatch(MONTH_AND_YEAR_PATTERN, phrase)
    return _point(phrase if bare else rest, today, wanted.get(word, prefer))


def _week_of(phrase: str, today: datetime, prefer: Prefer) -> Interval | None:
    day = _point(re.sub(r"^week of (?:the )?", "", phrase), today, prefer)
    return _week(day[0]) if day else None


def _point(phrase: str, today: datetime, prefer: Prefer) -> Interval | None:
    """A day, a month or a year; None for a number that is no date by itself."""
    if re.fullmatch(DAY_NUMBER_PATTERN, phrase):
        return None
    if re.fullmatch(r"\d{4}", phrase):
        return _year(phrase, today, prefer)
    plain = re.sub(r"[.,]", " ", phrase).replace(" of ", " ")
    moment = _parsed(plain, today.replace(tzinfo=None), prefer)
    if moment is None:
        return None
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=today.tzinfo)
    return _months(month_start(start)) if re.fullmatch(MONTH_AND_YEAR_PATTERN, phrase) else _days(start)


def _range(phrase: str, today: datetime, prefer: Prefer) -> Interval | None:
    """An interval whose ends complete each other: "from 11 to 15 August 2023"; from May on, the next July."""
    match = RANGE_PATTERN.match(phrase)
    if match is None:
        return None
    first, last = _with_month(match[1], match[2]), _with_month(match[2], match[1])
    year = _year_of(last)
    start = _point(f"{first} {year}" if year and not _year_of(first) else first, today, prefer)
    end = start and _point(last if year else f"{last} {start[0].year}", today, prefer)
    if start and end and end[0] < start[0]:
        start, end = _reordered(first, last, start, end, today)
    return _stretch(start, end) if start and end and end.start >= start.start else None


def _stretch(first: Interval, last: Interval) -> Interval:
    """Stretch from the beginning of one to the end of the other, in the coarser of their units."""
    coarser = max((unit for unit in CALENDAR_UNITS if unit in (first.unit, last.unit)), key=CALENDAR_UNITS.index)
    return Interval(first.start, last.end, STRETCH_UNITS[coarser])


def _reordered(
    first: str, last: str, start: Interval, end: Interval, today: datetime
) -> tuple[Interval | None, Interval | None]:
    """An end without a year of its own belongs to the year before or after the other's."""
    if not _year_of(first) and _year_of(last):
        return _point(f"{first} {end[0].year - 1}", today, "past"), end
    return start, end if _year_of(last) else _point(f"{last} {start[0].year + 1}", today, "past")


def _year_of(phrase: str) -> str | None:
    year = re.search(r"\d{4}", phrase)
    return year[0] if year else None


def _with_month(phrase: str, other: str) -> str:
    month = re.search(MONTH_PATTERN, other)
    return f"{month[0]} {phrase}" if month and re.fullmatch(DAY_NUMBER_PATTERN, phrase) else phrase


def _counted(phrase: str, today: datetime, prefer: Prefer) -> Interval | None:
    """So many units ago, or ahead."""
    unit: CountedUnit = next(unit for unit in SLACK_DAYS if unit in phrase)
    count, sign = count_of(phrase.removeprefix("in ").rpartition(f" {unit}")[0]), -1 if phrase.endswith("ago") else 1
    day = day_away(today, unit, sign * count)
    named: TimeUnit = "vague" if "a few" in phrase else unit
    return _days(day - timedelta(days=SLACK_DAYS[unit]), 2 * SLACK_DAYS[unit] + 1, named)


def _offset(phrase: str, today: datetime, prefer: Prefer) -> Interval | None:
    """So many units before or after a date; "the week before" is the seven days that end there."""
    match = OFFSET_PATTERN.match(phrase)
    anchor = match and _point(match[4], today, prefer)
    if match is None or anchor is None:
        return None
    ahead = match[3] in ("after", "following")
    if match[2] in WEEKDAY_NAMES or match[2] == "weekend":
        return _nearest(match[2], anchor[0], ahead)
    unit: CountedUnit = next(unit for unit in SLACK_DAYS if unit == match[2])
    return _away(count_of(match[1].replace("last", "the")), match[1] in ("the", "last"), unit, anchor[0], ahead)


def _nearest(name: str, day: datetime, ahead: bool) -> Interval:
    number = 5 if name == "weekend" else WEEKDAY_NAMES.index(name)
    away = (number - day.weekday() - 1) % 7 + 1 if ahead else (number - day.weekday()) % 7 - 7
    nearest_day = day + timedelta(days=away)
    return _weekend(nearest_day) if name == "weekend" else _days(nearest_day)


def _away(count: int, whole: bool, unit: CountedUnit, day: datetime, ahead: bool) -> Interval:
    length = UNIT_DAYS[unit]
    if whole and unit != "day":
        return _days(day + timedelta(days=1 if ahead else -length), length, "days")
    centre = day + timedelta(days=count * length * (1 if ahead else -1))
    return _days(centre - timedelta(days=SLACK_DAYS[unit]), 2 * SLACK_DAYS[unit] + 1, unit)


READERS_BY_GROUP: dict[str, Callable[[str, datetime, Prefer], Interval | None]] = {
    "offset": _offset,
    "week": _week_of,
    "range": _range,
    "day": _point,
    "part": _part,
    "month": _named_month,
    "season": _season,
    "ago": _counted,
    "ahead": _counted,
    "near": _near,
    "around": _around,
    "weekday": _weekday,
    "year": _year,
}


@lru_cache(maxsize=4096)
def _parsed(phrase: str, today: datetime, prefer: Prefer) -> datetime | None:
    import dateparser

    settings: Any = {"RELATIVE_BASE": today, "PREFER_DATES_FROM": prefer, "PREFER_DAY_OF_MONTH": "first"}
    moment: datetime | None = dateparser.parse(phrase, languages=["en"], settings=settings)
    return moment
