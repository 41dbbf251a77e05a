"""Calendar of a bank: the days, weeks and months with turns, and their summaries; read from rows, never from text."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from memkit.models import IndexRow, State
from memkit.protocols import BankView
from memkit.text.times.periods import PERIOD_LEVELS, Level, bounds, period_of
from memkit.times import from_micros

QUARTER_HOUR_MICROS = 900_000_000  # microseconds in a quarter of an hour, in which no zone's day begins
STANDING_STATES: tuple[State, ...] = ("active", "archived")  # states of a summary that its period still has
MIN_PARTS = 2  # days in a week, and weeks in a month, from which on they have summaries of their own

Place = tuple[Level, str]  # level and period
Parts = frozenset[int]  # seqs that a summary rests on


class DuePeriod(NamedTuple):
    """A period whose summary is to be written: the seqs that it rests on, and that of the one it replaces."""

    level: Level
    period: str
    parts: Parts
    old: int | None


@dataclass
class Calendar:
    """A bank's turns and thoughts by day, and its summaries by place."""

    zone: ZoneInfo
    levels: dict[int, Level] = field(default_factory=dict)  # seq of a summary -> its level
    sources_by_day: dict[str, set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )  # day -> seqs of turns and thoughts
    newest: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # day -> microseconds
    standing: dict[Place, IndexRow] = field(default_factory=dict)
    outdated: set[int] = field(default_factory=set)  # seqs of summaries that were written in another zone
    displaced: list[IndexRow] = field(default_factory=list)  # summaries whose place another one has, in this zone
    dropped: set[tuple[Place, Parts]] = field(default_factory=set)  # forgotten on request: not written again
    portrait: IndexRow | None = None
    thoughts: list[IndexRow] = field(default_factory=list)  # that hold
    places: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)  # seq of a turn -> its episode
    _days: dict[int, date] = field(default_factory=dict)  # seq -> its (first) day
    _day_by_quarter: dict[int, date] = field(default_factory=dict)  # quarter of an hour -> day

    @classmethod
    def of(cls, view: BankView) -> Self:
        """Sort all rows of a bank, one by one."""
        calendar = cls(ZoneInfo(view.state.zone))
        for level in PERIOD_LEVELS:
            calendar.levels.update(dict.fromkeys(view.matching({"level": level}), level))
        calendar.outdated = set(calendar.levels).difference(view.matching({"zone": view.state.zone}))
        loose = [row for row in view.rows() if not calendar._put(row)]
        named = view.memories([row.seq for row in loose])
        for row in loose:
            period = named[row.seq].metadata.get("period")
            if isinstance(period, str) and bounds(period):
                calendar._place(row, (calendar.levels[row.seq], period))
        return calendar

    def _put(self, row: IndexRow) -> bool:
        """False for a summary of which only its metadata can tell the period."""
        if row.kind == "turn":
            self._put_turn(row)
        elif row.kind == "thought" and row.state != "forgotten":
            self.sources_by_day[self._day_of(row).isoformat()].add(row.seq)
            if row.state == "active":
                self.thoughts.append(row)
        elif row.kind == "portrait" and row.state == "active":
            self.portrait = row
        elif row.kind == "summary" and row.seq in self.levels:
            return self._put_summary(row)
        return True

    def _put_turn(self, row: IndexRow) -> None:
        day = self._days[row.seq] = self._day_of(row)
        if row.state in STANDING_STATES and row.length and _is_said(row):
            self.sources_by_day[day.isoformat()].add(row.seq)
            self.places[row.seq] = (row.session, row.episode)
            self.newest[day.isoformat()] = max(self.newest[day.isoformat()], row.occurred_at)

    def _put_summary(self, row: IndexRow) -> bool:
        day = next((self._days[source] for source in row.sources if source in self._days), None)
        if day is None:
            return False
        self._days[row.seq] = day
        self._place(row, (self.levels[row.seq], period_of(day, self.levels[row.seq])))
        return True

    def _place(self, row: IndexRow, place: Place) -> None:
        if row.state in STANDING_STATES:
            if place in self.standing:
                self.displaced.append(self.standing[place])
            self.standing[place] = row
        elif row.state == "forgotten":
            self.dropped.add((place, frozenset(row.sources)))

    def _day_of(self, row: IndexRow) -> date:
        quarter = row.occurred_at // QUARTER_HOUR_MICROS
        if quarter not in self._day_by_quarter:
            self._day_by_quarter[quarter] = from_micros(row.occurred_at).astimezone(self.zone).date()
        return self._day_by_quarter[quarter]

    def due(self, level: Level, before: int | None = None) -> list[DuePeriod]:
        """Periods without a summary that fits; of days, only those whose last turn came before this microsecond."""
        return [
            DuePeriod(level, period, parts, None if old is None else old.seq)
            for period, parts in self.wanted(level).items()
            if (old := self.standing.get((level, period))) is None
            or set(old.sources) != parts
            or old.seq in self.outdated
            if ((level, period), parts) not in self.dropped
            if self._ready(level, period, parts, before)
        ]

    def _ready(self, level: Level, period: str, parts: Parts, before: int | None) -> bool:
        """A day once it has come to rest, a longer period once enough of its days have summaries."""
        if level != "day":
            return len(parts) >= MIN_PARTS
        return before is None or self.newest[period] < before

    def gone(self, level: Level) -> list[int]:
        """Seqs of summaries of which nothing is left that they could rest on."""
        wanted = self.wanted(level)
        emptied = [row for (at, period), row in self.standing.items() if at == level and period not in wanted]
        return [row.seq for row in (*emptied, *self.displaced) if self.levels[row.seq] == level]

    def wanted(self, level: Level) -> dict[str, Parts]:
        """Sources that each period's summary has to rest on: a day's turns and thoughts, or a longer period's days."""
        days = sorted(day for day in self.sources_by_day if day in self.newest)
        if level == "day":
            return {day: frozenset(self.sources_by_day[day]) for day in days}
        periods = groupby(days, lambda day: period_of(date.fromisoformat(day), level))
        groups = {period: list(group) for period, group in periods}
        return {
            period: frozenset(self.standing["day", day].seq for day in group if ("day", day) in self.standing)
            for period, group in groups.items()
            if _worth_it(level, group)
        }

    def widest(self, months: int) -> Iterator[IndexRow]:
        """Summaries of the newest so many months: the month's own, else its days'; oldest first."""
        groups = [(month, list(days)) for month, days in groupby(sorted(self.newest), lambda day: day[:7])]
        for month, days in groups[-months:]:
            places: list[Place] = (
                [("month", month)] if ("month", month) in self.standing else [("day", d) for d in days]
            )
            yield from (self.standing[place] for place in places if place in self.standing)


def _is_said(row: IndexRow) -> bool:
    """Whether a turn tells of its day: people say again what is so again, others only repeat it."""
    return row.role in (None, "user") or (row.role == "assistant" and row.echo_of is None)


def _worth_it(level: Level, days: list[str]) -> bool:
    """A week of one day would only repeat it, and so would a month of one week."""
    lower: Level = "day" if level == "week" else "week"
    return len({period_of(date.fromisoformat(day), lower) for day in days}) >= MIN_PARTS
