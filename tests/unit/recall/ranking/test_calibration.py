"""Calibration: when a bank can answer a question."""

import numpy as np

from memkit.recall.ranking.calibration import is_answerable


def test_five_good_results_or_a_sure_one_are_an_answer_and_chance_is_none() -> None:
    every = np.ones(500, dtype=bool)
    noise = np.full(500, 0.2, np.float32)
    five, sure, chance = noise.copy(), noise.copy(), noise.copy()
    five[:5], sure[0], chance[0] = 0.45, 0.8, 0.6
    assert is_answerable(five, every, 500)
    assert is_answerable(sure, every, 500)
    assert not is_answerable(chance, every, 500)
    assert not is_answerable(noise[:0], every[:0], 500)


def test_the_more_a_bank_holds_the_better_its_best_results_must_be() -> None:
    some = np.full(5, 0.42, np.float32)
    assert is_answerable(some, np.ones(5, dtype=bool), 500)
    assert not is_answerable(some, np.ones(5, dtype=bool), 5000)
