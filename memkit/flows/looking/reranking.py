"""Reranking: the best of a search, read again by a slower model, whose scores are evidence of a second search.

The model is asked outside the bank's lock and snapshot: whatever it takes, nobody waits for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from memkit.errors import InputError
from memkit.flows.context import BankContext
from memkit.models import BankState, Memory
from memkit.protocols import FloatArray
from memkit.recall.ranking.query import Query
from memkit.recall.search import ScoredRow
from memkit.rerankers.base import RerankCandidate
from memkit.runtime.reranker_slot import RerankOutcome

RERANKED_ROWS = 64  # the best, that the reranker reads
AROUND_ROWS = 2  # turns on each side that it reads with them


def is_reranked(ctx: BankContext, query: Query) -> bool:
    """Whether a reranker is to be asked. Raises InputError where one is wanted and there is none."""
    if query.options.rerank and ctx.services.reranker is None:
        raise InputError("recall: rerank=True needs a reranker. Open the store with memkit.open(..., reranker=...).")
    has_words = bool(query.options.query.strip())
    return ctx.services.reranker is not None and query.options.rerank is not False and has_words


def reranked(ctx: BankContext, state: BankState, query: Query) -> tuple[Query, RerankOutcome | None]:
    """The query with a reranker's evidence, and whether it came in time; None where there is nothing to rerank."""
    slot = ctx.services.reranker
    if slot is None:
        return query, None
    options = replace(query.options, k=max(query.options.k, RERANKED_ROWS), min_score=0.0, around=AROUND_ROWS)
    with ctx.services.indexes.opened(state.number) as (loaded, view):
        rows = loaded.search(replace(query, options=options), view)[:RERANKED_ROWS]
        memories = view.memories(sorted({seq for row in rows for seq in (row.seq, *row.around)}))
    rows = [row for row in rows if row.seq in memories]
    if not rows:
        return query, None
    outcome, scores = slot.rerank(query.options.query, [_candidate(row, memories) for row in rows])
    if scores is None:
        return query, outcome
    evidence_by_seq = dict(zip([row.seq for row in rows], _evidence(scores).tolist(), strict=True))
    return replace(query, reranked=evidence_by_seq), outcome


def _candidate(row: ScoredRow, memories: Mapping[int, Memory]) -> RerankCandidate:
    memory = memories[row.seq]
    around = [seq for seq in row.around if seq in memories]
    before, after = [s for s in around if s < row.seq], [s for s in around if s > row.seq]
    return RerankCandidate(
        memory.text, memory.speaker, memory.occurred_at, _turn_lines(before, memories), _turn_lines(after, memories)
    )


def _turn_lines(seqs: Sequence[int], memories: Mapping[int, Memory]) -> tuple[str, ...]:
    turns = [memories[seq] for seq in seqs]
    return tuple(f"{turn.speaker}: {turn.text}" if turn.speaker else turn.text for turn in turns)


def _evidence(scores: FloatArray) -> FloatArray:
    """Scores in standard deviations above the least: what was not read stands with the worst that was."""
    spread = float(scores.std())
    return np.asarray((scores - scores.min()) / spread if spread > 1e-9 else np.zeros_like(scores), dtype=np.float32)
