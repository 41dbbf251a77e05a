"""Questions about a time alone: the turns of that time answer, and nothing else does."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import NaiveDatetimeError
from memkit.testing import FrozenClock

NOW = datetime(2026, 4, 1, 15, 30, tzinfo=UTC)  # a Wednesday
DAYS = 20


@pytest.fixture
def bank() -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as store:
        bank = store.bank("ana")
        for day in range(DAYS):
            at = NOW - timedelta(days=day, hours=2)
            said = f"On walk {day} I met neighbour number {day} and we spoke of house {day * 7}."
            answer = f"How was walk {day}?"
            bank.observe([memkit.Turn(said, "Ana", at=at), memkit.Turn(answer, "Bob", at=at + timedelta(minutes=1))])
        yield bank


def days_of(recollection: memkit.Recollection) -> set[int]:
    return {(NOW - hit.memory.occurred_at + timedelta(hours=-1)).days for hit in recollection}


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("What happened yesterday?", {1}),
        ("What did I do last week?", {3, 4, 5, 6, 7, 8, 9}),
        ("what did we talk about in the past 7 days", set(range(8))),
        ("Anything new in the last three days?", {0, 1, 2, 3}),
        ("What was said in the last 24 hours?", {0}),
        ("What have we discussed since Monday?", {0, 1, 2}),
        ("What happened over the weekend?", {3, 4}),
        ("What happened on 3/30?", {2}),
        ("What happened on 30/3/2026?", {2}),
        ("Yesterday?", {1}),
        ("What did Bob say last Friday?", {5}),
    ],
)
def test_a_question_about_a_time_alone_gives_turns_of_that_time_only(
    bank: memkit.MemoryBank, question: str, days: set[int]
) -> None:
    assert days_of(bank.recall(question, k=50)) == days


@pytest.mark.parametrize("question", ["What happened in January?", "What did we say on 2/2/2025?", "And last year?"])
def test_where_nothing_was_said_in_that_time_nothing_is_given(bank: memkit.MemoryBank, question: str) -> None:
    assert list(bank.recall(question)) == []


@pytest.mark.parametrize("question", ["", "what happened", "What did we talk about?"])
def test_bounds_of_the_call_are_a_time_too(bank: memkit.MemoryBank, question: str) -> None:
    since, until = NOW - timedelta(days=4), NOW - timedelta(days=2)
    assert days_of(bank.recall(question, since=since, until=until, k=50)) == {2, 3}


def test_an_empty_question_without_a_time_gives_nothing(bank: memkit.MemoryBank) -> None:
    assert list(bank.recall("")) == []


def test_few_results_are_the_most_telling_and_spread_over_the_time(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("What happened in the past 10 days?", k=3)
    days = sorted((NOW - hit.memory.occurred_at).days for hit in hits)
    assert {hit.memory.speaker for hit in hits} == {"Ana"}
    assert all(later - earlier >= 2 for earlier, later in pairwise(days))


def test_who_is_named_is_whose_turns_are_given(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("What did Bob say in the past 5 days?", k=50)
    assert {hit.memory.speaker for hit in hits} == {"Bob"}


def test_a_day_in_numbers_is_read_as_the_settings_say() -> None:
    settings = memkit.Settings(ranking={"day_first": True})
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW), settings=settings) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("We walked by the sea.", "Ana", at=datetime(2026, 3, 1, 9, tzinfo=UTC))])
        assert len(bank.recall("What happened on 1/3?")) == 1
        assert len(bank.recall("What happened on 3/1?")) == 0


def test_a_question_with_content_is_answered_by_content(bank: memkit.MemoryBank) -> None:
    [best, *_] = bank.recall("Which house did we speak of on walk 12?", k=3)
    assert "walk 12" in best.memory.text


@pytest.mark.parametrize("day", ["2026-03-31", date(2026, 3, 31)])
def test_a_date_alone_is_the_beginning_of_that_day_in_the_banks_zone(day: str | date) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as store:
        bank = store.bank("ana", zone="Asia/Tokyo")
        midnight = datetime(2026, 3, 30, 15, tzinfo=UTC)  # in Tokyo
        bank.observe(
            [
                memkit.Turn("I slept early.", "Ana", at=midnight - timedelta(minutes=1)),
                memkit.Turn("I can't sleep tonight.", "Ana", at=midnight + timedelta(minutes=1)),
            ]
        )
        assert [hit.memory.text for hit in bank.recall("", since=day)] == ["I can't sleep tonight."]
        assert [hit.memory.text for hit in bank.recall("", until=day)] == ["I slept early."]
        assert len(bank.plan_erase(since=day).ids) == 1


def test_a_time_without_a_zone_is_refused_still(bank: memkit.MemoryBank) -> None:
    with pytest.raises(NaiveDatetimeError):
        bank.recall("", since="2026-03-31T10:00")
