"""Cohesion: how far sessions are each about one thing."""

import numpy as np
import pytest

from memkit.protocols import FloatArray
from memkit.recall.index.cohesion import cohesion
from memkit.recall.index.seq_array import Ints


def unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def sessions_about(*, one_thing_each: bool) -> tuple[FloatArray, Ints]:
    random = np.random.default_rng(5)
    numbers = np.repeat(np.arange(20), 15)
    topics = random.standard_normal((20, 64))[numbers] if one_thing_each else np.zeros((300, 64))
    return unit(topics + random.standard_normal((300, 64))), numbers


def test_sessions_of_one_topic_each_are_cohesive_and_mixed_ones_are_not() -> None:
    assert cohesion(*sessions_about(one_thing_each=True)) == 1.0
    assert cohesion(*sessions_about(one_thing_each=False)) == 0.0


def test_cohesion_does_not_depend_on_the_order_of_rows() -> None:
    vectors, numbers = sessions_about(one_thing_each=True)
    vectors = unit(vectors + 0.25 * np.random.default_rng(1).standard_normal(vectors.shape).astype(np.float32))
    shuffled = np.random.default_rng(2).permutation(len(vectors))
    assert 0 < cohesion(vectors, numbers) < 1
    assert cohesion(vectors[shuffled], numbers[shuffled]) == pytest.approx(cohesion(vectors, numbers))


@pytest.mark.parametrize("rows", [0, 1])
def test_a_bank_of_hardly_any_turns_has_no_cohesion(rows: int) -> None:
    assert cohesion(np.ones((rows, 4), np.float32), np.zeros(rows, np.int64)) == 0.0
