"""A time in which nothing was said is answered by what mentions it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RankingSettings
from memkit.testing import FrozenClock

NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)


def june(text: str, day: int, speaker: str = "Lena") -> memkit.Turn:
    return memkit.Turn(text, speaker, at=datetime(2026, 6, day, 12, tzinfo=UTC))


TURNS = [
    june("I love baking bread with rye flour.", 3),
    june("Yesterday I tried the climbing wall.", 10),
    june("Nice weather, the dog and I walked along the river.", 12),
    june("We were in Crete from 16 June to 18 June.", 19, "Bo"),
]


@pytest.fixture(params=[RankingSettings(), RankingSettings(exact_up_to=2)], ids=["exact", "sketches"])
def bank(request: pytest.FixtureRequest, path: Path) -> memkit.MemoryBank:
    settings = memkit.Settings(ranking=request.param)
    bank = memkit.open(path, encoder=HashingEncoder(), clock=FrozenClock(NOW), settings=settings).bank("friends")
    bank.observe(TURNS)
    return bank


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What did Lena do on 9 June?", TURNS[1].text),
        ("What happened on 9 June?", TURNS[1].text),
        ("What happened on 12 June?", TURNS[2].text),
        ("Where was Bo on 17 June?", TURNS[3].text),
    ],
)
def test_a_day_is_answered_by_what_was_said_then_else_by_what_tells_of_it(
    bank: memkit.MemoryBank, question: str, text: str
) -> None:
    assert bank.recall(question, k=1)[0].memory.text == text


def test_the_share_of_the_mentioned_time_that_lies_inside_is_a_part_of_the_score(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("Which Greek island did Bo see on 17 June?", min_score=0)
    dates = {hit.memory.text: hit.why.get("date", 0.0) for hit in hits}
    weight = RankingSettings().date
    assert dates[TURNS[3].text] == pytest.approx(weight / 3, abs=1e-3)
    assert all(part == 0 for text, part in dates.items() if text != TURNS[3].text)


def test_where_something_was_said_in_that_time_other_turns_take_no_share(bank: memkit.MemoryBank) -> None:
    bank.observe([june("I read a novel about lighthouses.", 9)])
    hits = bank.recall("What did Lena try on 9 June?", min_score=0)
    assert [hit.memory.text for hit in hits if "date" in hit.why] == ["I read a novel about lighthouses."]


def test_a_day_of_which_nobody_told_has_no_answer(bank: memkit.MemoryBank) -> None:
    assert len(bank.recall("What happened on 2 January?")) == 0
