"""Time line: what was said, thought and summed up, day by day, the newest first."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from memkit.bank import MemoryBank
from memkit.models import MEMORY_STATES, Kind, Memory, State
from memkit.serve.http.page.rendering import day
from memkit.serve.http.page.views.banks import TOLD_KINDS
from memkit.serve.http.page.visits import ReadVisit

router = APIRouter()
PAGE_MEMORIES = 60
YEARS_LISTED = 30  # newest ones, with their months
ONLY_ACTIVE: tuple[State, ...] = ("active",)


class DaysQuery(BaseModel):
    """Choice of a part of the time line. `after`: where the page before ended; `last`: the day of its last memory."""

    kind: list[Kind] = []
    since: str = ""
    until: str = ""
    every: bool = False
    after: str = ""
    last: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """The choice as parameters of an address, without its place."""
        return {"since": self.since, "every": self.every}


class Day(NamedTuple):
    """Memories of one day. `month`: its name, where the month begins here."""

    name: str
    month: str | None
    memories: list[Memory]


@router.get("/days")
def show_days(visit: ReadVisit, query: Annotated[DaysQuery, Query()]) -> Response:
    """A page of the time line."""
    page = visit.bank.list(
        query.kind or TOLD_KINDS,
        after=query.after or None,
        limit=PAGE_MEMORIES,
        states=MEMORY_STATES if query.every else ONLY_ACTIVE,
        since=query.since or None,
        until=query.until or None,
        order="-occurred_at",
    )
    days = by_day(page, visit.bank.zone, query.last)
    last = days[-1].name if days else query.last
    return visit.show(
        "days.html", "days", query=query, days=days, next=page.next, last=last, years=listed_years(visit.bank)
    )


def by_day(memories: Iterable[Memory], zone: str, last: str) -> list[Day]:
    """Memories by their days, in their order; `last`: the day before them."""
    days, month = [], last[:7]
    for name, group in groupby(memories, key=lambda memory: day(memory.occurred_at, zone)):
        days.append(Day(name, None if name[:7] == month else name[:7], list(group)))
        month = name[:7]
    return days


def listed_years(bank: MemoryBank) -> dict[int, list[tuple[str, str]]]:
    """Months of the time line by year, the newest first: each with the day on which the next one begins."""
    ends = [bank.list(TOLD_KINDS, limit=1, order=order) for order in ("occurred_at", "-occurred_at")]
    if not all(ends):
        return {}
    first, last = (date.fromisoformat(day(memories[0].occurred_at, bank.zone)) for memories in ends)
    months = range(max(first.year * 12 + first.month, (last.year - YEARS_LISTED) * 12), last.year * 12 + last.month + 1)
    return _by_year([(month - 1) // 12 for month in reversed(months)], [(month - 1) % 12 for month in reversed(months)])


def _by_year(years: Sequence[int], months: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    listed: dict[int, list[tuple[str, str]]] = {}
    for year, month in zip(years, months, strict=True):
        following = f"{year + (month + 1) // 12:04}-{(month + 1) % 12 + 1:02}-01"
        listed.setdefault(year, []).append((f"{year:04}-{month + 1:02}", following))
    return listed
