"""The project's own sets of conversations with questions are whole."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from memkit.evaluation.formats.conversation import Conversation, turn_time
from memkit.evaluation.formats.jsonl import read_jsonl

SETS = sorted((Path(__file__).parents[3] / "data" / "conversations").glob("*-conversation.jsonl"))


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
