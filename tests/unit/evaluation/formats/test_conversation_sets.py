"""The project's own sets of conversations with questions are whole."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from memkit.evaluation.formats.conversation import Conversation, turn_time
from memkit.evaluation.formats.jsonl import read_jsonl

FOLDER = Path(__file__).parents[3] / "data" / "conversations"
SETS = sorted(FOLDER.glob("*-conversation.jsonl"))
LATER_QUESTIONS = sorted(FOLDER.glob("*-later-questions.jsonl"))


@pytest.fixture(params=SETS, ids=lambda path: path.name.split("-")[0])
def conversation(request: pytest.FixtureRequest) -> Conversation:
    """A set; reading it checks that all evidence is among its turns."""
    return read_jsonl(request.param)


def test_a_set_is_large_enough(conversation: Conversation) -> None:
    assert len(conversation.turns) >= 220
    assert len(conversation.questions) >= 35
    assert len(conversation.unknown) >= 10


def test_time_goes_on_from_turn_to_turn(conversation: Conversation) -> None:
    assert all(turn_time(first) < turn_time(second) for first, second in pairwise(conversation.turns))


def test_no_turn_and_no_question_stands_twice(conversation: Conversation) -> None:
    said = Counter(turn.text for turn in conversation.turns) + Counter(q.text for q in conversation.questions)
    assert max(said.values()) == 1
    assert max(Counter(turn.id for turn in conversation.turns).values()) == 1


@pytest.fixture(params=LATER_QUESTIONS, ids=lambda path: path.name.split("-")[0])
def asked_first_and_later(request: pytest.FixtureRequest) -> tuple[Conversation, Conversation]:
    """A set with the questions written with it, and with those written later."""
    path = request.param.with_name(request.param.name.replace("later-questions", "conversation"))
    return read_jsonl(path), read_jsonl(path, request.param)


def test_every_set_has_later_questions() -> None:
    sets = {path.name.split("-")[0] for path in FOLDER.glob("*-conversation.jsonl")}
    assert {path.name.split("-")[0] for path in LATER_QUESTIONS} == sets


def test_later_questions_are_as_many_as_the_first_and_of_their_kinds(
    asked_first_and_later: tuple[Conversation, Conversation],
) -> None:
    first, later = asked_first_and_later
    assert len(later.unknown) == len(first.unknown)
    assert Counter(q.category for q in later.questions) == Counter(q.category for q in first.questions)


def test_later_questions_repeat_neither_one_another_nor_the_first(
    asked_first_and_later: tuple[Conversation, Conversation],
) -> None:
    questions = [q for half in asked_first_and_later for q in half.questions]
    texts = [q.text for q in questions] + [text for half in asked_first_and_later for text in half.unknown]
    assert max(Counter(texts).values()) == 1
    assert max(Counter(q.id for q in questions).values()) == 1
