"""Intervals: times that texts name, each in the unit in which it is told. "2024" is a year, not one of its days."""

from datetime import MAXYEAR, datetime, timedelta
from typing import Literal, NamedTuple

from memkit.models import TimeUnit

CalendarUnit = Literal["day", "month", "year"]
STRETCH_UNITS: dict[CalendarUnit, TimeUnit] = {"day": "days", "month": "months", "year": "years"}
UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
CALENDAR_UNITS: tuple[CalendarUnit, ...] = ("day", "month", "year")


class Interval(NamedTuple):
    """Time from the day `start` on, before the day `end`.

    `unit`: a day, week, weekend, month, season or year; "early", "mid" and "late" are thirds of a month; "days",
    "months" and "years" are stretches whose ends are told so; "vague" is a time of which not even the unit is certain
    ("a few years ago").
    """

    start: datetime
    end: datetime
    unit: TimeUnit

    @property
    def middle(self) -> datetime:
        """Moment halfway."""
        return self.start + (self.end - self.start) / 2

    @property
    def last(self) -> datetime:
        """The last day."""
        return self.end - timedelta(days=1)

    @property
    def as_told(self) -> "Interval":
        """The whole year, month or week in which a time lies that is told as so many of them away."""
        if self.middle.year == MAXYEAR:  # its end is outside of the calendar
            return self
        if self.unit == "week":
            monday = self.middle - timedelta(days=self.middle.weekday())
            first = monday.replace(hour=0, minute=0, second=0, microsecond=0)
            return Interval(first, first + timedelta(days=7), "week")
        return calendar_interval(self.middle, self.unit) if self.unit in ("month", "year") else self


def calendar_interval(moment: datetime, unit: CalendarUnit) -> Interval:
    """The day, month or year in which a moment lies. Raises ValueError for the last of the calendar."""
    first = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        return Interval(first, first + timedelta(days=1), "day")
    if unit == "month":
        return Interval(month_start(first), month_start(first, 1), "month")
    first = first.replace(month=1, day=1)
    return Interval(first, month_start(first, 12), "year")


def month_start(moment: datetime, step: int = 0) -> datetime:
    """The first day of the month that is `step` months after that of a moment, at the same time of day."""
    months = moment.year * 12 + moment.month - 1 + step
    return moment.replace(year=months // 12, month=months % 12 + 1, day=1)


def day_away(today: datetime, unit: str, count: int) -> datetime:
    """The day so many units away; of months and years the same day, or the last of a shorter month."""
    if unit in ("day", "week"):
        return today + timedelta(days=count * UNIT_DAYS[unit])
    month = month_start(today, count * (12 if unit == "year" else 1))
    return month + timedelta(days=min(today.day, (month_start(month, 1) - month).days) - 1)
