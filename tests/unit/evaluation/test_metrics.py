"""The figures of the harness, against values worked out by hand."""

from math import inf, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.evaluation.metrics import (
    METRIC_FUNCTIONS,
    bootstrap_interval,
    found_all,
    found_any,
    fraction,
    ndcg,
    ranks_of,
    reciprocal_rank,
)

RANK_LISTS = st.tuples(st.lists(st.integers(1, 60), min_size=1, max_size=5, unique=True), st.integers(0, 3)).map(
    lambda drawn: [*map(float, drawn[0]), *[inf] * drawn[1]]
)


def test_ranks_are_counted_from_one_and_what_is_not_found_is_infinitely_far() -> None:
    ranks = ranks_of(["a", "b", "c"], frozenset({"c", "a", "x"}))
    assert sorted(ranks.tolist()) == [1.0, 3.0, inf]


def test_fraction_any_and_all_are_three_different_things() -> None:
    ranks = np.array([2.0, 7.0, inf])
    assert fraction(ranks, 5) == pytest.approx(1 / 3)
    assert (found_any(ranks, 1), found_any(ranks, 2)) == (0.0, 1.0)
    assert (found_all(np.array([2.0, 7.0]), 6), found_all(np.array([2.0, 7.0]), 7)) == (0.0, 1.0)


def test_the_reciprocal_rank_is_that_of_the_best_evidence_found() -> None:
    assert reciprocal_rank(np.array([4.0, 2.0]), 5) == 0.5
    assert reciprocal_rank(np.array([6.0, inf]), 5) == 0.0


def test_ndcg_is_the_discounted_gain_over_the_best_one_possible() -> None:
    ideal = 1 / log2(2) + 1 / log2(3)
    assert ndcg(np.array([1.0, 2.0]), 5) == pytest.approx(1.0)
    assert ndcg(np.array([1.0, 4.0]), 5) == pytest.approx((1 + 1 / log2(5)) / ideal)
    assert ndcg(np.array([6.0, inf]), 5) == 0.0
    assert ndcg(np.array([1.0, 2.0, 3.0]), 1) == pytest.approx(1.0)  # no more than k can be asked for


@given(RANK_LISTS, st.integers(1, 50))
def test_every_metric_lies_between_nothing_and_one_and_all_and_any_enclose_the_fraction(
    ranks: list[float], k: int
) -> None:
    values = {name: metric(np.array(ranks), k) for name, metric in METRIC_FUNCTIONS.items()}
    assert all(0 <= value <= 1 + 1e-12 for value in values.values())
    assert values["all"] <= values["fraction"] <= values["any"]


@given(RANK_LISTS, st.integers(1, 50))
def test_more_results_never_find_less_of_the_evidence(ranks: list[float], k: int) -> None:
    array = np.array(ranks)
    assert all(metric(array, k) <= metric(array, k + 1) for metric in (fraction, found_any, found_all))


def test_an_interval_holds_the_mean_and_resamples_whole_conversations() -> None:
    alike = bootstrap_interval([[0.0, 1.0]] * 6)
    apart = bootstrap_interval([[0.0, 0.0], [1.0, 1.0]] * 3)
    assert alike == pytest.approx((0.5, 0.5))
    assert apart is not None
    assert apart[0] < 0.3
    assert apart[1] > 0.7


def test_two_conversations_are_too_few_for_an_interval() -> None:
    assert bootstrap_interval([[1.0, 0.0], [1.0], []]) is None
