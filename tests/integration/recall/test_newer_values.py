"""Values that change: a question about the present puts the later of two turns that tell the value first."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.formats.jsonl import read_turns
from memkit.recall.ranking.newer_values import asked_value
from memkit.testing import FrozenClock

Pair = dict[str, str]

PAIRS: dict[str, list[Pair]] = tomllib.loads(
    (Path(__file__).parents[2] / "data" / "changing_values.toml").read_text("utf-8")
)
CONVERSATION = Path(memkit.__file__).parent / "evaluation" / "conversations" / "assistant-conversation.jsonl"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def told(pairs: list[Pair]) -> list[memkit.Turn]:
    """The pairs as turns of sessions of their own, a month between the older and the newer."""
    return [
        memkit.Turn(
            pair[which], "Ida", role="user", at=NOW - timedelta(days=day - n), session=f"{n}{which}", id=f"{n} {which}"
        )
        for n, pair in enumerate(pairs)
        for which, day in (("older", 120), ("newer", 90))
    ]


@pytest.fixture(scope="module", params=PAIRS)
def asked(request: pytest.FixtureRequest) -> Iterator[tuple[memkit.MemoryBank, list[Pair]]]:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as store:
        bank = store.bank("ida")
        bank.observe([*read_turns(CONVERSATION), *told(PAIRS[request.param])])
        yield bank, PAIRS[request.param]


def test_at_least_four_of_five_newer_values_stand_above_the_older_ones(
    asked: tuple[memkit.MemoryBank, list[Pair]],
) -> None:
    bank, pairs = asked
    above = 0
    for n, pair in enumerate(pairs):
        ids = [hit.memory.id for hit in bank.recall(pair["question"])]
        places = [ids.index(f"{n} {which}") if f"{n} {which}" in ids else len(ids) for which in ("newer", "older")]
        above += places[0] < places[1]
    assert above >= 0.8 * len(pairs)


def test_why_says_which_older_turn_the_newer_value_was_put_before_and_the_older_stays() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as store:
        bank = store.bank("ida")
        bank.observe(told(PAIRS["development"][:1]))
        newer, older = bank.recall(PAIRS["development"][0]["question"], k=2)
        assert (newer.memory.id, older.memory.id) == ("0 newer", "0 older")
        assert newer.score >= older.score
        only = bank.recall(PAIRS["development"][0]["question"], k=1)
        assert [hit.memory.id for hit in only] == ["0 newer"]


@pytest.mark.parametrize(
    "question",
    [
        "How many pages did the draft have at first?",
        "What was the rent before?",
        "How did the number of pages change?",
        "What did Ana originally weigh?",
        "Which database did we use?",
        "Who led the project?",
        "I moved to Porto and the flat is small. It rains. How many boxes were there, and who took them all away?",
        "Tell me about Rita.",
        "the locker combination",
        "",
    ],
)
def test_questions_about_the_past_and_stories_ask_for_no_present_value(question: str) -> None:
    assert asked_value(question) is None


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many pages does my thesis have?", "quantity"),
        ("So, how long is the commute?", "quantity"),
        ("What is the rent of the flat?", "quantity"),
        ("At what time does the standup start these days?", "moment"),
        ("When is the half marathon?", "moment"),
        ("Who leads the project?", "name"),
        ("Where does the choir rehearse now?", "name"),
    ],
)
def test_the_kind_of_the_asked_value_follows_from_how_it_is_asked(question: str, kind: str) -> None:
    value = asked_value(question)
    assert value is not None
    assert value.kind == kind
