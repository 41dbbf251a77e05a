"""Small talk is what tells less than nearly all that was heard lately, at most a given share of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.observe.small_talk import FEWEST, REMEMBERED, SHORT, SmallTalk


def judged(share: float, saliences: list[float], text: str = "nice one") -> list[bool]:
    small_talk = SmallTalk(share)
    return [small_talk.hears(salience, text) for salience in saliences]


@given(st.floats(0.05, 0.5), st.integers(0, 2**32))
def test_about_the_wanted_share_of_a_steady_stream_is_small_talk(share: float, seed: int) -> None:
    draws = random.Random(seed)
    found = judged(share, [draws.gauss(8, 2) for _ in range(3000)])
    assert abs(sum(found) / len(found) - share) < 0.05


def test_the_threshold_follows_a_stream_that_changes() -> None:
    draws = random.Random(1)
    talkative = [draws.gauss(12, 2) for _ in range(500)]
    terse = [draws.gauss(4, 1) for _ in range(1500)]
    late = judged(0.15, talkative + terse)[-1000:]
    assert 0.1 < sum(late) / len(late) < 0.2


def test_nothing_is_small_talk_before_enough_was_heard() -> None:
    assert not any(judged(0.5, [float(i % 7) for i in range(FEWEST)]))


def test_where_all_turns_tell_the_same_none_is_small_talk() -> None:
    assert not any(judged(0.3, [16.0] * 500))


def test_a_long_turn_is_never_small_talk() -> None:
    saliences = [8.0] * FEWEST + [1.0]
    assert judged(0.15, saliences, "x" * SHORT)[-1]
    assert not judged(0.15, saliences, "x" * (SHORT + 1))[-1]


@pytest.mark.parametrize("text", ["Last Friday!", "At 7", "in May"])
def test_a_turn_that_names_a_time_or_a_number_is_never_small_talk(text: str) -> None:
    saliences = [8.0] * FEWEST + [1.0]
    assert judged(0.15, saliences, "I see")[-1]
    assert not judged(0.15, saliences, text)[-1]


def test_a_share_of_nothing_switches_it_off() -> None:
    assert not any(judged(0.0, [float(i % 9) for i in range(500)]))


def test_a_copy_judges_alike_and_hears_for_itself() -> None:
    draws = random.Random(2)
    original = SmallTalk(0.2, [draws.gauss(8, 2) for _ in range(2 * REMEMBERED)])
    twin = original.copy()
    coming = [draws.gauss(8, 2) for _ in range(200)]
    assert [original.hears(s, "nice one") for s in coming] == [twin.hears(s, "nice one") for s in coming]
