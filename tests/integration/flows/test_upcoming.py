"""What is coming up: plans as people told them, changed them, and forgot them."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.models import Role
from memkit.recall.present.asides import UpcomingPlan
from memkit.testing import FrozenClock

NOW = datetime(2026, 5, 8, 12, tzinfo=UTC)  # a Friday


def said(text: str, day: int, speaker: str = "Ana", role: Role | None = "user", id: str | None = None) -> memkit.Turn:
    return memkit.Turn(text, speaker, role=role, at=datetime(2026, 5, day, 10, tzinfo=UTC), id=id)


@pytest.fixture(params=["file", ":memory:"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    location = tmp_path / "memory.db" if request.param == "file" else ":memory:"
    with memkit.open(location, encoder=HashingEncoder(), clock=FrozenClock(NOW)) as opened:
        yield opened


def told(plans: Sequence[UpcomingPlan]) -> list[tuple[str, str]]:
    return [(str(plan.start.date()), plan.text) for plan in plans if not plan.is_past]


def test_plans_ahead_come_in_order_of_time_with_their_turns(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe(
        [
            said("I booked flights to Oslo for the 20th.", 6, id="flight"),
            said("Hello! I promised to call Rita on Sunday. She is ill.", 5, id="call"),
            said("Yesterday I tried the climbing wall.", 7),
            said("My sister marries next year.", 6),
        ]
    )
    plans = ana.upcoming()
    assert told(plans) == [
        ("2026-05-10", "I promised to call Rita on Sunday."),
        ("2026-05-20", "I booked flights to Oslo for the 20th."),
    ]
    assert [(plan.memory.id, plan.unit, plan.end - plan.start) for plan in plans] == [
        ("call", "day", timedelta(days=1)),
        ("flight", "day", timedelta(days=1)),
    ]
    assert told(ana.upcoming(within=timedelta(days=5))) == told(plans)[:1]


@pytest.mark.parametrize(
    "changes",
    [
        ["The interview got cancelled."],
        ["Nordwind called off the interview, what a pity."],
        ["It has been cancelled."],
        ["I'm not going to the interview on Tuesday."],
        ["Thursday is better?", "They cancelled my interview!"],
    ],
)
def test_a_plan_that_was_called_off_is_not_upcoming(store: memkit.MemoryStore, changes: list[str]) -> None:
    ana = store.bank("ana")
    ana.observe([said("I have an interview at Nordwind on Tuesday.", 6), *(said(text, 7) for text in changes)])
    assert ana.upcoming() == []


def test_a_plan_that_was_moved_has_its_new_time_alone(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe([said("The review is on Monday.", 5), said("The review was moved to next Wednesday.", 6)])
    ana.observe([said("My dentist appointment is on Tuesday.", 6), said("My dentist appointment is on Monday.", 7)])
    assert told(ana.upcoming()) == [
        ("2026-05-11", "My dentist appointment is on Monday."),
        ("2026-05-13", "The review was moved to next Wednesday."),
    ]


def test_a_plan_that_is_told_again_counts_once_in_its_narrowest_time(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe([said("My driving exam is next week.", 4), said("My driving exam is on 13 May.", 6)])
    ana.observe([said("I'm so nervous about my driving exam next week!", 7)])
    assert told(ana.upcoming()) == [("2026-05-13", "My driving exam is on 13 May.")]


def test_what_was_due_and_never_spoken_of_again_is_told_apart(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe(
        [
            said("I have an interview at Nordwind on Wednesday.", 4, id="interview"),
            said("We play chess at the club on Wednesday.", 4),
            said("The chess at the club was fun.", 7),
            said("My swimming race is on Saturday.", 7),
        ]
    )
    assert ana.upcoming()[0].memory.id == "interview"
    assert [plan.is_past for plan in ana.upcoming()] == [True, False]
    ana.observe([said("How did the interview at Nordwind go?", 8, "Bot", "assistant")])
    assert [plan.is_past for plan in ana.upcoming()] == [False]


def test_only_peoples_own_words_make_plans(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe(
        [
            said("You could visit the castle on Sunday.", 6, "Bot", "assistant"),
            said('{"event": "sync", "on": "2026-05-10"}', 6, "calendar", "tool"),
            said("> Let's meet the board on Sunday", 6),
            said("From: Bo <bo@example.org>\nSubject: Board\n\nThe board meets on 10 May.", 6),
        ]
    )
    assert ana.upcoming() == []


def test_what_was_forgotten_or_erased_is_not_upcoming(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe([said("My swimming race is on Saturday.", 7, id="a"), said("The choir sings on Sunday.", 7, id="b")])
    ana.forget("a", reason="asked")
    assert [plan.memory.id for plan in ana.upcoming()] == ["b"]
    ana.erase(ids=["b"])
    assert ana.upcoming() == []


def test_plans_are_those_of_the_moment_of_asking(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe([said("The review is on Monday.", 5), said("The review got cancelled.", 7)])
    assert told(ana.upcoming(now=datetime(2026, 5, 6, 12, tzinfo=UTC))) == [("2026-05-11", "The review is on Monday.")]
    assert ana.upcoming(now=datetime(2026, 5, 4, 12, tzinfo=UTC)) == []


def test_a_change_of_zone_moves_the_times_that_were_told(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe([said("My swimming race is on Saturday.", 7), said("My swimming race is on Saturday.", 8)])
    ana.change_zone("Pacific/Auckland")
    [plan] = ana.upcoming()
    assert plan.start == datetime(2026, 5, 8, 12, tzinfo=UTC)
    assert store.doctor() == []


def test_times_that_turns_mention_are_made_anew_where_an_export_is_loaded(
    store: memkit.MemoryStore, tmp_path: Path
) -> None:
    store.bank("ana").observe([said("My swimming race is on Saturday.", 7), said("Always answer in Spanish.", 7)])
    store.export(tmp_path / "all.jsonl")
    with memkit.open(tmp_path / "other.db", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as other:
        other.load(tmp_path / "all.jsonl")
        for bank in (store.bank("ana"), other.bank("ana")):
            assert told(bank.upcoming()) == [("2026-05-09", "My swimming race is on Saturday.")]
            assert [each.text for each in bank.standing()] == ["Always answer in Spanish."]


@pytest.mark.parametrize("within", [timedelta(0), timedelta(days=-1), 14])
def test_within_is_a_length_of_time(store: memkit.MemoryStore, within: timedelta) -> None:
    with pytest.raises(InputError, match="within"):
        store.bank("ana").upcoming(within=within)


def test_nothing_is_upcoming_in_a_bank_that_is_not_there(store: memkit.MemoryStore) -> None:
    assert (store.bank("nobody").upcoming(), store.bank("nobody").standing()) == ([], [])


@pytest.mark.parametrize("within", [timedelta.max, timedelta(days=700_000)])
def test_any_length_of_time_can_be_asked_for(store: memkit.MemoryStore, within: timedelta) -> None:
    store.bank("ana").observe([said("My swimming race is on Saturday.", 7)])
    assert len(store.bank("ana").upcoming(within=within)) == 1


def test_the_prompt_shows_what_is_due_under_a_heading_of_its_own(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    ana.observe([said("I have an interview on Wednesday.", 4), said("My swimming race is on Saturday.", 7)])
    block = ana.recall("Which race?").prompt(600, upcoming=ana.upcoming())
    lines = block.splitlines()
    start = lines.index("Due soon, as people told it:")
    assert lines[start + 1 : start + 3] == [
        '  2026-05-06, not spoken of since, Ana: "I have an interview on Wednesday."',
        '  2026-05-09, Ana: "My swimming race is on Saturday."',
    ]


async def test_the_same_can_be_awaited(store: memkit.MemoryStore) -> None:
    ana = store.bank("ana")
    await ana.aio.observe([said("My swimming race is on Saturday.", 7), said("Always answer in Spanish.", 7)])
    assert (await ana.aio.upcoming(), await ana.aio.standing()) == (ana.upcoming(), ana.standing())


def test_a_repaired_file_knows_the_times_that_its_turns_mention(tmp_path: Path) -> None:
    path, clock = tmp_path / "memory.db", FrozenClock(NOW)
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        store.bank("ana").observe([said("My swimming race is on Saturday.", 7), said("Always answer in Spanish.", 7)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM mention")
    memkit.repair(path, encoder=HashingEncoder())
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        ana = store.bank("ana")
        assert told(ana.upcoming()) == [("2026-05-09", "My swimming race is on Saturday.")]
        assert [each.text for each in ana.standing()] == ["Always answer in Spanish."]
