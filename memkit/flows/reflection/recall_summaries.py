"""Which summaries belong to a question: those of the time that it names, else the newest."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from memkit.models import Memory, State
from memkit.protocols import BankView
from memkit.text.times.dates import first_mentioned_time
from memkit.text.times.periods import PERIOD_LEVELS, period_of

LOOK_BACK = 31  # days before the newest turn in which the newest summary is looked for
MOST = 3  # days' summaries for a time that has none of its own


def portrait(view: BankView, as_of: datetime | None) -> Memory | None:
    """The newest portrait; with `as_of`, the newest recorded by then."""
    found = view.page(("portrait",), None, 10_000, _states(as_of))
    return max(_recorded(found, as_of), key=lambda m: m.recorded_at, default=None)


def summaries(view: BankView, question: str, now: datetime, as_of: datetime | None, *, found: bool) -> Sequence[Memory]:
    """The shortest period's summary that covers the time the question names, or its days', newest first.

    For a question without a time the newest of the widest, if anything else was `found`.
    """
    if not view.page(("summary",), None, 1, _states(as_of)):
        return ()
    span = first_mentioned_time(question, now, view.state.zone)
    if span is None:
        return _newest(view, as_of) if found else ()
    first, last = span.start.date(), (span.end - timedelta(microseconds=1)).date()
    for level in PERIOD_LEVELS:
        if period_of(first, level) == period_of(last, level):
            whole = _of(view, [period_of(first, level)], as_of)
            if whole:
                return whole
    return _of(view, _days(max(first, last - timedelta(days=LOOK_BACK)), last), as_of)[:MOST]


def _newest(view: BankView, as_of: datetime | None) -> Sequence[Memory]:
    last = view.position(None)
    if last is None:
        return ()
    day = last.at.astimezone(ZoneInfo(view.state.zone)).date()
    for level in reversed(PERIOD_LEVELS):
        if whole := _of(view, [period_of(day, level)], as_of):
            return whole
    return _of(view, _days(day - timedelta(days=LOOK_BACK), day), as_of)[:1]


def _days(first: date, last: date) -> list[str]:
    return [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]


def _of(view: BankView, periods: Sequence[str], as_of: datetime | None) -> list[Memory]:
    """Summaries of these periods that stand (or stood), one for each, newest first."""
    found = view.memories(view.matching({"period": list(periods)})).values()
    standing = [m for m in found if m.kind == "summary" and m.state in _states(as_of)]
    latest = {m.metadata["period"]: m for m in sorted(_recorded(standing, as_of), key=lambda m: m.recorded_at)}
    return sorted(latest.values(), key=lambda m: m.occurred_at, reverse=True)


def _states(as_of: datetime | None) -> tuple[State, ...]:
    return ("active",) if as_of is None else ("active", "superseded")


def _recorded(memories: Sequence[Memory], as_of: datetime | None) -> list[Memory]:
    return [m for m in memories if as_of is None or m.recorded_at <= as_of]
