"""Calibration: when a bank can answer a question."""

import numpy as np
import numpy.typing as npt

from memkit.recall.ranking.calibration import REMARK_MARGIN, is_evident


def evidence(*best: float, rest: float = 0.2) -> npt.NDArray[np.float32]:
    return np.array([*best, *[rest] * (500 - len(best))], np.float32)


def test_five_good_results_or_a_sure_one_are_an_answer_and_chance_is_none() -> None:
    assert is_evident(evidence(*[0.45] * 5), 500)
    assert is_evident(evidence(0.8), 500)
    assert not is_evident(evidence(0.6), 500)


def test_the_more_a_bank_holds_the_better_its_best_results_must_be() -> None:
    some = np.full(5, 0.42, np.float32)
    assert is_evident(some, 500)
    assert not is_evident(some, 5000)


def test_a_remark_calls_up_by_less_than_a_question() -> None:
    some = evidence(*[0.37] * 5)
    assert not is_evident(some, 500)
    assert is_evident(some, 500, margin=REMARK_MARGIN)
