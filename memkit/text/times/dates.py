"""Times that a text names: "in May", "last week", "on Thursday", "last summer", as spans of whole days.

A date parser (dateparser, with the language fixed) is only asked after a cheap look for what could be one.
Seasons are the northern hemisphere's, of whole months: summer is June to August, and the winter of 2022
begins in December 2022.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
SHORT = "feb|apr|jul|aug|sept|oct|nov|dec"  # abbreviations that are no other word
PLAIN_MONTH = rf"(?:(?:{MONTHS})\b|(?:{SHORT})\b\.?)"
MONTH = rf"(?:(?:{MONTHS})\b|(?:{SHORT}|jan|mar|jun|sep)\b\.?)"  # beside a day or a year
YEAR = r"(?:(?:,? |,)\d{4}\b)"
DAY = (
    rf"(?:\d{{4}}-\d{{2}}-\d{{2}}\b|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}{YEAR}?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b{YEAR}?)"
)
POINT = rf"(?:{DAY}|{MONTH}{YEAR}?|(?:19|20)\d{{2}}\b)"
NUMBER = rf"\d{{1,2}}(?:st|nd|rd|th)?\b{YEAR}?"
TO = "(?:and|to|until|till|through)"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)})"
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNTS = {"a couple of": 2, "a few": 3, "a": 1, "an": 1, **{word: n for n, word in enumerate(NUMBERS, 1)}}
COUNT = rf"(?:\d{{1,4}}|{'|'.join(COUNTS)})"
UNIT = "(?:day|week|month|year)s?"
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # the month that each begins with
SEASON = rf"(?:{'|'.join(SEASONS)})"
BOUNDS = {"early": (1, 11), "beginning": (1, 11), "start": (1, 11), "mid": (11, 21), "middle": (11, 21)}  # days
HINT = re.compile(
    rf"\b(?P<offset>(?:the|last|{COUNT}) (?:{UNIT}|weekend|{WEEKDAY})"
    rf" (?:before|prior to|after|following) (?:the )?{DAY})"
    rf"|\b(?P<week>week of (?:the )?{DAY})"
    rf"|\b(?P<range>(?:between|from) (?:the )?"
    rf"(?:{POINT} {TO} (?:the )?(?:{POINT}|{NUMBER})|{NUMBER} {TO} (?:the )?{DAY}))"
    rf"|\b(?P<day>{DAY})"
    rf"|\b(?P<part>(?:early|mid|late)[- ](?:in )?{MONTH}{YEAR}?|(?:beginning|start|middle|end) of {MONTH}{YEAR}?)"
    rf"|\b(?P<month>(?:in|during|since|until|of|last|next|this) {PLAIN_MONTH}{YEAR}?|{MONTH}{YEAR})"
    rf"|\b(?P<season>(?:(?:last|next|this)|(?:in|during|over|since|for)(?: the)?) {SEASON}\b"
    r"(?:(?: of|,)? (?:19|20)\d{2}\b)?"
    rf"|{SEASON}(?: of|,)? (?:19|20)\d{{2}}\b)"
    rf"|\b(?P<ago>{COUNT} {UNIT} ago)\b"
    rf"|\b(?P<ahead>in {COUNT} {UNIT})\b"
    r"|\b(?P<near>the day (?:before yesterday|after tomorrow)|yesterday|today|tonight"
    r"|tomorrow|last night|this morning)\b"
    rf"|\b(?P<around>(?:last|this|next) (?:week|weekend|month|year))\b"
    rf"|\b(?P<weekday>(?:on|last|next|this) {WEEKDAY})\b"
    r"|\b(?:in|during|since|of) (?P<year>(?:19|20)\d{2})\b(?![-.,/:]?\d)",
    re.IGNORECASE,
)
RANGE = re.compile(rf"^(?:between|from) (?:the )?(.+?) {TO} (?:the )?(.+)$")
OFFSET = re.compile(r"^(the|last|.+?) (\w+?)s? (before|prior to|after|following) (?:the )?(.+)$")
NEAR = {"the day before yesterday": -2, "yesterday": -1, "last night": -1, "tomorrow": 1, "the day after tomorrow": 2}
SLACK = {"day": 0, "week": 3, "month": 10, "year": 90}  # days, about what is told as so many units away
Prefer = Literal["past", "future"]
Found = tuple[datetime, datetime, str]


class Span(NamedTuple):
    """From the day `start` on, before the day `end`; the words that say so, and where they stand.

    `unit`: day, week, weekend, month, season or year; "range" for any other stretch of days.
    """

    start: datetime
    end: datetime
    words: str
    at: tuple[int, int]
    unit: str


def first_span(text: str, now: datetime, zone: str, *, prefer: Prefer = "past") -> Span | None:
    """The first time that a text names, seen from `now`; `prefer` settles which Thursday, which May."""
    for match in HINT.finditer(text):
        found = _read(match, now.astimezone(ZoneInfo(zone)), prefer)
        if found is not None:
            start, end, unit = found
            return Span(start, end, match[0], match.span(), unit)
    return None


def _read(match: re.Match[str], now: datetime, prefer: Prefer) -> Found | None:
    kind = str(match.lastgroup)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return READERS[kind](match[kind].casefold(), today, prefer)
    except (ValueError, OverflowError):  # outside the years 1 to 9999
        return None


def count_of(words: str) -> int:
    """How many "a few", "two" or "12" are; "the" is one."""
    return int(words) if words.isdecimal() else COUNTS.get(words, 1)


def _near(phrase: str, today: datetime, prefer: Prefer) -> Found:
    return _days(today + timedelta(days=NEAR.get(phrase, 0)))


def _days(first: datetime, count: int = 1, unit: str = "day") -> Found:
    return first, first + timedelta(days=count), unit


def _around(phrase: str, today: datetime, prefer: Prefer) -> Found:
    word, unit = phrase.split()
    step = {"last": -1, "this": 0, "next": 1}[word]
    if unit == "week":
        return _week(today + timedelta(weeks=step))
    if unit == "weekend":
        return _weekend(today + timedelta(weeks=step))
    if unit == "month":
        return _months(_month(today, step))
    return _year(str(today.year + step), today, prefer)


def _week(day: datetime) -> Found:
    return _days(day - timedelta(days=day.weekday()), 7, "week")


def _weekend(day: datetime) -> Found:
    return _days(day + timedelta(days=5 - day.weekday()), 2, "weekend")


def _month(moment: datetime, step: int = 0) -> datetime:
    months = moment.year * 12 + moment.month - 1 + step
    return moment.replace(year=months // 12, month=months % 12 + 1, day=1)


def _months(first: datetime, count: int = 1, unit: str = "month") -> Found:
    return first, _month(first, count), unit


def _year(phrase: str, today: datetime, prefer: Prefer) -> Found:
    return _months(today.replace(year=int(phrase), month=1, day=1), 12, "year")


def _weekday(phrase: str, today: datetime, prefer: Prefer) -> Found:
    word, name = phrase.split()
    ahead = (WEEKDAYS.index(name) - today.weekday()) % 7
    if word == "last" or (word == "on" and prefer == "past"):
        ahead = ahead - 7 if ahead or word == "last" else 0
    elif word == "next":
        ahead = ahead or 7
    return _days(today + timedelta(days=ahead))


def _season(phrase: str, today: datetime, prefer: Prefer) -> Found:
    """ "Last" has ended, "next" hasn't begun; "the summer" is the latest begun, or the first not yet ended."""
    name = next(name for name in SEASONS if name in phrase)
    named = re.search(r"\d{4}", phrase)
    first = today.replace(month=SEASONS[name], day=1)
    if named:
        return _months(first.replace(year=int(named[0])), 3, "season")
    spans = [_months(_month(first, 12 * step), 3, "season") for step in (-2, -1, 0, 1)]
    if phrase.startswith("last "):
        return [span for span in spans if span[1] <= today][-1]
    if phrase.startswith("next "):
        return next(span for span in spans if span[0] > today)
    if phrase.startswith("this ") or prefer == "future":
        return next(span for span in spans if span[1] > today)
    return [span for span in spans if span[0] <= today][-1]


def _part(phrase: str, today: datetime, prefer: Prefer) -> Found | None:
    """A third of a month: its days 1 to 10, 11 to 20, or the rest."""
    word, month = re.split(r"[- ](?:of |in )?", phrase, maxsplit=1)
    found = _point(month, today, prefer)
    if found is None:
        return None
    first, last = BOUNDS.get(word, (21, 0))
    return found[0].replace(day=first), found[0].replace(day=last) if last else found[1], "range"


def _named_month(phrase: str, today: datetime, prefer: Prefer) -> Found | None:
    wanted: dict[str, Prefer] = {"last": "past", "next": "future"}
    word, _, rest = phrase.partition(" ")
    bare = re.fullmatch(rf"{MONTH}{YEAR}?", phrase)
    return _point(phrase if bare else rest, today, wanted.get(word, prefer))


def _week_of(phrase: str, today: datetime, prefer: Prefer) -> Found | None:
    found = _point(re.sub(r"^week of (?:the )?", "", phrase), today, prefer)
    return _week(found[0]) if found else None


def _point(phrase: str, today: datetime, prefer: Prefer) -> Found | None:
    """A day, a month or a year; None for a number that is no date by itself."""
    if re.fullmatch(NUMBER, phrase):
        return None
    if re.fullmatch(r"\d{4}", phrase):
        return _year(phrase, today, prefer)
    plain = re.sub(r"[.,]", " ", phrase).replace(" of ", " ")
    moment = _parsed(plain, today.replace(tzinfo=None), prefer)
    if moment is None:
        return None
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=today.tzinfo)
    return _months(_month(start)) if re.fullmatch(rf"{MONTH}{YEAR}?", phrase) else _days(start)


def _range(phrase: str, today: datetime, prefer: Prefer) -> Found | None:
    """What one end leaves out, the other tells: "from 11 to 15 August 2023"; from May on, the next July."""
    match = RANGE.match(phrase)
    if match is None:
        return None
    first, last = _with_month(match[1], match[2]), _with_month(match[2], match[1])
    year = _year_of(last)
    start = _point(f"{first} {year}" if year and not _year_of(first) else first, today, prefer)
    end = start and _point(last if year else f"{last} {start[0].year}", today, prefer)
    if start and end and end[0] < start[0]:
        start, end = _reordered(first, last, start, end, today)
    return (start[0], end[1], "range") if start and end and end[0] >= start[0] else None


def _reordered(first: str, last: str, start: Found, end: Found, today: datetime) -> tuple[Found | None, Found | None]:
    """An end without a year of its own belongs to the year before or after the other's."""
    if not _year_of(first) and _year_of(last):
        return _point(f"{first} {end[0].year - 1}", today, "past"), end
    return start, end if _year_of(last) else _point(f"{last} {start[0].year + 1}", today, "past")


def _year_of(phrase: str) -> str | None:
    found = re.search(r"\d{4}", phrase)
    return found[0] if found else None


def _with_month(phrase: str, other: str) -> str:
    month = re.search(MONTH, other)
    return f"{month[0]} {phrase}" if month and re.fullmatch(NUMBER, phrase) else phrase


def _counted(phrase: str, today: datetime, prefer: Prefer) -> Found | None:
    """So many units ago, or ahead."""
    unit = next(unit for unit in SLACK if unit in phrase)
    plain = phrase.replace("a few", "3").replace("a couple of", "2")
    moment = _parsed(plain, today.replace(tzinfo=None), prefer)
    if moment is None:
        return None
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=today.tzinfo)
    return _days(day - timedelta(days=SLACK[unit]), 2 * SLACK[unit] + 1, unit)


def _offset(phrase: str, today: datetime, prefer: Prefer) -> Found | None:
    """So many units before or after a date; "the week before" is the seven days that end there."""
    match = OFFSET.match(phrase)
    anchor = match and _point(match[4], today, prefer)
    if match is None or anchor is None:
        return None
    ahead = match[3] in ("after", "following")
    if match[2] in WEEKDAYS or match[2] == "weekend":
        return _nearest(match[2], anchor[0], ahead)
    return _away(count_of(match[1].replace("last", "the")), match[1] in ("the", "last"), match[2], anchor[0], ahead)


def _nearest(name: str, day: datetime, ahead: bool) -> Found:
    number = 5 if name == "weekend" else WEEKDAYS.index(name)
    away = (number - day.weekday() - 1) % 7 + 1 if ahead else (number - day.weekday()) % 7 - 7
    found = day + timedelta(days=away)
    return _weekend(found) if name == "weekend" else _days(found)


def _away(count: int, whole: bool, unit: str, day: datetime, ahead: bool) -> Found:
    length = {"day": 1, "week": 7, "month": 30, "year": 365}[unit]
    if whole and unit != "day":
        return _days(day + timedelta(days=1 if ahead else -length), length, "range")
    centre = day + timedelta(days=count * length * (1 if ahead else -1))
    return _days(centre - timedelta(days=SLACK[unit]), 2 * SLACK[unit] + 1, unit)


READERS: dict[str, Callable[[str, datetime, Prefer], Found | None]] = {
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
    found: datetime | None = dateparser.parse(phrase, languages=["en"], settings=settings)
    return found
