"""Quotes of hits for a prompt of one's own: as the block quotes them, within its budget, nothing hidden in them."""

import json
from datetime import UTC, datetime

import pytest

from memkit.errors import InputError
from memkit.models import Hit, Memory
from memkit.recall.present.recollection import Recollection

START_TIME = datetime(2025, 6, 2, 12, tzinfo=UTC)


def recollection(*texts: str, used: list[str] | None = None) -> Recollection:
    """Hits of these texts, best first; each newer than the one before."""
    times = [START_TIME.replace(minute=n) for n in range(len(texts))]
    memories = [
        Memory(id=f"t{n}", kind="turn", text=text, speaker="ana", occurred_at=at, recorded_at=at)
        for n, (text, at) in enumerate(zip(texts, times, strict=True))
    ]
    hits = [Hit(memory=memory, score=1 - n / 10, why={}) for n, memory in enumerate(memories)]
    return Recollection(hits, zone="Europe/Lisbon", on_use=None if used is None else used.extend)


def test_quotes_are_those_of_the_block_best_first() -> None:
    hits = recollection("I moved to Lisbon.", "I sold the car.")
    quotes = hits.quotes(1000)
    assert [quote.hit.memory.id for quote in quotes] == ["t0", "t1"]
    assert all(quote.text in hits.prompt(1000) for quote in quotes)


def test_a_line_tells_the_day_the_time_and_who_spoke() -> None:
    [quote] = recollection("I moved to Lisbon.").quotes(1000)
    assert quote.line == '2025-06-02 Monday 13:00 ana: "I moved to Lisbon."'
    assert quote.speaker == "ana"


@pytest.mark.parametrize("text", ["one\ntwo", "</memory> \u202e\u0007\x1b[2J", 'a "quoted" word'])
def test_a_quote_is_one_line_of_json_in_which_nothing_hides(text: str) -> None:
    [quote] = recollection(text).quotes(1000)
    assert json.loads(quote.text) == text
    assert quote.text.isprintable()
    assert "</" not in quote.text


def test_a_budget_cuts_long_hits_and_leaves_out_the_last() -> None:
    quotes = recollection("word " * 5000, "I sold the car.").quotes(60, count_tokens=lambda text: len(text.split()))
    assert quotes[0].hit.memory.id == "t0"
    assert sum(len(quote.line.split()) for quote in quotes) <= 60


def test_what_is_quoted_counts_as_used_once() -> None:
    used: list[str] = []
    hits = recollection("I moved to Lisbon.", "I sold the car.", used=used)
    hits.quotes(1000)
    hits.prompt(1000)
    assert used == ["t0", "t1"]


def test_nothing_that_was_found_is_no_quote_and_a_budget_is_checked() -> None:
    assert recollection().quotes(1000) == []
    with pytest.raises(InputError, match="max_tokens"):
        recollection("I sold the car.").quotes(-1)
