"""Links between a bank's rows, followed from results: a thought lifts the turns that it rests on, a memory comes after
its replacement, and the turns just before and after a turn are shown with it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache
from itertools import compress

import numpy as np

from memkit.batches import NO_VALUE
from memkit.models import MEMORY_KINDS
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Columns
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.candidates import Candidates
from memkit.recall.ranking.query import Query, column_as_of

THOUGHT_SHARE = 0.5  # of a thought's evidence, which its turns take
REPLACED_MARGIN = 0.01  # by which a superseded row ranks below what replaced it
THOUGHT_KIND, TURN_KIND = MEMORY_KINDS.index("thought"), MEMORY_KINDS.index("turn")
FIRST_ROWS, WIDENING_FACTOR = 8, 16  # looked at for each turn that is wanted; times as many in each further look


def attach_thoughts(candidates: Candidates, columns: Columns, query: Query) -> None:
    """Lift the turns that a thought rests on, and show it with them instead of beside them."""
    seqs, eligible = candidates.features.seqs, candidates.eligible
    thoughts = np.flatnonzero(columns.column("kind")[candidates.features.rows] == THOUGHT_KIND).tolist()
    if not thoughts:
        return
    at = {seq: i for i, seq in enumerate(seqs.tolist())}
    lifted = candidates.score.copy()
    untrue, true = set[int](), set[int]()
    for thought in thoughts:
        turns = [at[s] for s in _sources(candidates, columns, thought) if s in at and eligible[at[s]]]
        if query.options.valid_at is not None and not eligible[thought]:
            untrue.update(turns)
        elif turns:
            true.update(turns)
            _lift(candidates, lifted, thought, turns, seqs)
    candidates.score = lifted
    eligible[sorted(untrue - true)] = False  # no thought that rests on them held at that time


def _lift(candidates: Candidates, lifted: FloatArray, thought: int, turns: Sequence[int], seqs: Ints) -> None:
    candidates.eligible[thought] = False
    score, relevance = candidates.score, candidates.relevance
    evidence = max(float(candidates.parts["dense"][thought] + candidates.parts["lexical"][thought]), 0.0)
    for turn in turns:
        candidates.thoughts.setdefault(int(seqs[turn]), []).append(int(seqs[thought]))
        lifted[turn] = max(lifted[turn], score[turn] + THOUGHT_SHARE * evidence)
        relevance[turn] = max(relevance[turn], relevance[thought])


def order_superseded(candidates: Candidates, columns: Columns, query: Query) -> None:
    """Rank superseded rows below what replaced them, however often that was; so too the turns behind them."""
    pairs = sorted(_replacements(candidates, columns, query))
    score, relevance = candidates.score, candidates.relevance
    if query.options.valid_at is not None:
        pairs = [(old, new) for old, new in pairs if candidates.eligible[new]]
    for old, new in pairs:
        score[new] = max(score[new], score[old])
        relevance[new] = max(relevance[new], relevance[old])
    for old, new in reversed(pairs):
        score[old] = min(score[old], score[new] - REPLACED_MARGIN)


def _replacements(candidates: Candidates, columns: Columns, query: Query) -> Iterator[tuple[int, int]]:
    """Superseded rows and their replacements, by their places among the candidates."""
    seqs = candidates.features.seqs
    successors = column_as_of(columns, query, "superseded_by")[candidates.features.rows]
    closed = np.flatnonzero(successors != NO_VALUE)
    at = {seq: i for i, seq in enumerate(seqs.tolist())} if len(closed) else {}
    outdated = {int(seqs[i]) for i in closed}
    for old in closed.tolist():
        new = at.get(int(successors[old]))
        if new is not None:
            yield old, new
            yield from _turns_behind(candidates, columns, old, new, at, outdated)


def _turns_behind(
    candidates: Candidates, columns: Columns, old: int, new: int, at: Mapping[int, int], outdated: Set[int]
) -> Iterator[tuple[int, int]]:
    """The turns of two such thoughts, where the question is about the thought and the old turn led to no other."""
    before, after = (_sources(candidates, columns, i) for i in (old, new))
    for turn in before:
        rests = candidates.thoughts.get(turn, ())
        if turn in at and rests and outdated >= set(rests) and 2 * _own(candidates, old) >= _own(candidates, at[turn]):
            yield from ((at[turn], at[later]) for later in after if later in at and later != turn)


def _sources(candidates: Candidates, columns: Columns, i: int) -> tuple[int, ...]:
    """Turns that a thought rests on; of what was said again, the turn that said it first."""
    own = columns.sources.get(int(candidates.features.seqs[i]), ())
    if not own or not columns.has("echo_of"):
        return own
    rows, inside = columns.rows_of(np.array(own, dtype=np.int64))
    firsts = columns.column("echo_of")[rows].tolist()
    there = np.array(own)[inside].tolist()
    return tuple(dict.fromkeys(seq if first == NO_VALUE else first for seq, first in zip(there, firsts, strict=True)))


def _own(candidates: Candidates, i: int) -> float:
    return float(candidates.parts["dense"][i] + candidates.parts["lexical"][i])


def adjacent_turns(columns: Columns, rows: Ints, reach: int) -> dict[int, list[int]]:
    """Rows of the turns beside each of these rows that is a turn of a session, in order, by row.

    At most `reach` before it, and as many after it.
    """
    session, kind = columns.column("session"), columns.column("kind")
    own = session.take(rows)
    is_turn = (own >= 0) & (kind.take(rows) == TURN_KIND)
    turns, own = (rows, own) if is_turn.all() else (rows[is_turn], own[is_turn])
    near = turns[:, None] + _steps(reach)
    inside = near.clip(0, columns.count - 1)
    beside = (session.take(inside) == own[:, None]) & (kind.take(inside) == TURN_KIND) & (inside == near)
    by_row = zip(turns.tolist(), near.tolist(), beside.tolist(), strict=True)
    adjacent = {row: list(compress(rows_near, own_near)) for row, rows_near, own_near in by_row}
    at_ends = ~beside.all(axis=1)
    if at_ends.any():
        bounds = zip(*(ends.tolist() for ends in columns.statistics.sessions.bounds(own[at_ends])), strict=True)
        for row, (first, last) in zip(turns[at_ends].tolist(), bounds, strict=True):
            if len(adjacent[row]) < min(row + reach, last) - max(row - reach, first):
                adjacent[row] = _beside(session, kind, row, (first, last), reach)
    return adjacent


@cache
def _steps(reach: int) -> Ints:
    """Steps to the rows before and after one."""
    return np.concatenate([np.arange(-reach, 0), np.arange(1, reach + 1)])


def _beside(session: Ints, kind: Ints, row: int, bounds: tuple[int, int], reach: int) -> list[int]:
    """Sessions may be interleaved: so wider and wider around the row, up to where its session begins and ends."""
    width, (first, last) = FIRST_ROWS * reach, bounds
    while True:
        start, end = max(first, row - width), min(last, row + width) + 1
        inside = (session[start:end] == session[row]) & (kind[start:end] == TURN_KIND)
        own = (start + inside.nonzero()[0]).tolist()
        at = bisect_left(own, row)
        enough_before, enough_after = at >= reach or start == first, len(own) - at > reach or end == last + 1
        if enough_before and enough_after:
            return [*own[max(0, at - reach) : at], *own[at + 1 : at + 1 + reach]]
        width *= WIDENING_FACTOR
