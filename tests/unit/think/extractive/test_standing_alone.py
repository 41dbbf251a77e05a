"""Thoughts stand alone: what names something told elsewhere, or was cut in the middle, is none."""

from datetime import UTC, datetime

import pytest

from memkit.models import Memory
from memkit.protocols import Task
from memkit.think import ExtractiveThinker

WEDNESDAY_EVENING = datetime(2024, 6, 12, 18, tzinfo=UTC)


def thoughts(text: str) -> list[str]:
    turn = Memory(
        id="t",
        kind="turn",
        text=text,
        speaker="Ana",
        role="user",
        occurred_at=WEDNESDAY_EVENING,
        recorded_at=WEDNESDAY_EVENING,
    )
    return [proposal.text for proposal in ExtractiveThinker().think(Task([turn], [], "UTC", WEDNESDAY_EVENING))]


@pytest.mark.parametrize(
    "text",
    [
        "Love happened. And the flat?",
        "I drove to the notary in Faro with it.",
        "I want to help people and their dogs get through it.",
        "I love sharing what I know with them.",
        "I'm going to continue doing that in July.",
        "I lost an hour to that.",
        "I want to help make their lives better.",
        "I love escaping to that world.",
        "I want to work on something different.",
        "I'm passionate about creating a safe, inviting place for people to grow.",
        "I'm creating a menu that'll make 'em stay.",
        "It went well, like we planned.",
        "I designed a simplified, two-step form.",
        "My boss just assigned overtime every day.",
        "Explicitly mark a rest every day.",
        "Please proofread the following email: I sold my flat and I moved to Faro.",
    ],
)
def test_a_tail_that_points_elsewhere_or_was_cut_makes_no_thought(text: str) -> None:
    assert thoughts(text) == []


@pytest.mark.parametrize(
    ("text", "formed"),
    [
        ("I want to open a tiny bookshop with a cat in it.", "Ana wants to open a tiny bookshop with a cat in it."),
        ("I love beavers and their dams.", "Ana likes beavers and their dams."),
        ("I love red.", "Ana likes red."),
        ("I sold 2,100 tickets on Sunday.", "Ana sold 2,100 tickets on 9 June 2024."),
        ("My mum and I went to a fair together on Sunday.", "Ana went to a fair on 9 June 2024."),
        ("I practice and train every day.", "Ana usually practices and trains every day."),
        ("I signed up for the regatta on the 27th of October.", "Ana signed up for the regatta on 27 October 2024."),
        ("I signed up for a pottery class yesterday.", "Ana signed up for a pottery class on 11 June 2024."),
        ("I'm working on a stage play and things are looking up.", "Ana is working on a stage play."),
    ],
)
def test_what_is_resolved_within_the_tail_stays_and_is_told_in_full(text: str, formed: str) -> None:
    assert thoughts(text) == [formed]


def test_what_others_did_is_not_the_speakers() -> None:
    assert thoughts("I was happy among people who accepted and celebrated me.") == []
    assert thoughts("I met a man who sings, and I moved to Faro.") == ["Ana met a man who sings.", "Ana lives in Faro."]


def test_a_list_of_verbs_is_not_run_together() -> None:
    assert "swam" not in " ".join(thoughts("We hiked, swam, and made great memories."))
