"""Thoughts among what was found: they lift the moments that they rest on, and what replaced another comes before it."""

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from memkit.batches import NONE
from memkit.models import MEMORY_KINDS
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Columns, Ints
from memkit.recall.ranking.candidates import Pool
from memkit.recall.ranking.query import Query, column_as_of

THOUGHT = 0.5  # the share of a thought's evidence that its turns take


def attach_thoughts(pool: Pool, columns: Columns, query: Query) -> None:
    """A thought lifts the turns that it rests on, and is shown with them instead of beside them."""
    if query.kinds is not None or not columns.sources:
        return
    seqs = pool.scene.seqs
    thoughts = np.flatnonzero(columns.column("kind")[pool.rows] == MEMORY_KINDS.index("thought")).tolist()
    if not thoughts:
        return
    at = {seq: i for i, seq in enumerate(seqs.tolist())}
    lifted = pool.score.copy()
    untrue, true = set[int](), set[int]()
    for thought in thoughts:
        turns = [at[s] for s in _sources(pool, columns, thought) if s in at and pool.eligible[at[s]]]
        if query.valid_at is not None and not pool.eligible[thought]:
            untrue.update(turns)
        elif turns:
            true.update(turns)
            _lift(pool, lifted, thought, turns, seqs)
    pool.score = lifted
    pool.eligible[sorted(untrue - true)] = False  # nothing that was thought about it held at that time


def _lift(pool: Pool, lifted: FloatArray, thought: int, turns: Sequence[int], seqs: Ints) -> None:
    pool.eligible[thought] = False
    evidence = pool.parts["dense"][thought] + pool.parts["lexical"][thought]
    for turn in turns:
        pool.thoughts.setdefault(int(seqs[turn]), []).append(int(seqs[thought]))
        lifted[turn] = max(lifted[turn], pool.score[turn] + THOUGHT * max(float(evidence), 0.0))
        pool.relevance[turn] = max(pool.relevance[turn], pool.relevance[thought])


def fresh_first(pool: Pool, columns: Columns, query: Query) -> None:
    """What was superseded ranks below what replaced it, however often that was; so do the turns behind them."""
    pairs = sorted(_replacements(pool, columns, query))
    if query.valid_at is not None:
        pairs = [(old, new) for old, new in pairs if pool.eligible[new]]
    for old, new in pairs:
        pool.score[new] = max(pool.score[new], pool.score[old])
        pool.relevance[new] = max(pool.relevance[new], pool.relevance[old])
    for old, new in reversed(pairs):
        pool.score[old] = min(pool.score[old], pool.score[new] - 0.01)


def _replacements(pool: Pool, columns: Columns, query: Query) -> Iterator[tuple[int, int]]:
    """What was superseded and what replaced it, by their places in the pool."""
    if not columns.has("superseded_by") and not query.past:
        return
    seqs = pool.scene.seqs
    successors = column_as_of(columns, query, "superseded_by")[pool.rows]
    closed = np.flatnonzero(successors != NONE)
    at = {seq: i for i, seq in enumerate(seqs.tolist())} if len(closed) else {}
    outdated = {int(seqs[i]) for i in closed}
    for old in closed.tolist():
        new = at.get(int(successors[old]))
        if new is not None:
            yield old, new
            yield from _turns_behind(pool, columns, old, new, at, outdated)


def _turns_behind(
    pool: Pool, columns: Columns, old: int, new: int, at: Mapping[int, int], outdated: Set[int]
) -> Iterator[tuple[int, int]]:
    """The turns of two such thoughts, where the question is about the thought and the old turn led to no other."""
    before, after = (_sources(pool, columns, i) for i in (old, new))
    for turn in before:
        rests = pool.thoughts.get(turn, ())
        if turn in at and rests and outdated >= set(rests) and 2 * _own(pool, old) >= _own(pool, at[turn]):
            yield from ((at[turn], at[later]) for later in after if later in at and later != turn)


def _sources(pool: Pool, columns: Columns, i: int) -> tuple[int, ...]:
    return columns.sources.get(int(columns.column("seq")[pool.rows[i]]), ())


def _own(pool: Pool, i: int) -> float:
    return float(pool.parts["dense"][i] + pool.parts["lexical"][i])
