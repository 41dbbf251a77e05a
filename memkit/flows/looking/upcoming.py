"""Plans, promises and appointments that are coming up, from the times that people's turns mention."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from memkit.errors import InputError
from memkit.flows.context import BankContext
from memkit.flows.looking.standing import PERSON_ROLES, is_same_person
from memkit.models import TIME_UNITS, Memory
from memkit.protocols import BankView, PageOptions
from memkit.recall.present.asides import UpcomingPlan
from memkit.text.intents.plans import (
    Plan,
    PlanChange,
    concerns,
    is_same_topic,
    is_spoken_of,
    overlap,
    plan_changes,
    plans,
)

UPCOMING_SPAN = timedelta(days=14)  # unless another time is asked for
MAX_WITHIN = timedelta(days=4_000_000)  # longer than the calendar
NEAR_TURNS = 3  # before a change that only says "it", among which its plan is looked for
MAX_TURNS_SINCE = 2000  # in which a plan that was due is looked for again


class ToldPlan(NamedTuple):
    """A plan and the turn that tells it; `seq` numbers turns in the order of recording."""

    plan: Plan
    turn: Memory
    seq: int

    @property
    def order(self) -> tuple[datetime, int]:
        """The moment and the place at which it came."""
        return self.turn.occurred_at, self.seq


def upcoming(ctx: BankContext, now: datetime | None, within: timedelta) -> list[UpcomingPlan]:
    """Plans whose time lies within so long before or after a moment, in order of time. Raises InputError."""
    if not isinstance(within, timedelta) or within <= timedelta(0):
        raise InputError("upcoming: within is a datetime.timedelta above 0, for example timedelta(days=14).")
    state, now = ctx.state(), now or ctx.now()
    if state is None:
        return []
    with ctx.storage.view(state.number) as view:
        return _Reading(view, now, within, day_first=ctx.settings.ranking.day_first).plans()


class _Reading:
    """Reads the plans of a bank as of a moment."""

    def __init__(self, view: BankView, now: datetime, within: timedelta, *, day_first: bool) -> None:
        self._view, self._now, self._day_first = view, now, day_first
        within = min(within, MAX_WITHIN)
        self._first, self._last = _shifted(now, -within), _shifted(now, within)

    def plans(self) -> list[UpcomingPlan]:
        """The plans that stand, in order of time; what is past only where nobody spoke of it since."""
        told_plans = _told_once(self._without_changed(self._plans_told()))
        due = [each for each in told_plans if each.plan.interval.end <= self._now]
        silent = self._never_spoken_of(due)
        return [
            _upcoming(each, is_past=each in due)
            for each in sorted(told_plans, key=lambda each: (each.plan.interval.start, each.order))
            if each not in due or each in silent
        ]

    def _plans_told(self) -> list[ToldPlan]:
        """Plans of the time that is asked about, in the order in which they were told."""
        seqs = dict.fromkeys(seq for seq, _ in self._view.mentions(TIME_UNITS, (self._first, self._last)))
        told_plans = [
            ToldPlan(plan, turn, seq)
            for seq, turn in self._said(list(seqs)).items()
            for plan in plans(turn.text, turn.occurred_at, self._view.state.zone, day_first=self._day_first)
            if plan.interval.end > self._first and plan.interval.start < self._last
        ]
        return sorted(told_plans, key=lambda each: each.order)

    def _said(self, seqs: Sequence[int]) -> dict[int, Memory]:
        """People's turns that stand and were said by now."""
        return {
            seq: turn
            for seq, turn in self._view.memories(seqs).items()
            if turn.state == "active" and turn.role in PERSON_ROLES and turn.occurred_at <= self._now
        }

    def _without_changed(self, told_plans: Sequence[ToldPlan]) -> list[ToldPlan]:
        """Plans that nobody called off or moved since."""
        if not told_plans:
            return []
        first = _shifted(told_plans[0].turn.occurred_at, -timedelta(microseconds=1))
        marked = self._view.mentions(("change",), (first, None))
        gone: set[tuple[int, Plan]] = set()
        for seq, turn in self._said([seq for seq, _ in marked]).items():
            earlier = [each for each in told_plans if each.order < (turn.occurred_at, seq)]
            for change in plan_changes(turn.text, turn.occurred_at, self._view.state.zone, day_first=self._day_first):
                gone.update((each.seq, each.plan) for each in _changed(change, earlier, seq))
        return [each for each in told_plans if (each.seq, each.plan) not in gone]

    def _never_spoken_of(self, due: Sequence[ToldPlan]) -> list[ToldPlan]:
        """Those of these plans of which nobody spoke from their time on."""
        if not due:
            return []
        first = min(each.plan.interval.start for each in due)
        until = _shifted(self._now, timedelta(microseconds=1))
        since = PageOptions(("turn",), since=first, until=until, order="-occurred_at", limit=MAX_TURNS_SINCE)
        said = self._view.page(since)
        return [each for each in due if not is_spoken_of(each.plan.topic, _texts_since(said, each))]


def _texts_since(said: Iterable[Memory], plan_turn: ToldPlan) -> list[str]:
    start = plan_turn.plan.interval.start
    return [turn.text for turn in said if turn.occurred_at >= start and turn.id != plan_turn.turn.id]


def _shifted(now: datetime, by: timedelta) -> datetime:
    try:
        return now + by
    except OverflowError:  # outside of the calendar
        return now.replace(year=1 if by < timedelta(0) else 9999)


def _changed(change: PlanChange, earlier: Sequence[ToldPlan], seq: int) -> list[ToldPlan]:
    """The plans that a change is of: by what it names, else the last one of which it can be said just after."""
    if change.topic or change.intervals:
        return [each for each in earlier if concerns(change, each.plan)]
    near = (each for each in reversed(earlier) if seq - each.seq <= NEAR_TURNS)
    return list(islice(near, 1))


def _told_once(told_plans: Sequence[ToldPlan]) -> list[ToldPlan]:
    """Each plan once, as it was told most exactly; of one that has another time by now, that."""
    once: list[ToldPlan] = []
    for each in reversed(told_plans):
        same = next((newer for newer in once if _is_same(each, newer)), None)
        if same is None:
            once.append(each)
        elif overlap(each.plan.interval, same.plan.interval) and _length(each) < _length(same):
            once[once.index(same)] = each
    return once


def _is_same(older: ToldPlan, newer: ToldPlan) -> bool:
    """Whether both tell one plan: of the same time, or, of the one thing of its kind, of another."""
    if overlap(older.plan.interval, newer.plan.interval):
        return is_same_topic(older.plan.topic, newer.plan.topic)
    both_definite = older.plan.is_definite and newer.plan.is_definite and is_same_person(older.turn, newer.turn)
    return both_definite and older.plan.topic == newer.plan.topic


def _length(plan_turn: ToldPlan) -> timedelta:
    return plan_turn.plan.interval.end - plan_turn.plan.interval.start


def _upcoming(plan_turn: ToldPlan, *, is_past: bool) -> UpcomingPlan:
    interval = plan_turn.plan.interval
    return UpcomingPlan(
        text=plan_turn.plan.sentence,
        start=interval.start,
        end=interval.end,
        unit=interval.unit,
        memory=plan_turn.turn,
        is_past=is_past,
    )
