"""Asides of a prompt's block: standing instructions and what is coming up, under headings of their own."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from memkit.models import FrozenModel, Memory, TimeUnit
from memkit.recall.present.quoting import label, local

STANDING_HEADING = "Asked for until further notice, wishes of people:"
UPCOMING_HEADING = "Due soon, as people told it:"


class StandingInstruction(FrozenModel):
    """Standing instruction of a person: their sentence ("Always answer in Spanish.") and the turn that it stands in."""

    text: str
    memory: Memory

    @property
    def speaker(self) -> str | None:
        """The person who asked for it."""
        return self.memory.speaker

    @property
    def said_at(self) -> datetime:
        """The moment at which it was said."""
        return self.memory.occurred_at


class UpcomingPlan(FrozenModel):
    """Plan, promise or appointment of a person: their sentence, its time, and the turn that it stands in.

    `start` <= its time < `end`, in the unit in which it was told. `is_past`: it was due, and nobody spoke of it since.
    """

    text: str
    start: datetime
    end: datetime
    unit: TimeUnit
    memory: Memory
    is_past: bool = False


Aside = tuple[Memory, str]  # a turn with its sentence alone, under an id of its own, and what stands before the quote


def standing_asides(standing: Iterable[StandingInstruction], zone: ZoneInfo) -> list[Aside]:
    """Instructions as lines: "Ana asked on 2026-05-03: ..."."""
    return [
        (_sentence(each.memory, each.text, f"standing {n}"), f"{label(each.memory)} asked on {_day(each, zone)}")
        for n, each in enumerate(standing)
    ]


def upcoming_asides(upcoming: Iterable[UpcomingPlan], zone: ZoneInfo) -> list[Aside]:
    """Plans as lines: "2026-05-14, Ana: ...", "2026-05-05, not spoken of since, Ana: ..."."""
    return [
        (_sentence(each.memory, each.text, f"upcoming {n}"), f"{days_of(each, zone)}, {label(each.memory)}")
        for n, each in enumerate(upcoming)
    ]


def _sentence(turn: Memory, text: str, mark: str) -> Memory:
    return turn.model_copy(update={"id": f"{mark} of {turn.id}", "text": text})


def _day(standing: StandingInstruction, zone: ZoneInfo) -> str:
    return str(local(standing.said_at, zone).date())


def days_of(plan: UpcomingPlan, zone: ZoneInfo) -> str:
    """The days of a plan on a zone's calendar, and whether it was due: "2026-05-14", "2026-06-01 to 2026-06-30"."""
    first, last = local(plan.start, zone).date(), local(plan.end - timedelta(microseconds=1), zone).date()
    days = str(first) if first == last else f"{first} to {last}"
    return f"{days}, not spoken of since" if plan.is_past else days
