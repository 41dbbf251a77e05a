"""Reflection (MemoryBank, arXiv 2305.10250): days into summaries, those into weeks and months, and a portrait.

A summary rests on the turns and thoughts of its day, a longer one on its days' summaries; it is due when these are
not those that it was written from. So a day that grew costs itself, its week, its month and the portrait.
"""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import islice

from memkit.flows.context import BankContext, apply
from memkit.flows.read import everything
from memkit.flows.reflection.calendar import STANDING_STATES, Calendar
from memkit.flows.reflection.drafting import Draft, Drafter, voices_of
from memkit.flows.thinking import budget
from memkit.models import IndexEntry, Memory, Outcome, Receipt
from memkit.operations import Forget, Insert, Step, Supersede
from memkit.protocols import BankView, PageOptions, Reflector
from memkit.text.times.periods import PERIOD_LEVELS, Level, period_of
from memkit.think.mood import Mood, sum_voices
from memkit.times import to_micros

WRITE_BATCH = 16  # summaries that are written in one transaction
SOURCES_CHANGED_REASON = "its sources changed meanwhile; the next reflection looks again"
NO_SOURCES_REASON = "nothing is left that it rested on"

MayGoOn = Callable[[], bool]


def reflect(ctx: BankContext, *, settled: bool = False, may_go_on: MayGoOn = lambda: True) -> Receipt:
    """Write the summaries that are due, then the portrait; with `settled`, none of a day that still goes on.

    Where a model writes them, what the day's budget doesn't reach for is left to a later reflection.
    """
    state = ctx.state()
    if state is None:
        return Receipt(bank=ctx.name, change=0, outcomes=())
    before = to_micros(ctx.now() - ctx.settings.observe.session_gap) if settled else None
    thinker = ctx.services.thinker
    drafter = Drafter(ctx, state, thinker if isinstance(thinker, Reflector) else None)
    outcomes: list[Outcome] = []
    calendar = _calendar(drafter)
    for level in PERIOD_LEVELS:
        if done := _write_level(drafter, calendar, level, before, may_go_on):
            outcomes += done
            calendar = _calendar(drafter)
    if may_go_on():
        outcomes += _write_portrait(drafter, calendar)
    changed = ctx.ensure().change if outcomes else state.change
    if drafter.postponed:
        outcomes.append(Outcome(id=None, action="skipped", reason=budget.SPENT_REASON))
    return Receipt(bank=ctx.name, change=changed, outcomes=tuple(outcomes), unencoded=drafter.unencoded)


def count_due(view: BankView) -> int:
    """Number of summaries that are due, those of days that still go on among them."""
    calendar = Calendar.of(view)
    return sum(len(calendar.due(level)) for level in PERIOD_LEVELS)


def _write_level(
    drafter: Drafter, calendar: Calendar, level: Level, before: int | None, may_go_on: MayGoOn
) -> list[Outcome]:
    drafts = filter(None, (drafter.summary(due, calendar) for due in calendar.due(level, before) if may_go_on()))
    outcomes = _forget_summaries(drafter, calendar.gone(level))
    while batch := list(islice(drafts, WRITE_BATCH)):
        outcomes += _store_drafts(drafter, batch)
    return outcomes


def _calendar(drafter: Drafter) -> Calendar:
    with drafter.ctx.storage.view(drafter.state.number) as view:
        return Calendar.of(view)


def _write_portrait(drafter: Drafter, calendar: Calendar) -> list[Outcome]:
    draft = drafter.portrait(calendar)
    if draft is not None:
        return _store_drafts(drafter, [draft])
    bare = calendar.portrait is not None and not calendar.newest and not calendar.thoughts
    return _forget_summaries(drafter, [calendar.portrait.seq] if bare and calendar.portrait is not None else [])


def _forget_summaries(drafter: Drafter, seqs: Sequence[int]) -> list[Outcome]:
    """Take out of recall what rests on nothing any more, unless somebody else wrote it."""
    if not seqs:
        return []
    with drafter.ctx.storage.view(drafter.state.number) as view:
        own = [m.id for m in view.memories(seqs).values() if m.author == "thinker"]
    operations = [Forget(id, NO_SOURCES_REASON, author="thinker") for id in own]
    return list(apply(drafter.ctx, operations).outcomes) if own else []


def _store_drafts(drafter: Drafter, drafts: Sequence[Draft]) -> list[Outcome]:
    ctx, state = drafter.ctx, drafter.state
    entries = ctx.services.indexer.entry(state, [draft.memory for draft in drafts])

    def decide(view: BankView) -> list[Step]:
        return [_operation(view, draft, entry) for draft, entry in zip(drafts, entries, strict=True)]

    receipt = apply(ctx, decide)
    drafter.unencoded += receipt.unencoded
    return [_with_note(outcome, draft) for outcome, draft in zip(receipt.outcomes, drafts, strict=True)]


def _operation(view: BankView, draft: Draft, entry: IndexEntry) -> Step:
    """Operation of a draft, if nobody else reflected, forgot or erased in the meantime."""
    old, memory = draft.old, draft.memory
    whole = len(view.locate(memory.sources)) == len(set(memory.sources))
    if not whole or _overtaken(view, draft):
        return Outcome.skipped(None, SOURCES_CHANGED_REASON)
    return Insert(memory, entry) if old is None else Supersede(old.id, memory, entry, "it grew")


def _overtaken(view: BankView, draft: Draft) -> bool:
    """Whether another memory stands in a draft's place, or the one that it replaces no longer does."""
    old = [] if draft.old is None else [draft.old.id]
    held = view.memories(list(view.locate(old).values())).values()
    stands = [memory.id for memory in held if memory.state in STANDING_STATES]
    return stands != old or not _current(view, draft.memory) <= set(old)


def _current(view: BankView, memory: Memory) -> set[str]:
    """Ids of the memories that stand in its place, by the same zone."""
    if memory.kind == "portrait":
        return {m.id for m in view.page(PageOptions(("portrait",), limit=WRITE_BATCH))}
    place = {name: memory.metadata[name] for name in ("period", "zone")}
    memories = view.memories(view.matching(place)).values()
    return {m.id for m in memories if m.kind == "summary" and m.state in STANDING_STATES}


def _with_note(outcome: Outcome, draft: Draft) -> Outcome:
    if draft.note is None or outcome.action == "skipped":
        return outcome
    return outcome.model_copy(update={"reason": draft.note})


def portrait(ctx: BankContext) -> Memory | None:
    """The portrait as of the last reflection."""
    return next(reversed(everything(ctx, ("portrait",))), None)


def mood(ctx: BankContext) -> list[Mood]:
    """Each person's mood by week, oldest first, from the figures that the days' summaries keep."""
    summaries = everything(ctx, ("summary",), STANDING_STATES)
    days = [s for s in summaries if s.metadata.get("level") == "day" and "voices" in s.metadata]
    weeks = [period_of(date.fromisoformat(day.metadata["period"]), "week") for day in days]
    voices = (
        ((week, speaker), voice)
        for week, day in zip(weeks, days, strict=True)
        for speaker, voice in voices_of(day).items()
    )
    return [
        Mood(
            speaker=speaker,
            week=week,
            valence=voice.valence if voice.felt else None,
            felt=voice.felt,
            turns=voice.turns,
        )
        for (week, speaker), voice in sorted(sum_voices(voices).items())
    ]
