"""Times counted from an event that only the bank knows: "the day before her birthday"."""

import re
from typing import NamedTuple

from memkit.text.times.patterns import COUNT_PATTERN, DAY_PATTERN, WEEKDAY_PATTERN, count_of

EVENT_PATTERN = re.compile(
    rf"\b(?P<count>the|{COUNT_PATTERN}) (?P<unit>day|week|month|year|weekend|morning|evening|night|{WEEKDAY_PATTERN})s?"
    rf" (?P<side>before|prior to|after|following) (?!(?:the )?{DAY_PATTERN}|yesterday|tomorrow|today)"
    r"(?P<event>[^?!.,;:]+?)(?= (?:did|does|do|what|who|where|when|how|which|why)\b|[?!.,;:]|$)",
    re.IGNORECASE,
)
LENGTH_DAYS = {"week": 7, "weekend": 7, "month": 31, "year": 366}  # days; "the week after" is all of them
MAX_EVENT_WORDS = 6  # of an event


class EventTime(NamedTuple):
    """Interval from `first` to `last` days (both included) after the day of `event`; `words` name it."""

    first: int
    last: int
    event: str
    words: str
    unit: str


def first_event_time(text: str) -> EventTime | None:
    """The first time in a text that is told from an event.

    "The week after" is the seven days that follow; days have one day's slack, "two weeks after" half a week.
    A weekday is one of the seven days before or after.
    """
    match = EVENT_PATTERN.search(text)
    if match is None or len(match["event"].split()) > MAX_EVENT_WORDS:
        return None
    unit = match["unit"].casefold()
    near, far = _distance(match["count"].casefold(), unit)
    sign = -1 if match["side"].casefold() in ("before", "prior to") else 1
    first, last = sorted((sign * near, sign * far))
    return EventTime(first, last, match["event"], match[0], unit)


def _distance(count: str, unit: str) -> tuple[int, int]:
    """The least and the most days between the event and the time."""
    if unit in ("day", "morning", "evening", "night"):
        days = count_of(count)
        return days - 1, days + 1
    length = LENGTH_DAYS.get(unit, 7)
    if count == "the" or unit not in LENGTH_DAYS:
        return 1, length
    return count_of(count) * length - length // 2, count_of(count) * length + length // 2
