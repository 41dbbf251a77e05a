"""Why not: the steps of a recall, gone through for one memory, up to the one at which it fell out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from memkit.errors import InputError
from memkit.flows.context import BankContext
from memkit.flows.looking.question import EncodedQuestion, is_asked
from memkit.flows.looking.reranking import is_reranked, reranked
from memkit.models import Memory
from memkit.protocols import BankView
from memkit.recall.index.columns import Columns
from memkit.recall.index.seq_array import Ints
from memkit.recall.present.explanation import Explanation
from memkit.recall.ranking.open_questions import TOPIC_RELEVANCE
from memkit.recall.ranking.query import (
    MAX_RESULTS,
    RECALLED_KINDS,
    REFLECTED_KINDS,
    Query,
    RecallOptions,
    is_eligible,
    is_visible,
)
from memkit.recall.search import MIN_RELEVANCE, ScoredRow
from memkit.runtime.index_cache import LoadedBank
from memkit.text.forgetting.requests import only_asks_to_forget

FILTER_NAMES = ("speaker", "since", "until", "valid_at")


def explain(ctx: BankContext, id: str, options: RecallOptions) -> Explanation:
    """Say at which step of this recall the memory fell out, or that it is among the results. Raises InputError."""
    if not is_asked(options):
        raise InputError("explain: the question is empty, and finds nothing. Ask with words, or since= or until=.")
    state = ctx.state()
    if state is None:
        return _unknown(id)
    question = EncodedQuestion.of(ctx, ctx.services.indexes.speakers(state), options)
    with ctx.services.indexes.opened(state.number) as (loaded, view):
        query = question.query(loaded.speakers, view)
    if is_reranked(ctx, query):
        query, _ = reranked(ctx, state, query)
    with ctx.services.indexes.opened(state.number) as (loaded, view):
        return _explained(id, query, loaded, view)


def _unknown(id: str) -> Explanation:
    remedy = "Ids hold within one bank; what was erased has none."
    return Explanation(id=id, step="unknown", reason="No memory of this bank has this id.", remedy=remedy)


def _explained(id: str, query: Query, loaded: LoadedBank, view: BankView) -> Explanation:
    seq = view.locate([id]).get(id)
    if seq is None:
        return _unknown(id)
    memory = view.memories([seq])[seq]
    barred = next(_bars(memory, seq, query, loaded), None)
    if barred is not None:
        return barred
    return _ranked(memory, seq, query, loaded, view)


def _bars(memory: Memory, seq: int, query: Query, loaded: LoadedBank) -> Iterator[Explanation]:
    """Whatever keeps a memory out before anything is compared, in the order of the search."""
    if not _is_visible(memory, seq, query, loaded):
        yield _hidden(memory, query)
    if memory.echo_of is not None:
        reason = f"It says again what {memory.echo_of} said first, and that one stands for it."
        yield Explanation(id=memory.id, step="echo", reason=reason, remedy=f"Look at {memory.echo_of}.")
    kinds = query.options.kinds or RECALLED_KINDS
    if memory.kind not in kinds:
        reason = f"It is a {memory.kind}; asked for: {', '.join(kinds)}."
        yield Explanation(id=memory.id, step="kind", reason=reason, remedy=f'kinds=["{memory.kind}"] asks for it.')
    if names := list(_failed_filters(memory, seq, query, loaded)):
        reason, remedy = (
            f"It doesn't fit {' and '.join(names)}.",
            f"Leave out {', '.join(f'{name}=' for name in names)}.",
        )
        yield Explanation(id=memory.id, step="filters", reason=reason, remedy=remedy)
    if memory.kind == "turn" and memory.role in (None, "user") and only_asks_to_forget(memory.text):
        yield Explanation(
            id=memory.id,
            step="request",
            reason="It only asks to have something forgotten, which answers nothing.",
            remedy="bank.requests() lists what was asked to be forgotten.",
        )


def _is_visible(memory: Memory, seq: int, query: Query, loaded: LoadedBank) -> bool:
    if memory.kind in REFLECTED_KINDS and memory.state == "superseded" and query.options.as_of is None:
        return False
    columns, rows = _row(memory, seq, loaded)
    return bool(len(rows)) and bool(is_visible(columns, rows, query).all())


def _row(memory: Memory, seq: int, loaded: LoadedBank) -> tuple[Columns, Ints]:
    """The columns of the index that holds a memory, and its row in them, (1,)."""
    searcher = loaded.searcher_of(memory.kind)
    columns = searcher.index.columns
    return columns, columns.rows_of(np.array([seq], dtype=np.int64))[0]


def _hidden(memory: Memory, query: Query) -> Explanation:
    as_of = query.options.as_of
    if as_of is not None and memory.recorded_at > as_of:
        reason, remedy = "It was recorded later than as_of.", "A later as_of, or none, brings it in."
    elif memory.superseded_by is not None:
        reason, remedy = (
            f"It is {memory.state}: {memory.superseded_by} took its place.",
            f"Look at {memory.superseded_by}.",
        )
    else:
        reason, remedy = f"It is {memory.state}.", "bank.restore(id) brings it back into recall."
    return Explanation(id=memory.id, step="hidden", reason=reason, remedy=remedy)


def _failed_filters(memory: Memory, seq: int, query: Query, loaded: LoadedBank) -> Iterator[str]:
    """Names of the options that leave it out, each by itself."""
    columns, rows = _row(memory, seq, loaded)
    for name in FILTER_NAMES:
        if (
            getattr(query.options, name) is not None
            and not is_eligible(columns, rows, _only(query, memory, name)).all()
        ):
            yield name
    if query.allowed is not None and seq not in query.allowed:
        yield "where"
    if seq in query.left_out:
        yield "without"


def _only(query: Query, memory: Memory, name: str) -> Query:
    """The query with one of its filters alone."""
    others: dict[str, Any] = {other: None for other in FILTER_NAMES if other != name}
    options = replace(query.options, kinds=[memory.kind], **others)
    return replace(query, options=options, allowed=None, left_out=frozenset())


def _ranked(memory: Memory, seq: int, query: Query, loaded: LoadedBank, view: BankView) -> Explanation:
    """Its place among all that are compared, beside the last result."""
    options = query.options
    results = [row for row in loaded.search(query, view) if not row.further][: options.k]
    every = loaded.search(replace(query, options=replace(options, k=MAX_RESULTS, min_score=0.0)), view)
    holder = next((row for row in every if seq in row.thoughts), None)
    if holder is not None:
        return _attached(memory, holder, results, view)
    own = next((row for row in every if row.seq == seq), None)
    if own is None or not _is_compared(own, seq, query, loaded, view):
        of_a_time = loaded.searcher.index.vectors.exact or any(row.gathered for row in every)
        return _uncompared(memory, own is None and of_a_time)
    last = min(results, key=_rank_sum) if results else None
    last_id = None if last is None else view.memories([last.seq])[last.seq].id
    explanation = Explanation(
        id=memory.id,
        step="found",
        reason="",
        rank=_rank(own, every),
        score=own.score,
        parts=own.parts,
        last_id=last_id,
        last_parts={} if last is None else last.parts,
    )
    return _judged(explanation, own, results, query)


def _is_compared(own: ScoredRow, seq: int, query: Query, loaded: LoadedBank, view: BankView) -> bool:
    """Whether the search as asked compares it; with a greater k, as here, it compares more."""
    is_aside = any(seq in seqs for seqs in loaded.seqs_aside.values())
    return own.gathered > 0 or is_aside or loaded.searcher.is_candidate(seq, query, view)


def _rank_sum(row: ScoredRow) -> float:
    return sum(value for name, value in row.parts.items() if name != "cosine")


def _rank(own: ScoredRow, every: Sequence[ScoredRow]) -> int:
    if own.gathered:
        return 1 + sum(_rank_sum(row) > _rank_sum(own) for row in every)
    return 1 + next(i for i, row in enumerate(every) if row.seq == own.seq)


def _judged(explanation: Explanation, own: ScoredRow, results: Sequence[ScoredRow], query: Query) -> Explanation:
    """The step that decided for a memory that was compared, with the reason and what helps."""
    options, usual = query.options, TOPIC_RELEVANCE if query.whole else MIN_RELEVANCE
    floor = usual if options.min_score is None else options.min_score
    if any(row.seq == own.seq for row in results):
        return explanation.model_copy(update={"reason": f"It is among the {len(results)} results."})
    if not results and options.min_score is None:
        reason = f"The bank was judged unable to answer this; the relevance of this memory is {own.score:.2f}."
        remedy = f"min_score=0 gives results whatever they are{_with_k(explanation, options.k)}."
        return explanation.model_copy(update={"step": "unanswerable", "reason": reason, "remedy": remedy})
    if len(results) < min(options.k, explanation.rank or 0) and own.score >= floor:
        reason = f"The bank isn't sure to answer this, so {len(results)} are given; it is number {explanation.rank}."
        remedy = f"min_score=0 gives results whatever they are{_with_k(explanation, options.k)}."
        return explanation.model_copy(update={"step": "floor", "reason": reason, "remedy": remedy})
    if own.score < floor:
        reason = f"Its relevance, {own.score:.2f}, lies below the least that counts, {floor:.2f}."
        remedy = (
            f"min_score={np.floor(own.score * 100) / 100:.2f} would let it through{_with_k(explanation, options.k)}."
        )
        return explanation.model_copy(update={"step": "floor", "reason": reason, "remedy": remedy})
    reason = f"It is number {explanation.rank} of those that answer, and k={options.k} were asked for."
    return explanation.model_copy(update={"step": "rank", "reason": reason, "remedy": _outranked(explanation)})


def _with_k(explanation: Explanation, k: int) -> str:
    return f", together with k={explanation.rank}" if explanation.rank is not None and explanation.rank > k else ""


def _outranked(explanation: Explanation) -> str:
    lacks = [f"{name} ({own:.2f}, there {other:.2f})" for name, own, other in explanation.lacks]
    behind = f" Behind the last result it lacks most: {', '.join(lacks)}." if lacks else ""
    return f"k={explanation.rank} would have brought it in.{behind}"


def _attached(memory: Memory, holder: ScoredRow, results: Sequence[ScoredRow], view: BankView) -> Explanation:
    turn = view.memories([holder.seq])[holder.seq].id
    shown = any(row.seq == holder.seq for row in results)
    reason = f"It is shown with the turn that it rests on, {turn}, which is {'a' if shown else 'no'} result."
    remedy = "" if shown else f"Explain {turn} instead."
    return Explanation(id=memory.id, step="attached", reason=reason, remedy=remedy, parts=holder.parts)


def _uncompared(memory: Memory, is_of_a_time: bool) -> Explanation:
    if is_of_a_time:
        reason, remedy = "The question is about a time alone, and it wasn't said in it.", "Name its time, or its topic."
        return Explanation(id=memory.id, step="time", reason=reason, remedy=remedy)
    return Explanation(
        id=memory.id,
        step="candidates",
        reason="Of a large bank only what shares words with the question or lies near it in meaning is compared.",
        remedy="Ask with a rare word that it holds, or with a greater k, for which more is compared.",
    )
