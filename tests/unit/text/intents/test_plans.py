"""Plans, and what changes them, told from a turn's words."""

from datetime import UTC, datetime

import pytest

from memkit.text.intents.plans import changes_plans, concerns, plan_changes, plans

SAID_AT = datetime(2026, 5, 6, 15, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I have an interview at Nordwind on Thursday.", {"interview", "nordwind"}),
        ("Can you remind me to water the ferns on Sunday?", {"water", "fern"}),
        ("I promised to bake a cake for Bo's birthday on 20 May.", {"promis", "bake", "cake", "bo", "birthday"}),
        ("My flight leaves tomorrow at 7:15.", {"flight", "leav"}),
        ("The review was moved to next Friday.", {"review"}),
    ],
)
def test_a_plan_has_a_time_to_come_and_a_topic(text: str, topic: set[str]) -> None:
    [plan] = plans(text, SAID_AT, "UTC")
    assert (plan.topic, plan.interval.end > SAID_AT) == (topic, True)


def test_each_clause_of_a_sentence_plans_for_itself() -> None:
    text = "The first rehearsal is on Wednesday, and there's a concert on the 21st."
    assert [sorted(plan.topic) for plan in plans(text, SAID_AT, "UTC")] == [["first", "rehears"], ["concert"]]


@pytest.mark.parametrize(
    "text",
    [
        "Gwen is to build it, as in 2019.",
        "Are you free on Sunday?",
        "If it rains on Sunday, we stay home.",
        "I usually swim on Friday.",
        "No yoga on Monday.",
        "We played chess on Friday.",
        "The concert on Friday is cancelled.",
        "I'm not going to the concert on Friday.",
        "See you tomorrow!",
        "Maybe we'll go to Porto in June.",
    ],
)
def test_questions_habits_conditions_and_what_is_called_off_are_no_plans(text: str) -> None:
    assert plans(text, SAID_AT, "UTC") == []


@pytest.mark.parametrize(
    ("told", "changed"),
    [
        ("I have an interview at Nordwind on Thursday.", "The interview got cancelled."),
        ("Dinner with Bo is on Saturday.", "Bo called off the dinner, he is ill."),
        ("The review is on Monday.", "The review was moved to Wednesday."),
        ("I'm meeting Rita on Friday for coffee.", "Rita can't make it, Friday is off."),
        ("We fly to Crete on 20 May.", "We're not flying to Crete after all."),
        ("My exam is on Friday.", "They postponed the exam."),
        ("Yoga is on Monday.", "No yoga this week."),
    ],
)
def test_a_change_is_of_the_plan_that_it_names(told: str, changed: str) -> None:
    [plan], [change, *_] = plans(told, SAID_AT, "UTC"), plan_changes(changed, SAID_AT, "UTC")
    assert concerns(change, plan)


def test_a_change_of_something_else_leaves_a_plan() -> None:
    [plan] = plans("My gym class is on Friday.", SAID_AT, "UTC")
    assert not any(concerns(change, plan) for change in plan_changes("I cancelled the phone contract.", SAID_AT, "UTC"))


@pytest.mark.parametrize(
    "text",
    [
        "The concert isn't cancelled.",
        "Was the concert cancelled?",
        "Tell me if it is cancelled.",
        "> It was cancelled.",
    ],
)
def test_what_is_denied_asked_supposed_or_quoted_changes_nothing(text: str) -> None:
    assert not changes_plans(text)


@pytest.mark.parametrize(
    "text",
    [
        "They cancelled the tour.",
        "We called it off.",
        "The sale fell through.",
        "He dropped out.",
        "Dinner is out of the question!",
        "I’m skipping yoga.",
        "We aren't travelling.",
        "It won't take place.",
        "She is no longer coming.",
        "No pottery class this week.",
        "The match was re-scheduled for Sunday.",
        "We're postponing the picnic.",
        "They brought the exam forward.",
        "Can we meet on Friday? Let's do Sunday instead.",
    ],
)
def test_whatever_calls_off_or_moves_holds_a_hint_of_it(text: str) -> None:
    assert changes_plans(text)
