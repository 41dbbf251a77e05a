"""Small talk is what tells less than nearly all of the last turns, at most a given share of them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.observe.small_talk import MAX_CHARS, MIN_TURNS, WINDOW_TURNS, SmallTalk, small_talk


def judged(share: float, saliences: list[float], text: str = "nice one") -> list[bool]:
    judge = SmallTalk(share)
    return [judge.is_small_talk(salience, text) for salience in saliences]


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


def test_nothing_is_small_talk_before_enough_turns_came() -> None:
    assert not any(judged(0.5, [float(i % 7) for i in range(MIN_TURNS)]))


def test_where_all_turns_tell_the_same_none_is_small_talk() -> None:
    assert not any(judged(0.3, [16.0] * 500))


def test_a_long_turn_is_never_small_talk() -> None:
    saliences = [8.0] * MIN_TURNS + [1.0]
    assert judged(0.15, saliences, "x" * MAX_CHARS)[-1]
    assert not judged(0.15, saliences, "x" * (MAX_CHARS + 1))[-1]


@pytest.mark.parametrize("text", ["Last Friday!", "At 7", "in May"])
def test_a_turn_that_names_a_time_or_a_number_is_never_small_talk(text: str) -> None:
    saliences = [8.0] * MIN_TURNS + [1.0]
    assert judged(0.15, saliences, "I see")[-1]
    assert not judged(0.15, saliences, text)[-1]


@pytest.mark.parametrize("text", ["Did you shout?", "真的吗？"])
def test_a_question_is_never_small_talk_since_its_answer_is_found_through_it(text: str) -> None:
    saliences = [8.0] * MIN_TURNS + [1.0]
    assert not judged(0.15, saliences, text)[-1]


def test_a_share_of_nothing_switches_it_off() -> None:
    assert not any(judged(0.0, [float(i % 9) for i in range(500)]))


def test_a_batch_is_judged_as_its_turns_one_by_one() -> None:
    draws = random.Random(2)
    saliences = [draws.gauss(8, 2) for _ in range(300)]
    earlier, coming = saliences[:200], saliences[200:]
    texts = ["nice one"] * len(coming)
    at_once = small_talk(0.2, earlier, coming, texts)
    starts = [i - WINDOW_TURNS for i in range(200, 300)]
    one_by_one = [small_talk(0.2, saliences[start : start + WINDOW_TURNS], [s], ["nice one"])[0]
                  for start, s in zip(starts, coming, strict=True)]  # fmt: skip
    assert at_once == one_by_one
    assert any(at_once)


def test_a_turn_whose_salience_is_not_known_is_no_small_talk_and_moves_nothing() -> None:
    earlier = [8.0] * MIN_TURNS
    assert small_talk(0.2, earlier, [None, 1.0], ["nice one"] * 2) == [False, True]
