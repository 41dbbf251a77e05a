"""Memories chosen for a summary without a model, the names of periods, and mood as figures."""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.models import Memory
from memkit.text.times.periods import PERIOD_LEVELS, bounds, period_of, readable_period
from memkit.think import mood
from memkit.think.mood import Voice, voices_by_speaker
from memkit.think.portrait import PortraitSubject, compose_portrait
from memkit.think.reflect import MAX_STATEMENT_CHARS, QuotableMemory, choose_memories, compose_title, extract_statements

MONDAY_NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


def turn(number: int, text: str, **fields: Any) -> Memory:
    at = MONDAY_NOON + timedelta(minutes=number)
    values = {"kind": "turn", "speaker": "Ana", "salience": 9.0, "occurred_at": at, "recorded_at": at, **fields}
    return Memory(id=f"t{number}", text=text, **values)


def quotable(memory: Memory, *vector: float) -> QuotableMemory:
    return QuotableMemory(memory, np.array(vector or (1.0, 0.0), np.float32))


def texts(memories: Sequence[Memory]) -> list[str]:
    return [memory.text for memory in memories]


def test_questions_and_small_talk_are_left_out_of_a_summary() -> None:
    said = [
        quotable(turn(1, "How was the long trip to Lisbon?")),
        quotable(turn(2, "Haha okay then.", salience=1.0)),
        quotable(turn(3, "My brother bought a sailing boat in Faro.")),
    ]
    assert texts(choose_memories(said, 3)) == ["My brother bought a sailing boat in Faro."]


def test_where_there_is_nothing_else_small_talk_stands() -> None:
    assert texts(choose_memories([quotable(turn(1, "Hi?"))], 3)) == ["Hi?"]


def test_people_come_before_an_assistant() -> None:
    said = [
        quotable(turn(1, "Lisbon has seven hills and many trams.", role="assistant", speaker="Bot", salience=12.0)),
        quotable(turn(2, "My brother bought a sailing boat in Faro."), 0.0, 1.0),
    ]
    assert texts(choose_memories(said, 1)) == ["My brother bought a sailing boat in Faro."]


def test_the_second_statement_is_about_something_else_than_the_first() -> None:
    said = [
        quotable(turn(1, "Boats need paint and patience every spring.", salience=10.0), 1.0, 0.0),
        quotable(turn(2, "Sails need thread and patience every spring.", salience=9.9), 0.99, 0.14),
        quotable(turn(3, "Bread needs flour and salt every morning.", salience=9.0), 0.0, 1.0),
    ]
    chosen = [memory.id for memory in choose_memories(said, 2)]
    assert (len(chosen), chosen[-1]) == (2, "t3")


def test_a_thought_stands_for_the_turn_that_it_rests_on() -> None:
    thought = turn(9, "Ana's brother bought a boat.", kind="thought", sources=("t1",), salience=None)
    said = [
        quotable(turn(1, "My brother bought a boat."), 1.0, 0.0),
        quotable(thought, 0.0, 1.0),
        quotable(turn(2, "My garden has two old lemon trees."), 0.7, 0.7),
    ]
    assert [memory.id for memory in choose_memories(said, 2)] == ["t2", "t9"]


vectors = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(lambda v: v if any(v) else (1.0, 0.0))
sayings = st.tuples(st.text(max_size=60), vectors, st.none() | st.floats(0, 16))


@given(st.lists(sayings, min_size=1, max_size=12), st.integers(1, 6))
def test_a_summary_is_some_of_what_was_said_in_order_and_always_the_same(said: list[Any], most: int) -> None:
    turns = [quotable(turn(n, text, salience=salience), *vector) for n, (text, vector, salience) in enumerate(said)]
    chosen = choose_memories(turns, most)
    assert 1 <= len(chosen) <= most
    assert [m.id for m in chosen] == [turn.memory.id for turn in turns if turn.memory in chosen]
    assert choose_memories(turns, most) == chosen


@given(st.text(max_size=2000))
def test_statements_are_never_longer_than_they_may_be(text: str) -> None:
    assert len(extract_statements(text)) <= MAX_STATEMENT_CHARS


def test_of_a_long_text_the_sentences_that_hold_most_are_kept_and_gaps_are_marked() -> None:
    filler = "Well, that is how it is. " * 12
    text = (
        f"I sold the house in Faro to Rui for 90 thousand. {filler}I fly to Recife on 9 June with both cats. And you?"
    )
    assert extract_statements(text).startswith("I sold the house in Faro to Rui for 90 thousand. … ")
    assert "Recife on 9 June" in extract_statements(text)
    assert "And you" not in extract_statements(text)


def test_a_title_is_what_surprised_most() -> None:
    said = [turn(1, "a", key_phrases=("boat", "sailing school")), turn(2, "b", key_phrases=("tram",), salience=12.0)]
    assert compose_title([*said, turn(3, "c")]) == "tram, sailing school"


@given(st.dates(), st.sampled_from(PERIOD_LEVELS))
def test_every_day_lies_within_the_period_that_is_named_after_it(day: date, level: Any) -> None:
    interval = bounds(period_of(day, level))
    if interval is None:
        assert day.year in (1, 9999)  # the last week of the calendar has no end
    else:
        assert interval[0] <= day <= interval[1]
        assert {period_of(interval[0], level), period_of(interval[1], level)} == {period_of(day, level)}


@pytest.mark.parametrize("name", ["", "2025", "2025-13", "2025-W54", "2025-02-30", "2025-W1", "yesterday\n"])
def test_what_names_no_period_is_shown_as_nothing(name: str) -> None:
    assert (bounds(name), readable_period(name)) == (None, "")


def test_periods_are_shown_as_a_model_understands_them() -> None:
    assert [readable_period(name) for name in ("2025-03-03", "2025-W10", "2025-03")] == [
        "2025-03-03",
        "2025-03-03 to 2025-03-09",
        "March 2025",
    ]


def test_turns_without_any_feeling_do_not_count_as_neutral() -> None:
    pytest.importorskip("vaderSentiment")
    heard = voices_by_speaker([turn(1, "I am so happy!"), turn(2, "我今天搬家了"), turn(3, "The tram is blue.")])
    assert (heard["Ana"].turns, heard["Ana"].felt) == (3, 1)
    assert heard["Ana"].valence > 0.5


def test_without_the_extra_there_is_no_mood(monkeypatch: pytest.MonkeyPatch) -> None:
    mood._analyzer.cache_clear()
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    assert mood.valence_of("I am so happy!") is None
    assert voices_by_speaker([turn(1, "I am so happy!")])["Ana"].felt == 0
    mood._analyzer.cache_clear()


counts = st.integers(0, 50)


@given(st.lists(st.tuples(counts, st.floats(-1, 1)), min_size=1, max_size=6))
def test_moods_put_together_weigh_by_the_turns_that_show_them(parts: list[tuple[int, float]]) -> None:
    total = Voice()
    for felt, valence in parts:
        total = total.plus(Voice(felt, 0, 0, felt, valence))
    whole = sum(felt for felt, _ in parts)
    mean = sum(felt * valence for felt, valence in parts) / whole if whole else 0.0
    assert total.felt == whole
    assert total.valence == pytest.approx(mean, abs=1e-3)


def test_a_portrait_has_traits_preferences_plans_what_happened_lately_mood_by_month_and_manner() -> None:
    thoughts = [
        turn(4, "Ana sold her boat on 3 May 2025.", kind="thought", relation="did"),
        turn(3, "Ana sold her boat.", kind="thought", relation="did"),
        turn(5, "Ana plans to move to Olhão.", kind="thought", relation="plans"),
        turn(1, "Ana lives in Faro.", kind="thought", relation="lives in"),
        turn(2, "Ana loves old trams.", kind="thought"),
    ]
    months = [("2025-01", Voice(20, 120, 5, 10, 0.4)), ("2025-02", Voice(20, 120, 5, 10, -0.2))]
    assert compose_portrait([PortraitSubject("Ana", thoughts, months)]).splitlines() == [
        "Ana, traits: Ana lives in Faro.",
        "Ana, preferences: Ana loves old trams.",
        "Ana, plans: Ana plans to move to Olhão.",
        "Ana, lately: Ana sold her boat on 3 May 2025.",
        "Ana, mood: rather bright on the whole (+0.10 of -1 to 1, over 20 turns); January 2025 +0.40, "
        "February 2025 -0.20.",
        "Ana, manner: writes short messages (about 6 words), and asks in 25% of them; best answered briefly, "
        "gently of late.",
    ]
