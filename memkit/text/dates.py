"""Times that a text names: "in May", "last week", "on Thursday", "3 June 2024", as spans of days.

A date parser (dateparser, with the language fixed) is only asked after a cheap look for what could be one.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december)"
WEEKDAY = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
COUNT = "(?:\\d+|a|an|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple of)"
UNIT = "(?:day|week|month|year)s?"
HINT = re.compile(
    rf"\b(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})\b"
    rf"|\b(?P<day>\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?:,? \d{{4}})?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?)"
    rf"|\b(?P<month>(?:(?:in|during|since|until|of|last|next|this) {MONTH}(?:,? \d{{4}})?)|{MONTH},? \d{{4}})\b"
    rf"|\b(?P<ago>{COUNT} {UNIT} ago)\b"
    rf"|\b(?P<ahead>in {COUNT} {UNIT})\b"
    rf"|\b(?P<near>yesterday|today|tonight|tomorrow|last night|this morning)\b"
    rf"|\b(?P<around>(?:last|this|next) (?:week|weekend|month|year))\b"
    rf"|\b(?P<weekday>(?:on|last|next|this) {WEEKDAY})\b",
    re.IGNORECASE,
)
NEAR = {"yesterday": -1, "last night": -1, "tomorrow": 1}
Prefer = Literal["past", "future"]


class Span(NamedTuple):
    """From the day `start` on, before the day `end`; the words that say so, and where they stand."""

    start: datetime
    end: datetime
    words: str
    at: tuple[int, int]
    unit: str


def first_span(text: str, now: datetime, zone: str, *, prefer: Prefer = "past") -> Span | None:
    """The first time that a text names, seen from `now`; `prefer` settles which Thursday, which May."""
    for match in HINT.finditer(text):
        kind, phrase = next((name, found) for name, found in match.groupdict().items() if found)
        found = _span(kind, phrase.casefold(), now.astimezone(ZoneInfo(zone)), prefer)
        if found is not None:
            start, end, unit = found
            return Span(start, end, match[0], match.span(), unit)
    return None


def _span(kind: str, phrase: str, now: datetime, prefer: Prefer) -> tuple[datetime, datetime, str] | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "near":
        day = today + timedelta(days=NEAR.get(phrase, 0))
        return day, day + timedelta(days=1), "day"
    if kind == "around":
        return _around(phrase, today)
    if kind == "weekday":
        return _weekday(phrase, today, prefer)
    return _parsed_span(kind, phrase, today, prefer)


def _around(phrase: str, today: datetime) -> tuple[datetime, datetime, str]:
    word, unit = phrase.split()
    step = {"last": -1, "this": 0, "next": 1}[word]
    if unit in ("week", "weekend"):
        start = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
        weekend = unit == "weekend"
        return start + timedelta(days=5 * weekend), start + timedelta(days=7), unit
    if unit == "month":
        start = _month(today, step)
        return start, _month(start, 1), unit
    start = today.replace(year=today.year + step, month=1, day=1)
    return start, start.replace(year=start.year + 1), unit


def _month(moment: datetime, step: int) -> datetime:
    months = moment.year * 12 + moment.month - 1 + step
    return moment.replace(year=months // 12, month=months % 12 + 1, day=1)


def _weekday(phrase: str, today: datetime, prefer: Prefer) -> tuple[datetime, datetime, str]:
    word, name = phrase.split()
    number = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].index(name)
    ahead = (number - today.weekday()) % 7
    if word == "last" or (word == "on" and prefer == "past"):
        ahead = ahead - 7 if ahead or word == "last" else 0
    elif word == "next":
        ahead = ahead or 7
    day = today + timedelta(days=ahead)
    return day, day + timedelta(days=1), "day"


def _parsed_span(kind: str, phrase: str, today: datetime, prefer: Prefer) -> tuple[datetime, datetime, str] | None:
    plain = re.sub(r"^(in|during|since|until|of|this) ", "" if kind == "month" else r"\g<0>", phrase)
    plain = re.sub(r"^(last|next) ", "", plain) if kind == "month" else plain.replace(" of ", " ")
    moment = _parsed(plain.replace("a few", "3").replace("a couple", "2"), today.replace(tzinfo=None), prefer)
    if moment is None:
        return None
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=today.tzinfo)
    if kind == "month":
        start = start.replace(day=1)
        return start, _month(start, 1), "month"
    unit = next((unit for unit in ("week", "month", "year") if unit in phrase), "day")
    slack = timedelta(days={"day": 0, "week": 3, "month": 10, "year": 90}[unit if kind in ("ago", "ahead") else "day"])
    return start - slack, start + slack + timedelta(days=1), unit


@lru_cache(maxsize=4096)
def _parsed(phrase: str, today: datetime, prefer: Prefer) -> datetime | None:
    import dateparser

    settings: Any = {"RELATIVE_BASE": today, "PREFER_DATES_FROM": prefer, "PREFER_DAY_OF_MONTH": "first"}
    found: datetime | None = dateparser.parse(phrase, languages=["en"], settings=settings)
    return found
