"""Evictions against slow, obvious versions of the paper's and of its authors' rules, one by one and in streams."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memkit.errors import InputError
from memkit.protocols import Token
from memkit.surprisal.entropy_filter import Budget, EntropyFilter, KeptToken, kept_positions
from memkit.surprisal.logits import Mode

CASES = 10_000
STREAMS = 1_500

few = st.sampled_from([0.0, 1.0, 2.5, 2.5001, 7.0, 12.0])  # many ties
score_lists = st.lists(st.one_of(few, st.floats(0, 15)), max_size=60)
budgets = st.builds(Budget, st.integers(0, 6), st.integers(1, 25), st.integers(0, 10), st.sampled_from([0.5, 1.0]))


class NoRoomError(Exception):
    """More comes than the authors' code can make room for: it stops with a failed assertion."""


def slow_reference(scores: Sequence[float], coming: int, budget: Budget) -> list[int]:
    """The authors' rules, one step after the other, their oddities included.

    The highest scores are sought at the start, too, so that fewer are kept elsewhere; what then is missing is
    filled from the newest downwards, but never with position 0.
    """
    capacity = budget.start + budget.recent + budget.entropy
    if len(scores) + coming <= capacity:
        return list(range(len(scores)))
    target = capacity - coming
    keep = set(range(budget.start))
    ranked = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    for rank, position in enumerate(ranked, start=1):
        if rank <= budget.entropy - coming:
            keep.add(position)
    for position in range(len(scores) - 1, 0, -1):
        if len(keep) < target:
            keep.add(position)
    if len(keep) != target:
        raise NoRoomError
    return sorted(keep)


def slow_paper(scores: Sequence[float], coming: int, budget: Budget) -> list[int]:
    """Drop the least surprising token that is neither at the start nor among the newest, one at a time."""
    keep = list(range(len(scores)))
    while len(keep) + coming > budget.start + budget.recent + budget.entropy:
        newest = max(0, budget.recent - coming)
        middle = keep[budget.start : len(keep) - newest]
        if not middle:
            raise NoRoomError
        keep.remove(min(middle, key=lambda i: (scores[i], -i)))
    return keep


Rule = Callable[[Sequence[float], int, Budget], list[int]]
SLOW: dict[Mode, Rule] = {"paper": slow_paper, "reference": slow_reference}


def outcome(scores: Sequence[float], coming: int, budget: Budget, mode: Mode) -> str:
    """Compare one eviction with the slow one, and tell what kind of case it was."""
    try:
        expected = SLOW[mode](scores, coming, budget)
    except NoRoomError:
        with pytest.raises(InputError, match=rf"{coming} tokens doesn't fit .* {budget.longest} .*split long turns"):
            kept_positions(scores, coming, budget, mode=mode)
        return "does not fit"
    assert kept_positions(scores, coming, budget, mode=mode).tolist() == expected
    return "all fits" if len(expected) == len(scores) else "evicted"


@pytest.mark.parametrize("mode", SLOW)
def test_ten_thousand_random_evictions_equal_the_slow_rules_and_fail_where_they_fail(mode: Mode) -> None:
    rng = random.Random(2405_12528)
    seen: Counter[str] = Counter()
    for _ in range(CASES):
        digits = rng.choice((0, 0, 1, 6))  # few digits: many ties
        scores = [round(rng.uniform(0, 12), digits) for _ in range(rng.randint(0, 60))]
        budget = Budget(rng.randint(0, 6), rng.randint(0, 25), rng.choice((0, 1, 4, 10)) or 1)
        if rng.random() < 0.5:  # as in the paper: nothing is kept for being new
            budget = Budget(budget.start, max(1, budget.entropy))
        seen[outcome(scores, rng.randint(0, rng.choice((3, 12, 40))), budget, mode)] += 1
    assert seen["evicted"] > CASES / 2
    assert min(seen["does not fit"], seen["all fits"]) > CASES / 20


class SlowFilter:
    """A stream through the slow rules: evict, let every score decay, append; rows in one list."""

    def __init__(self, budget: Budget, mode: Mode, *, split: bool) -> None:
        self.budget, self.mode, self.split = budget, mode, split
        self.rows: list[KeptToken] = []
        self.turns = self.seen = 0

    def feed(self, tokens: Sequence[Token]) -> list[tuple[int, int]]:
        """Turn and number in it of each token that was evicted, in order."""
        size = self.budget.entropy + self.budget.recent if self.split else len(tokens)
        pieces = [tokens[:size]]
        while len(tokens) > sum(map(len, pieces)):
            pieces.append(tokens[sum(map(len, pieces)) :][:size])
        gone: list[tuple[int, int]] = []
        for number, piece in enumerate(pieces):
            keep = SLOW[self.mode]([row.score for row in self.rows], len(piece), self.budget)
            gone += [(row.turn, row.start) for i, row in enumerate(self.rows) if i not in keep]
            self.rows = [self.rows[i] for i in keep]
            if number == 0:
                self.rows = [row._replace(score=row.score * self.budget.decay) for row in self.rows]
            for token in piece:
                self.rows.append(KeptToken(self.seen, self.turns, *token))
                self.seen += 1
        self.turns += 1
        return gone


@pytest.mark.parametrize("mode", SLOW)
def test_whole_streams_keep_and_evict_what_the_slow_rules_do_turn_by_turn(mode: Mode) -> None:
    rng = random.Random(10_000)
    refused = 0
    for number in range(STREAMS):
        budget = Budget(rng.randint(0, 4), rng.randint(1, 20), rng.choice((0, 0, 3)), rng.choice((1, 0.9, 0.5, 0)))
        fast = EntropyFilter(budget, mode=mode, split=number % 2 == 0)
        slow = SlowFilter(budget, mode, split=number % 2 == 0)
        for _ in range(8):
            tokens = [Token(i, i + 1, round(rng.uniform(0, 9), 1)) for i in range(rng.randint(0, 18))]
            try:
                expected = slow.feed(tokens)
            except NoRoomError:
                refused += 1
                with pytest.raises(InputError, match="doesn't fit"):
                    fast.feed(tokens)
                continue
            spans = fast.feed(tokens)
            assert [(span.turn, i) for span in spans for i in range(span.start, span.end)] == expected
            assert fast.tokens == slow.rows
            assert fast.positions.tolist() == [row.position for row in slow.rows]
            assert (fast.turns, fast.seen) == (slow.turns, slow.seen)
    assert refused > STREAMS / 10


@given(score_lists, st.integers(0, 30), budgets, st.sampled_from(["paper", "reference"]))
@settings(max_examples=700)
def test_any_scores_are_evicted_as_by_the_slow_rules(
    scores: list[float], coming: int, budget: Budget, mode: Mode
) -> None:
    outcome(scores, coming, budget, mode)


@given(st.lists(score_lists, max_size=12), budgets, st.sampled_from(["paper", "reference"]))
@settings(max_examples=300)
def test_every_token_is_either_held_or_was_evicted_once(turns: list[list[float]], budget: Budget, mode: Mode) -> None:
    held = EntropyFilter(budget, mode=mode, split=True)
    gone: list[tuple[int, int]] = []
    for scores in turns:
        spans = held.feed([Token(i, i + 1, score) for i, score in enumerate(scores)])
        gone += [(span.turn, i) for span in spans for i in range(span.start, span.end)]
        assert len(held) <= budget.capacity
    kept = [(token.turn, token.start) for token in held.tokens]
    assert sorted(gone + kept) == [(n, i) for n, scores in enumerate(turns) for i in range(len(scores))]
    assert kept == sorted(kept)
    assert [(s.turn, i) for s in held.spans() for i in range(s.start, s.end)] == kept


@given(st.lists(score_lists, max_size=8), budgets)
@settings(max_examples=200)
def test_the_start_of_the_stream_is_never_evicted(turns: list[list[float]], budget: Budget) -> None:
    held = EntropyFilter(budget, split=True)
    for scores in turns:
        held.feed([Token(i, i + 1, score) for i, score in enumerate(scores)])
    first = list(range(min(budget.start, held.seen)))
    assert [token.position for token in held.tokens][: len(first)] == first
