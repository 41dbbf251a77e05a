"""Reflection (MemoryBank, arXiv 2305.10250): a summary for each day, a portrait of the person; both with sources."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from memkit.errors import UnknownMemoryError
from memkit.flows.context import BankContext, zone_of
from memkit.flows.editing import apply
from memkit.flows.reading import everything
from memkit.models import BankState, Kind, Memory, Receipt
from memkit.operations import Insert, Operation, Supersede
from memkit.think.reflect import compose_portrait, summarise

AGAIN = 5  # times that a reflection is begun anew because something was erased meanwhile


def reflect(ctx: BankContext) -> Receipt:
    """Summarise the days that grew since the last time, and draw the portrait again where it changed."""
    for _ in range(AGAIN):
        try:
            return _reflected(ctx)
        except UnknownMemoryError:
            continue  # something that it rests on was erased meanwhile
    return _reflected(ctx)


def _reflected(ctx: BankContext) -> Receipt:
    state = ctx.state()
    if state is None:
        return Receipt(bank=ctx.name, change=0, outcomes=())
    drafts = [*_days(ctx, state), *_portrait(ctx)]
    traces = ctx.services.tracer.trace(state, [memory for _, memory in drafts])
    operations: list[Operation] = [
        Insert(memory, trace) if old is None else Supersede(old.id, memory, trace, "it grew")
        for (old, memory), trace in zip(drafts, traces, strict=True)
    ]
    if not operations:
        return Receipt(bank=ctx.name, change=state.change, outcomes=())
    return apply(ctx, operations)


Draft = tuple[Memory | None, Memory]  # what it replaces, and what it is


def _days(ctx: BankContext, state: BankState) -> list[Draft]:
    zone = zone_of(state)
    days: dict[date, list[Memory]] = defaultdict(list)
    for turn in everything(ctx, ("turn",)):
        if turn.echo_of is None and turn.text:
            days[turn.occurred_at.astimezone(zone).date()].append(turn)
    known = {summary.head: summary for summary in everything(ctx, ("summary",))}
    drafts = ((known.get(day.isoformat()), day, turns) for day, turns in sorted(days.items()))
    return [(old, _summary(ctx, day, turns)) for old, day, turns in drafts if _grew(old, turns)]


def _grew(old: Memory | None, turns: Sequence[Memory]) -> bool:
    return old is None or set(old.sources) != {turn.id for turn in turns}


def _summary(ctx: BankContext, day: date, turns: Sequence[Memory]) -> Memory:
    return _derived(ctx, "summary", summary_text(day.isoformat(), turns), turns, head=day.isoformat())


def summary_text(day: str, turns: Sequence[Memory]) -> str:
    """What a day's summary says."""
    return f"{day}: " + " ".join(f"{turn.speaker}: {turn.text}" for turn in summarise(turns))


def _portrait(ctx: BankContext) -> list[Draft]:
    thoughts = everything(ctx, ("thought",))
    if not thoughts:
        return []
    old = portrait(ctx)
    text = compose_portrait(thoughts)
    if old is not None and old.text == text:
        return []
    return [(old, _derived(ctx, "portrait", text, thoughts, head="portrait"))]


def _derived(ctx: BankContext, kind: Kind, text: str, sources: Sequence[Memory], *, head: str) -> Memory:
    now = ctx.now()
    return Memory(
        id=ctx.services.new_id(now),
        kind=kind,
        text=text,
        occurred_at=max(source.occurred_at for source in sources),
        recorded_at=now,
        sources=tuple(source.id for source in sources),
        author="thinker",
        head=head,
    )


def portrait(ctx: BankContext) -> Memory | None:
    """The portrait as of the last reflection."""
    found = everything(ctx, ("portrait",))
    return found[-1] if found else None
