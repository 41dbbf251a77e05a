"""Times in the unit in which they were named: no month and no day that nobody said, in texts, validity and prompts."""

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import Memory
from memkit.text.times.patterns import MONTH_NAMES_PATTERN

CASES = tomllib.loads((Path(__file__).parents[2] / "data" / "thinking" / "named_times.toml").read_text("utf-8"))["case"]
SAID_AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
MONTH_WORD_PATTERN = re.compile(MONTH_NAMES_PATTERN, re.IGNORECASE)


def thoughts_of(*turns: tuple[str, datetime], zone: str = "UTC") -> list[Memory]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana", zone=zone)
        for text, at in turns:
            bank.observe([memkit.Turn(text, "Ana", at=at)])
            bank.think()
        return bank.list(kinds=["thought"], states=["active", "superseded"])


def day_of(moment: datetime | None, zone: str = "UTC") -> date | None:
    return None if moment is None else moment.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["said"])
def test_a_thought_tells_a_time_in_the_unit_that_was_named(case: dict[str, Any]) -> None:
    [thought] = thoughts_of((case["said"], SAID_AT))
    assert thought.text == case["text"]
    assert (day_of(thought.valid_from), day_of(thought.valid_until)) == (case.get("from"), case.get("until"))


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize(
    "said", ["I adopted a cat this year.", "I moved to Lyon in {year}.", "I moved to Lyon last year."]
)
def test_a_year_is_no_month_and_never_in_time_to_come_whenever_it_is_said(said: str, month: int) -> None:
    at = datetime(2026, month, 15, 10, tzinfo=UTC)
    [thought] = thoughts_of((said.format(year=at.year), at))
    assert not MONTH_WORD_PATTERN.search(thought.text)
    assert re.search(r"\(since 202[56]\)", thought.text)
    assert thought.valid_from is not None
    assert thought.valid_from <= at


def test_a_year_begins_in_the_zone_of_the_bank() -> None:
    [thought] = thoughts_of(("I moved to Lyon in 2024.", SAID_AT), zone="Europe/Lisbon")
    assert day_of(thought.valid_from, "Europe/Lisbon") == date(2024, 1, 1)
    [far] = thoughts_of(("I moved to Lyon in 2024.", SAID_AT), zone="Pacific/Auckland")
    assert far.valid_from == datetime(2023, 12, 31, 11, tzinfo=UTC)


@pytest.fixture
def moved() -> Any:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana", zone="Europe/Lisbon")
        for text, at in (
            ("I live in Lisbon.", datetime(2020, 5, 4, 10, tzinfo=UTC)),
            ("I moved to Lyon in 2024.", SAID_AT),
        ):
            bank.observe([memkit.Turn(text, "Ana", at=at)])
            bank.think()
        yield bank


@pytest.mark.parametrize(
    ("moment", "place"),
    [
        ("2021-03-01", "Lisbon"),
        ("2023-12-31", "Lisbon"),
        ("2024-01-01", "Lyon"),
        ("2024-07-01", "Lyon"),
        ("2026-01-01", "Lyon"),
    ],
)
def test_an_interval_counts_whole_so_that_one_value_is_valid_at_each_moment(
    moved: memkit.MemoryBank, moment: str, place: str
) -> None:
    hits = moved.recall("Where does Ana live?", kinds=["thought"], valid_at=moment, min_score=0)
    assert [hit.memory.tail for hit in hits] == [place]


def test_a_prompt_names_no_day_that_nobody_named(moved: memkit.MemoryBank) -> None:
    prompt = moved.recall("Where does Ana live?", kinds=["thought"], min_score=0).prompt(max_tokens=500)
    assert '"Ana lives in Lyon (since 2024)."' in prompt
    assert '"Ana lives in Lisbon." (until 2024)' in prompt
    assert "2024-01" not in prompt


def test_a_prompt_names_the_last_year_of_what_was_told_to_be_over() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("I lived in Lyon in 2019. I worked at Orbis until May 2020.", "Ana", at=SAID_AT)])
        bank.think()
        prompt = bank.recall("Lyon Orbis", kinds=["thought"], min_score=0).prompt(max_tokens=500)
        assert '"Ana lived in Lyon in 2019." (until 2019)' in prompt
        assert '"Ana worked at Orbis (until May 2020)." (until 2020-05)' in prompt
