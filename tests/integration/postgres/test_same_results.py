"""The same operations lead to the same recall on PostgreSQL as in a file: ids, scores, parts, prompts."""

import itertools
import os
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from postgres_server import server

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import UnsafeServerWarning
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.formats.files import read_conversations
from memkit.evaluation.texts import CONVERSATIONS_FOLDER
from memkit.testing import FrozenClock

pytestmark = pytest.mark.filterwarnings(f"ignore::{UnsafeServerWarning.__module__}.{UnsafeServerWarning.__name__}")
ROOT = Path(__file__).parents[3]
LOCOMO = Path(os.environ.get("MEMKIT_LOCOMO", ROOT.parent / "shared" / "data" / "locomo_dev.json"))
DEMOS = ["conversation", "assistant-conversation"]
MAX_QUESTIONS = 60
Told = list[tuple[object, ...]]


def demo(name: str) -> Conversation:
    questions = CONVERSATIONS_FOLDER / f"{name.removesuffix('conversation')}questions.jsonl"
    return read_conversations(CONVERSATIONS_FOLDER / f"{name}.jsonl", questions)[1][0]


@pytest.mark.parametrize("name", DEMOS)
def test_a_demos_questions_are_answered_alike(name: str, tmp_path: Path) -> None:
    compare(demo(name), tmp_path / "memory.db")


@pytest.mark.slow
@pytest.mark.skipif(not LOCOMO.exists(), reason="the LoCoMo file is not here")
def test_locomos_questions_are_answered_alike(tmp_path: Path) -> None:
    for number, conversation in enumerate(read_conversations(LOCOMO)[1]):
        compare(conversation, tmp_path / f"{number}.db", questions=len(conversation.questions))


def compare(conversation: Conversation, path: Path, questions: int = MAX_QUESTIONS) -> None:
    address = server().new_database()
    in_file, on_server = (life(place, conversation, questions) for place in (str(path), address))
    assert len(in_file) > 20
    for mine, other in zip(in_file, on_server, strict=True):
        assert mine == other


def life(location: str, conversation: Conversation, questions: int) -> Told:
    """What a bank tells that heard a conversation, thought about it, and was asked, corrected and erased from."""
    with opened(location, conversation.end) as store:
        bank = store.bank("acme", "ana")
        for start in range(0, len(conversation.turns), 100):
            bank.observe(conversation.turns[start : start + 100])
            bank.think()
        bank.reflect()
        first = asked(bank, conversation, questions)
        bank.erase(ids=[str(turn.id) for turn in conversation.turns[3:40:5]])
        beliefs = bank.list(kinds=["thought"], limit=3)
        bank.correct(beliefs[0].id, "That is not so any more.")
        bank.forget([beliefs[1].id], reason="asked")
        return [*first, *asked(bank, conversation, questions // 2), (bank.portrait(),)]


def opened(location: str, now: datetime) -> memkit.MemoryStore:
    """A store whose ids are counted, so that they are the same in both."""
    store = memkit.open(location, encoder=HashingEncoder(), clock=FrozenClock(now))
    numbers = itertools.count()

    def counted_id(at: datetime) -> str:
        return str(UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | next(numbers)))

    store._services.new_id = counted_id
    return store


def asked(bank: memkit.MemoryBank, conversation: Conversation, questions: int) -> Told:
    """For each question, the hits with their scores and parts, and the prompt."""
    told: Told = []
    for question in conversation.questions[:questions]:
        hits = bank.recall(question.text, k=10, min_score=0)
        rows = [(hit.memory.id, hit.memory.text, hit.score, hit.why) for hit in hits]
        told.append((question.text, rows, hits.prompt(max_tokens=300)))
    return told
