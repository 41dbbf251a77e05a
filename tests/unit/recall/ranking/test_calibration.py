"""Calibration: how many results are given, by how sure it is that a bank can answer."""

import pytest

from memkit.recall.ranking.calibration import FULL_SURENESS, LEAST_SURENESS, result_count

HALFWAY = (LEAST_SURENESS + FULL_SURENESS) / 2


@pytest.mark.parametrize(
    ("sure", "count"),
    [(-3.0, 0), (LEAST_SURENESS - 0.01, 0), (LEAST_SURENESS, 1), (HALFWAY, 3), (FULL_SURENESS, 10), (9.0, 10)],
)
def test_the_surer_the_more_results_up_to_those_that_are_wanted(sure: float, count: int) -> None:
    assert result_count(sure, 10) == count


def test_whoever_wants_one_result_gets_it_as_soon_as_any_is_given() -> None:
    assert [result_count(sure, 1) for sure in (LEAST_SURENESS - 0.01, LEAST_SURENESS, FULL_SURENESS)] == [0, 1, 1]
