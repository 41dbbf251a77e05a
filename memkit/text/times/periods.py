"""Days, weeks and months by name: 2024-03-09, 2024-W10 (ISO 8601, from Monday on), 2024-03."""

import re
from datetime import date, timedelta
from typing import Literal, get_args

Level = Literal["day", "week", "month"]
PERIOD_LEVELS: tuple[Level, ...] = get_args(Level)
PERIOD_PATTERNS = {
    "day": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "week": re.compile(r"\d{4}-W\d{2}"),
    "month": re.compile(r"\d{4}-\d{2}"),
}


def period_of(day: date, level: Level) -> str:
    """The name of the day, the week or the month that a day lies in."""
    if level == "day":
        return day.isoformat()
    if level == "month":
        return f"{day.year:04}-{day.month:02}"
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def bounds(period: str) -> tuple[date, date] | None:
    """The first and the last day of a period by its name; None for what names none."""
    level = next((level for level, form in PERIOD_PATTERNS.items() if form.fullmatch(period)), None)
    try:
        if level == "day":
            return date.fromisoformat(period), date.fromisoformat(period)
        if level == "week":
            first = date.fromisocalendar(int(period[:4]), int(period[6:]), 1)
            return first, first + timedelta(days=6)
        if level == "month":
            first = date.fromisoformat(f"{period}-01")
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return None


def readable_period(period: str) -> str:
    """A period for people and models: "2024-03-09", "2024-03-04 to 2024-03-10", "March 2024"; "" for none."""
    first_and_last = bounds(period)
    if first_and_last is None:
        return ""
    first, last = first_and_last
    if PERIOD_PATTERNS["month"].fullmatch(period):
        return f"{first:%B} {first.year}"
    return first.isoformat() if first == last else f"{first} to {last}"
