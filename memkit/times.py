"""Moments in time: what is taken from callers, and the form that is stored."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from memkit.errors import InputError, NaiveDatetimeError

Moment = date | str | int | float  # a datetime is a date, too
Clock = Callable[[], datetime]

DATE_PATTERN = re.compile(r"\d{4}-\d\d-\d\d")
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_MICROSECOND = timedelta(microseconds=1)
FIRST_MOMENT, LAST_MOMENT = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
MAX_DELAY = timedelta(days=1)  # nothing is put off for longer
MAX_REST = timedelta(hours=1)  # of a bank where nothing waits: days begin and end in it


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def as_utc(value: Moment, *, field: str = "at", zone: str | None = None) -> datetime:
    """Take an aware datetime, an ISO 8601 string with an offset or unix seconds; give aware UTC.

    `zone`: where one is given, a date alone ("2026-03-31") is the beginning of that day there. Raises
    NaiveDatetimeError for a time without a zone, InputError for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, date | str | int | float):
        raise InputError(
            f"{field}: a {type(value).__name__} is no moment. Give an aware datetime, "
            "an ISO 8601 string with an offset, or unix seconds."
        )
    try:
        moment = _parse(value, zone)
        if moment.tzinfo is None or moment.utcoffset() is None:
            raise NaiveDatetimeError(
                f"{field}: this time has no zone, so it names no single moment. "
                f"Write for example {field}=when.replace(tzinfo=datetime.timezone.utc), "
                "or end the string in +00:00."
            )
        return _everywhere(moment.astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        raise InputError(
            f"{field}: not a moment between the years 1 and 9999. Give an aware datetime, "
            "an ISO 8601 string with an offset, or unix seconds."
        ) from None


def _everywhere(moment: datetime) -> datetime:
    """A moment that the calendars of all zones have. Raises OverflowError on the first and the last day."""
    if not FIRST_MOMENT <= moment < LAST_MOMENT:
        raise OverflowError
    return moment


def _parse(value: Moment, zone: str | None) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date) or (isinstance(value, str) and DATE_PATTERN.fullmatch(value)):
        day = datetime.fromisoformat(str(value))
        return day if zone is None else day.replace(tzinfo=ZoneInfo(zone))
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return UNIX_EPOCH + timedelta(seconds=value)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, as stored."""
    return (moment - UNIX_EPOCH) // ONE_MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`."""
    return UNIX_EPOCH + timedelta(microseconds=micros)


def as_micros(moments: Iterable[datetime | None]) -> list[Any]:
    """`to_micros` of each moment; None for None."""
    return [None if moment is None else to_micros(moment) for moment in moments]


def as_moments(micros: Iterable[int | None]) -> list[Any]:
    """The inverse of `as_micros`."""
    return [None if value is None else from_micros(value) for value in micros]


def is_put_off(until: datetime | None, now: datetime) -> bool:
    """Whether something has to wait; a moment too far ahead is from a clock that was wrong."""
    return until is not None and now < until <= now + MAX_DELAY
