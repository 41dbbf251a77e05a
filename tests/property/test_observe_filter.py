"""Evictions against slow, obvious versions of the paper's and of the authors' rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memkit.errors import InputError
from memkit.observe.entropy_filter import Budget, EntropyFilter, kept_positions
from memkit.observe.logits import Mode
from memkit.protocols import Token

few = st.sampled_from([0.0, 1.0, 2.5, 2.5001, 7.0, 12.0])  # many ties
score_lists = st.lists(st.one_of(few, st.floats(0, 15)), max_size=60)
budgets = st.builds(Budget, st.integers(0, 6), st.integers(1, 25), st.integers(0, 10), st.sampled_from([0.5, 1.0]))


def slow_reference(scores: list[float], coming: int, budget: Budget) -> list[int]:
    """The authors' rules, one step after the other."""
    if len(scores) + coming <= budget.capacity:
        return list(range(len(scores)))
    target = budget.capacity - coming
    keep = set(sorted(range(len(scores)), key=lambda i: (-scores[i], i))[: max(0, budget.entropy - coming)])
    keep |= set(range(budget.start))
    position = len(scores) - 1
    while len(keep) < target and position > 0:
        keep.add(position)
        position -= 1
    assert len(keep) <= target
    return sorted(keep)


def slow_paper(scores: list[float], coming: int, budget: Budget) -> list[int]:
    """Drop the least surprising token that is neither at the start nor among the newest, one at a time."""
    keep = list(range(len(scores)))
    while len(keep) + coming > budget.capacity:
        newest = max(0, budget.recent - coming)
        middle = keep[budget.start : len(keep) - newest]
        keep.remove(min(middle, key=lambda i: (scores[i], -i)))
    return keep


@given(score_lists, st.integers(0, 30), budgets)
@settings(max_examples=700)
def test_reference_mode_equals_the_authors_rules(scores: list[float], coming: int, budget: Budget) -> None:
    if coming > budget.longest and len(scores) + coming > budget.capacity:
        with pytest.raises(InputError):
            kept_positions(scores, coming, budget, mode="reference")
    else:
        found = kept_positions(scores, coming, budget, mode="reference").tolist()
        assert found == slow_reference(scores, coming, budget)


@given(score_lists, st.integers(0, 30), budgets)
@settings(max_examples=700)
def test_paper_mode_drops_the_least_surprising_until_all_fits(scores: list[float], coming: int, budget: Budget) -> None:
    if coming > budget.longest and len(scores) + coming > budget.capacity:
        with pytest.raises(InputError):
            kept_positions(scores, coming, budget)
    else:
        assert kept_positions(scores, coming, budget).tolist() == slow_paper(scores, coming, budget)


@given(st.lists(score_lists, max_size=12), budgets, st.sampled_from(["paper", "reference"]))
@settings(max_examples=300)
def test_every_token_is_either_held_or_was_evicted_once(turns: list[list[float]], budget: Budget, mode: Mode) -> None:
    held = EntropyFilter(budget, mode=mode, split=True)
    gone: list[tuple[int, int]] = []
    for scores in turns:
        spans = held.feed([Token(i, i + 1, score) for i, score in enumerate(scores)])
        gone += [(span.turn, i) for span in spans for i in range(span.start, span.end)]
        assert len(held) <= budget.capacity
    kept = [(token.turn, token.start) for token in held.kept]
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
    assert [token.position for token in held.kept][: len(first)] == first
