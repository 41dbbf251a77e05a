"""Recall: a query in, the memories that answer it out, with the reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from memkit.errors import InputError, UnknownMemoryError
from memkit.flows.context import BankContext
from memkit.flows.read import checked_kinds
from memkit.flows.reflection import recall_summaries
from memkit.models import MEMORY_STATES, BankState, Hit, Kind, Memory, PastState, Turn, checked_text
from memkit.observe.intake import as_turns
from memkit.protocols import BankView, FloatArray
from memkit.recall.present.recollection import Beside, Recollection
from memkit.recall.ranking.cues import without_names
from memkit.recall.ranking.query import Query
from memkit.recall.ranking.results import ScoredRow
from memkit.runtime.index_cache import Loaded
from memkit.text.curve import Curve
from memkit.text.terms.tokens import words
from memkit.times import Moment, as_utc, from_micros

MOST = 10_000  # results of one recall
CONTEXT = 0.2  # how much of it is that of the turns before
RECALLED = ("active", "superseded")  # states
CHOSEN_BY_ABOUT = 200
POSSIBLY_ABOUT = 0.1  # relevance from which on a memory that holds all the words is about them
SURELY_ABOUT = 0.8  # and from which on any memory is


@dataclass(frozen=True)
class Request:
    """A recall as it was asked for; `MemoryBank.recall` says what each part means."""

    query: str
    k: int = 10
    kinds: Sequence[Kind] | None = None
    where: Mapping[str, Any] | None = None
    speaker: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    context: Sequence[Any] = ()
    around: int = 0
    min_score: float | None = None
    now: Moment | None = None
    valid_at: Moment | None = None
    as_of: Moment | None = None
    reinforce: bool = True


def recall(ctx: BankContext, request: Request) -> Recollection:
    """Search the bank; what the result places into a prompt is reinforced."""
    _check(request)
    state = ctx.state()
    if state is None or not request.query.strip():
        return Recollection((), zone="UTC" if state is None else state.zone)
    context = _context_texts(request.context)
    vectors = _query_vectors(ctx, request.query, ctx.services.indexes.speakers(state), context)
    with ctx.services.indexes.opened(state.number) as (loaded, view):
        query = _query(ctx, loaded, view, request, context, vectors)
        return _recollected(ctx, view, request, query, loaded.search(query, view))


def _recollected(
    ctx: BankContext, view: BankView, request: Request, query: Query, scored: Sequence[ScoredRow]
) -> Recollection:
    memories, portrait = _memories(view, scored, query), _portraits(view, query)
    hits = [_hit(ctx, s, memories) for s in scored if s.seq in memories]
    return Recollection(
        hits,
        zone=view.state.zone,
        portrait=portrait[-1] if portrait else None,
        summaries=recall_summaries.summaries(view, request.query, query.now, query.as_of, found=bool(memories)),
        beside=_beside(view, scored, memories, query),
        on_use=_reinforcer(ctx, view.state, hits, request),
    )


def _asked_at(ctx: BankContext, request: Request) -> datetime:
    return ctx.now() if request.now is None else as_utc(request.now, field="now")


def _check(request: Request) -> None:
    checked_text(request.query, where="recall.query")
    checked_kinds(request.kinds)
    if not 1 <= request.k <= MOST:
        raise InputError(f"recall: k must lie between 1 and {MOST}.")
    if not 0 <= request.around <= MOST:
        raise InputError(f"recall: around must lie between 0 and {MOST}.")
    if request.min_score is not None and not 0 <= request.min_score <= 1:
        raise InputError("recall: min_score must lie between 0 and 1.")
    if isinstance(request.kinds, str) or isinstance(request.context, str):
        raise InputError("recall: kinds and context are sequences, for example kinds=['turn'].")


def _query_vectors(ctx: BankContext, query: str, speakers: Iterable[str], context: Sequence[str]) -> FloatArray | None:
    """Vectors of the query and its context, (1 + len(context), dimension); None where the encoder fails.

    A name outshines the rest of a short question, and who spoke is a cue of its own: so the query's vector
    leans towards that of the question without the speakers' names.
    """
    plain = without_names(query, speakers)
    if plain == query or not plain.strip():
        return ctx.services.encoder.try_encode([query, *context])
    vectors = ctx.services.encoder.try_encode([query, *context, plain])
    if vectors is None:
        return None
    share = ctx.settings.ranking.nameless
    blend = (1 - share) * vectors[0] + share * vectors[-1]
    return np.concatenate([blend[None] / np.linalg.norm(blend), vectors[1:-1]])


def _leaning(vectors: FloatArray) -> FloatArray:
    """The query's vector, leaning a little towards what was said just before it."""
    if len(vectors) == 1:
        return np.asarray(vectors[0])
    leaning = (1 - CONTEXT) * vectors[0] + CONTEXT * vectors[1:].mean(axis=0)
    return np.asarray(leaning / max(float(np.linalg.norm(leaning)), 1e-9), dtype=np.float32)


def _context_texts(context: Sequence[Any]) -> list[str]:
    texts = [item if isinstance(item, str) else None for item in context]
    turns = as_turns([item for item in context if not isinstance(item, str)])
    rest = iter([turn.text for turn in turns if isinstance(turn, Turn)])
    return [text for text in (t if t is not None else next(rest, "") for t in texts) if text.strip()]


def _query(
    ctx: BankContext,
    loaded: Loaded,
    view: BankView,
    request: Request,
    context: Sequence[str],
    vectors: FloatArray | None,
) -> Query:
    def moment(name: str) -> datetime | None:
        value = getattr(request, name)
        return None if value is None else as_utc(value, field=name)

    as_of = moment("as_of")
    return Query(
        text=request.query,
        vector=None if vectors is None else _leaning(vectors),
        k=request.k,
        kinds=None if request.kinds is None else tuple(request.kinds),
        speaker=request.speaker,
        since=moment("since"),
        until=moment("until"),
        now=_asked_at(ctx, request),
        valid_at=moment("valid_at"),
        as_of=as_of,
        past={} if as_of is None else view.states_at(as_of),
        around=request.around,
        context=tuple(context),
        min_score=request.min_score,
        allowed=None if request.where is None else frozenset(view.matching(request.where)),
        speakers=loaded.speakers,
    )


def _memories(view: BankView, scored: Sequence[ScoredRow], query: Query) -> dict[int, Memory]:
    """The hits with what belongs to them, by seq, without what was forgotten or recorded too late."""
    wanted = {seq for s in scored for seq in (s.seq, *s.thoughts, *s.around)}
    return _recalled(view.memories(sorted(wanted)), query)


def _beside(view: BankView, scored: Sequence[ScoredRow], memories: Mapping[int, Memory], query: Query) -> Beside:
    """By id, the turns beside each hit; those that aren't among these memories are made when a prompt needs them."""
    others = view.later(sorted({seq for s in scored for seq in s.beside} - memories.keys()))

    def beside() -> dict[str, Sequence[Memory]]:
        every = {**memories, **_recalled(others(), query)}
        return {memories[s.seq].id: _listed(every, s.beside) for s in scored if s.seq in memories}

    return beside


def _recalled(found: dict[int, Memory], query: Query) -> dict[int, Memory]:
    return {seq: m for seq, m in _then(found, query).items() if m.state in RECALLED}


def _then(found: dict[int, Memory], query: Query) -> dict[int, Memory]:
    """Memories as they were at the moment that is asked about, without what was recorded later."""
    if query.as_of is None:
        return found
    return {seq: _before(m, query.past.get(seq)) for seq, m in found.items() if m.recorded_at <= query.as_of}


def _before(memory: Memory, past: PastState | None) -> Memory:
    if past is None:
        return memory
    until = None if past.valid_until is None else from_micros(past.valid_until)
    by = None if past.superseded_by is None else memory.superseded_by
    return memory.model_copy(update={"state": past.state, "valid_until": until, "superseded_by": by})


def _portraits(view: BankView, query: Query) -> list[Memory]:
    if query.as_of is None:
        return view.page(("portrait",), None, 1, ("active",))
    every = view.page(("portrait",), None, MOST, MEMORY_STATES)
    then = _then(view.memories(list(view.locate([portrait.id for portrait in every]).values())), query)
    return [portrait for _, portrait in sorted(then.items()) if portrait.state == "active"]


def _listed(memories: Mapping[int, Memory], seqs: Sequence[int]) -> list[Memory]:
    return [memories[seq] for seq in seqs if seq in memories]


def _hit(ctx: BankContext, scored: ScoredRow, memories: Mapping[int, Memory]) -> Hit:
    memory = memories[scored.seq]
    return Hit(
        memory=memory,
        score=scored.score,
        why={**scored.parts, "words": list(scored.words), "key_phrases": list(memory.key_phrases)},
        bank=ctx.name,
        around=tuple(_listed(memories, scored.around)),
        thoughts=tuple(_listed(memories, scored.thoughts)),
    )


def _reinforcer(ctx: BankContext, state: BankState, hits: Sequence[Hit], request: Request) -> Any:
    """What to do with the ids that were placed into a prompt; None where recall must leave no trace."""
    if ctx.services.read_only or not request.reinforce or request.as_of is not None:
        return None
    curve = Curve.of(ctx.settings.decay)
    by_id = {m.id: m for hit in hits for m in (hit.memory, *hit.around, *hit.thoughts)}
    now = _asked_at(ctx, request)

    def use(ids: Sequence[str]) -> None:
        used = [by_id[id] for id in ids if id in by_id]
        grown = [curve.growth_of(m, now) for m in used]
        ctx.services.reinforcements.add(state.number, [m.id for m in used], at=now, growth=grown)

    return use


def relevant_ids(ctx: BankContext, about: str) -> list[str]:
    """Ids of what is about something: relevant to it by recall's own floor, or holding all its words."""
    if not about.strip():
        raise UnknownMemoryError("about: is empty. Say in a few words what is meant.")
    found = recall(ctx, Request(about, k=CHOSEN_BY_ABOUT, min_score=POSSIBLY_ABOUT, reinforce=False))
    asked = {word.term for word in words(about)}
    return [hit.memory.id for hit in found if hit.score >= SURELY_ABOUT or asked <= _held(hit)]


def _held(hit: Hit) -> set[str]:
    return {word.term for word in words(hit.memory.text)}
