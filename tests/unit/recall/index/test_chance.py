"""Chance: what questions about nothing in a bank find in it."""

import numpy as np
import pytest

from memkit.protocols import FloatArray
from memkit.recall.index.chance import ChanceCosines, mean_of_best, measured_size, probe_questions

random = np.random.default_rng(7)
SIZE = 1000


def found(mean: float = 0.2, size: int = SIZE) -> FloatArray:
    return random.normal(mean, 0.1, size).astype(np.float32)


CHANCE = ChanceCosines.measured([found() for _ in probe_questions()], SIZE)


def test_another_question_about_nothing_lies_within_what_chance_gives() -> None:
    assert all(abs(CHANCE.deviations(found(), SIZE)) < 5 for _ in range(20))


def test_a_question_with_five_nearer_memories_lies_above_it() -> None:
    assert CHANCE.deviations(np.concatenate([found(), np.full(5, 0.8, np.float32)]), SIZE) > 10


def test_an_encoder_with_high_cosines_throughout_changes_nothing() -> None:
    cosines = found()
    higher = ChanceCosines(0.5 + 0.5 * CHANCE.mean, 0.5 * CHANCE.sd, 0.5 * CHANCE.spread, SIZE, SIZE)
    assert higher.deviations(0.5 + 0.5 * cosines, SIZE) == pytest.approx(CHANCE.deviations(cosines, SIZE), abs=1e-3)


def test_more_is_asked_for_in_a_larger_bank_and_less_in_a_part_of_one() -> None:
    cosines = found()
    sizes = (SIZE // 10, SIZE, 100 * SIZE)
    part, same, larger = (CHANCE.deviations(cosines, size) for size in sizes)
    assert part > same > larger


def test_what_was_measured_in_a_small_bank_holds_about_for_a_larger_one() -> None:
    larger = np.mean([mean_of_best(found(size=20 * SIZE)) for _ in range(50)])
    assert abs(CHANCE.deviations(np.full(5, larger, np.float32), 20 * SIZE)) < 2


@pytest.mark.parametrize("count", [1, 2, 10, 99, 1000, 123_456])
def test_the_measured_part_is_at_least_nine_tenths_of_a_bank(count: int) -> None:
    assert 0.9 * count - 1 <= measured_size(count) <= count


def test_one_memory_has_chance_too() -> None:
    assert np.isfinite(ChanceCosines.measured([found(size=1) for _ in range(3)], 1).deviations(found(size=1), 1))
