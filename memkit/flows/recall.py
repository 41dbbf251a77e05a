"""Recall: a query in, the memories that answer it out, with the reasons."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from memkit.errors import BankGoneError, UnknownMemoryError
from memkit.flows.context import BankContext, by_id
from memkit.flows.looking.question import EncodedQuestion, is_asked
from memkit.flows.looking.reranking import is_reranked, reranked
from memkit.flows.looking.standing import standing_of
from memkit.flows.read import everything
from memkit.items import key_of, leaf_texts
from memkit.models import MEMORY_STATES, BankState, Hit, Memory, PastState, State
from memkit.protocols import BankView, PageOptions
from memkit.recall.present.recollection import OnUse, Recollection
from memkit.recall.ranking.newer_values import newer_value
from memkit.recall.ranking.query import MAX_RESULTS, Query, RecallOptions
from memkit.recall.search import ScoredRow
from memkit.runtime.index_cache import LoadedBank
from memkit.runtime.reranker_slot import RerankOutcome
from memkit.text.curve import Curve
from memkit.text.forgetting.requests import may_ask, only_asks_to_forget
from memkit.text.terms.tokens import words
from memkit.text.times.dates import first_mentioned_time
from memkit.text.times.periods import PERIOD_LEVELS, period_of
from memkit.times import from_micros

EMPTY_FIELDS: dict[str, Any] = dict.fromkeys(Hit.model_fields)
HIT_STATE = Hit.model_construct(**EMPTY_FIELDS).__getstate__()  # of one with all its fields
RECALLED_STATES = ("active", "superseded")
MAX_ABOUT_RESULTS = 200
POSSIBLE_RELEVANCE = 0.1  # from which on a memory that holds all the words is about them
SURE_RELEVANCE = 0.8  # and from which on any memory is
LOOK_BACK_DAYS = 31  # before the newest turn in which the newest summary is looked for
MAX_SUMMARIES = 3  # about a topic
MAX_DAYS = 3  # whose summaries are given for a time that has none of its own


def recall(ctx: BankContext, options: RecallOptions) -> Recollection:
    """Search the bank; memories that the result places into a prompt are reinforced."""
    while True:
        state = ctx.services.indexes.state(ctx.name) if is_asked(options) else None
        with suppress(_OutdatedError, BankGoneError):
            return _recall(ctx, state or ctx.state(), options)
        ctx.services.indexes.forget(ctx.name)


class _OutdatedError(Exception):
    """The bank that was last seen under a name isn't there any more, or has other speakers by now."""


def _recall(ctx: BankContext, state: BankState | None, options: RecallOptions) -> Recollection:
    """Recall from a bank that was last seen in this state. Raises BankGoneError, _OutdatedError."""
    if state is None or not is_asked(options):
        return Recollection((), zone="UTC" if state is None else state.zone)
    speakers = ctx.services.indexes.speakers(state)
    question = EncodedQuestion.of(ctx, speakers, options)
    with ctx.services.indexes.opened(state.number) as (loaded, view):
        if view.state.name != ctx.name or loaded.speakers != speakers:
            raise _OutdatedError
        query = question.query(loaded.speakers, view)
        if not is_reranked(ctx, query):
            return _recollection(ctx, loaded, view, query)
    query, outcome = reranked(ctx, state, query)
    with ctx.services.indexes.opened(state.number) as (loaded, view):
        return _recollection(ctx, loaded, view, query, outcome)


def _recollection(
    ctx: BankContext, loaded: LoadedBank, view: BankView, query: Query, reranker: RerankOutcome | None = None
) -> Recollection:
    scored, day_first = loaded.search(query, view), ctx.settings.ranking.day_first
    wanted = {seq for row in scored for seq in (row.seq, *row.thoughts, *row.around)}
    seqs, instructing = sorted(wanted.union(*(row.beside for row in scored))), loaded.instructing_turns(view)
    rows = view.lazy_memories(seqs) if loaded.is_reflected else view.read_last(lambda view: view.lazy_memories(seqs))
    memories = _recallable({seq: rows[seq] for seq in sorted(wanted) if seq in rows}, query)
    further = [row for row in scored if row.further]
    scored = [*_newest_first([row for row in scored if not row.further], memories, query)[: query.options.k], *further]
    telling = _telling([row for row in scored if row.seq in memories], memories)
    hits = [_hit(ctx, row, memories, reranker) for row in telling]
    count = sum(not row.further for row in telling)
    best, further_hits = hits[:count], hits[count:]
    return Recollection(
        sorted(best, key=lambda hit: hit.memory.occurred_at) if query.whole else best,
        best_first=best,
        further=further_hits,
        gathered=max((row.gathered for row in telling), default=0),
        zone=view.state.zone,
        portrait=_portrait(loaded, view, query) if loaded.is_reflected else None,
        summaries=_summaries_for(loaded, view, query, has_hits=bool(memories), day_first=day_first),
        standing=partial(standing_of, instructing, loaded.instructing, query.options.as_of),
        beside=TurnsBeside(scored, memories, rows, query),
        on_use=_reinforcer(ctx, view.state.number, hits, query),
    )


def _telling(scored: list[ScoredRow], memories: Mapping[int, Memory]) -> list[ScoredRow]:
    """The rows that tell something; that any asks to have something forgotten is looked for in all texts at once."""
    if not may_ask("\n".join(memories[row.seq].text for row in scored)):
        return scored
    return [row for row in scored if _tells(memories[row.seq])]


def _tells(memory: Memory) -> bool:
    """Whether a memory may answer anything: a person who only asks to have something forgotten tells nothing of it."""
    return memory.kind != "turn" or memory.role not in (None, "user") or not only_asks_to_forget(memory.text)


def _newest_first(scored: Sequence[ScoredRow], memories: Mapping[int, Memory], query: Query) -> list[ScoredRow]:
    """Rows, best first; one with a newer value goes before that with the older."""
    if query.value is None:
        return list(scored)
    dated = {**memories, **{row.seq: _said_again(memories[row.seq], row) for row in scored if row.seq in memories}}
    pair = newer_value(query.options.query, query.value, {row.seq: row.words for row in scored}, dated)
    if pair is None:
        return list(scored)
    newer, older = (next(row for row in scored if row.seq == seq) for seq in pair)
    lifted = newer._replace(score=max(newer.score, older.score), older=older.seq)
    rest = [row for row in scored if row is not newer]
    place = rest.index(older)
    return [*rest[:place], lifted, *rest[place:]]


def _said_again(memory: Memory, row: ScoredRow) -> Memory:
    """A memory as it was said for the last time."""
    return memory if row.last_said is None else memory.model_copy(update={"occurred_at": from_micros(row.last_said)})


class TurnsBeside(Mapping[str, Sequence[Memory]]):
    """Turns beside each hit, by its id; of hits that nobody looks at they are never decoded."""

    def __init__(
        self, scored: Sequence[ScoredRow], memories: Mapping[int, Memory], rows: Mapping[int, Memory], query: Query
    ) -> None:
        self._seqs = {memories[row.seq].id: row.beside for row in scored if row.seq in memories}
        self._memories, self._rows, self._query = memories, rows, query

    def __getitem__(self, id: str) -> list[Memory]:
        turns = {seq: self._memories.get(seq) or self._rows[seq] for seq in self._seqs[id] if seq in self._rows}
        return list(_recallable(turns, self._query).values())

    def __iter__(self) -> Iterator[str]:
        return iter(self._seqs)

    def __len__(self) -> int:
        return len(self._seqs)


def _recallable(memories: Mapping[int, Memory], query: Query) -> dict[int, Memory]:
    """Memories without forgotten ones and those recorded too late."""
    return {seq: m for seq, m in _as_of(memories, query).items() if m.state in RECALLED_STATES}


def _as_of(memories: Mapping[int, Memory], query: Query) -> Mapping[int, Memory]:
    """Memories as they were at the moment that is asked about, without those recorded later."""
    as_of = query.options.as_of
    if as_of is None:
        return memories
    return {seq: _before(m, query.past.get(seq)) for seq, m in memories.items() if m.recorded_at <= as_of}


def _before(memory: Memory, past: PastState | None) -> Memory:
    if past is None:
        return memory
    until = None if past.valid_until is None else from_micros(past.valid_until)
    by = None if past.superseded_by is None else memory.superseded_by
    return memory.model_copy(update={"state": past.state, "valid_until": until, "superseded_by": by})


def _portrait(loaded: LoadedBank, view: BankView, query: Query) -> Memory | None:
    if query.options.as_of is None:
        page = PageOptions(("portrait",), limit=1)
        return loaded.read_once("portrait", lambda: next(iter(view.page(page)), None))
    every = view.page(PageOptions(("portrait",), MEMORY_STATES, limit=MAX_RESULTS))
    as_of = _as_of(view.memories(list(view.locate([portrait.id for portrait in every]).values())), query)
    return next((portrait for _, portrait in sorted(as_of.items(), reverse=True) if portrait.state == "active"), None)


def _summaries_for(
    loaded: LoadedBank, view: BankView, query: Query, *, has_hits: bool, day_first: bool
) -> Sequence[Memory]:
    """Summaries that go with the hits; none where none was ever written."""
    if not loaded.is_reflected:
        return ()
    return _about_topic(loaded, view, query) or _summaries(loaded, view, query, has_hits=has_hits, day_first=day_first)


def _about_topic(loaded: LoadedBank, view: BankView, query: Query) -> Sequence[Memory]:
    """Summaries about the topic of a question about the whole bank; none for any other question."""
    if query.whole is None:
        return ()
    options = replace(query.options, kinds=("summary",), k=MAX_SUMMARIES)
    rows = [row for row in loaded.search(replace(query, options=options), view) if not row.further]
    return list(view.memories([row.seq for row in rows]).values())


def _summaries(
    loaded: LoadedBank, view: BankView, query: Query, *, has_hits: bool, day_first: bool
) -> Sequence[Memory]:
    """The shortest period's summary that covers the time the question names, or its days', newest first.

    For a question without a time the newest of the widest period, if it has hits.
    """
    as_of = query.options.as_of
    once = loaded.read_once if as_of is None else _read_again
    if not once("any", lambda: view.page(PageOptions(("summary",), _states_as_of(as_of), limit=1))):
        return ()
    span = first_mentioned_time(query.options.query, query.now, view.state.zone, day_first=day_first)
    if span is None:
        return once("newest", lambda: _newest_summaries(view, as_of)) if has_hits else ()
    first, last = span.start.date(), (span.end - timedelta(microseconds=1)).date()
    common = [period_of(first, level) for level in PERIOD_LEVELS if period_of(first, level) == period_of(last, level)]
    days = _days_between(max(first, last - timedelta(days=LOOK_BACK_DAYS)), last)
    return once(
        (*common, *days),
        lambda: _first_summaries(view, common, as_of) or _summaries_of(view, days, as_of)[:MAX_DAYS],
    )


def _read_again(key: object, read: Callable[[], Sequence[Memory]]) -> Sequence[Memory]:
    """Value of a read that is not remembered: it is about another moment."""
    return read()


def _newest_summaries(view: BankView, as_of: datetime | None) -> Sequence[Memory]:
    last = view.position(None)
    if last is None:
        return ()
    day = last.at.astimezone(ZoneInfo(view.state.zone)).date()
    widest = [period_of(day, level) for level in reversed(PERIOD_LEVELS)]
    days = _days_between(day - timedelta(days=LOOK_BACK_DAYS), day)
    return _first_summaries(view, widest, as_of) or _summaries_of(view, days, as_of)[:1]


def _first_summaries(view: BankView, periods: Sequence[str], as_of: datetime | None) -> Sequence[Memory]:
    """Summaries of the first of these periods that has any."""
    return next(filter(None, (_summaries_of(view, [period], as_of) for period in periods)), ())


def _days_between(first: date, last: date) -> list[str]:
    return [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]


def _summaries_of(view: BankView, periods: Sequence[str], as_of: datetime | None) -> list[Memory]:
    """Summaries of these periods that stand (or stood), one for each, newest first."""
    memories = view.memories(view.matching({"period": list(periods)})).values()
    standing = [m for m in memories if m.kind == "summary" and m.state in _states_as_of(as_of)]
    summaries = [m for m in standing if as_of is None or m.recorded_at <= as_of]
    latest = {m.metadata["period"]: m for m in sorted(summaries, key=lambda m: m.recorded_at)}
    return sorted(latest.values(), key=lambda m: m.occurred_at, reverse=True)


def _states_as_of(as_of: datetime | None) -> tuple[State, ...]:
    return ("active",) if as_of is None else ("active", "superseded")


def _listed(memories: Mapping[int, Memory], seqs: Sequence[int]) -> tuple[Memory, ...]:
    return tuple([memories[seq] for seq in seqs if seq in memories]) if seqs else ()


def _hit(ctx: BankContext, scored: ScoredRow, memories: Mapping[int, Memory], reranker: RerankOutcome | None) -> Hit:
    memory = memories[scored.seq]
    named: dict[str, str] = {"name": scored.name} if scored.name else {}
    if reranker is not None:
        named["reranker"] = reranker
    if scored.older is not None and scored.older in memories:
        named["newer value"] = memories[scored.older].id
    return _constructed(
        memory=memory,
        score=scored.score,
        why={**scored.parts, "words": list(scored.words), **named, "key_phrases": list(memory.key_phrases)},
        bank=ctx.name,
        around=_listed(memories, scored.around),
        thoughts=_listed(memories, scored.thoughts),
        last_said=None if scored.last_said is None else from_micros(scored.last_said),
    )


def _constructed(**fields: Any) -> Hit:
    """A hit of all its fields, which are not checked: `model_construct`, twice as fast."""
    hit = Hit.__new__(Hit)
    hit.__setstate__({**HIT_STATE, "__dict__": fields})
    return hit


def _reinforcer(ctx: BankContext, bank: int, hits: Sequence[Hit], query: Query) -> OnUse | None:
    """The function that takes ids that were placed into a prompt; None where recall must leave no trace."""
    if ctx.services.read_only or not query.options.reinforce or query.options.as_of is not None:
        return None
    memories_by_id = {m.id: m for hit in hits for m in (hit.memory, *hit.around, *hit.thoughts)}

    def use(ids: Sequence[str]) -> None:
        _strengthen(ctx, bank, [memories_by_id[id] for id in ids if id in memories_by_id], query.now)

    return use


def _strengthen(ctx: BankContext, bank: int, memories: Sequence[Memory], at: datetime) -> None:
    curve = Curve.of(ctx.settings.decay)
    growth = [curve.growth_of(memory, at) for memory in memories]
    ctx.services.reinforcements.add(bank, [memory.id for memory in memories], at=at, growth=growth)


def reinforce(ctx: BankContext, ids: str | Sequence[str], now: datetime | None) -> int:
    """Strengthen what was used elsewhere; gives back how many of these are here. In a read-only store, none."""
    state = None if ctx.services.read_only else ctx.state()
    if state is None:
        return 0
    memories = list(by_id(ctx, [ids] if isinstance(ids, str) else ids).values())
    _strengthen(ctx, state.number, memories, now or ctx.now())
    return len(memories)


def relevant_ids(ctx: BankContext, about: str) -> list[str]:
    """Ids of memories about something: relevant to it by recall's own floor, or holding all its words, as items may."""
    if not about.strip():
        raise UnknownMemoryError("about: is empty. Say in a few words what is meant.")
    hits = recall(ctx, RecallOptions(about, k=MAX_ABOUT_RESULTS, min_score=POSSIBLE_RELEVANCE, reinforce=False))
    terms = {word.term for word in words(about)}
    relevant = [hit.memory.id for hit in hits if hit.score >= SURE_RELEVANCE or _holds(hit.memory.text, terms)]
    items = everything(ctx, ("item",))
    return relevant + [m.id for m in items if _holds(" ".join((key_of(m), *leaf_texts(m.metadata["value"]))), terms)]


def _holds(text: str, terms: set[str]) -> bool:
    return terms <= {word.term for word in words(text)}
