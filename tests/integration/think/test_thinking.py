"""Post-thinking end to end: a queue that loses nothing, workers that share it, beliefs that change."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from langchain_core.language_models.fake_chat_models import FakeListChatModel

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ThinkerError
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.testing import FrozenClock, ScriptedThinker

START_TIME = datetime(2025, 6, 2, 12, tzinfo=UTC)


def said(bank: memkit.MemoryBank, text: str, at: datetime) -> None:
    bank.observe([memkit.Turn(text, "Ana", at=at)])


def test_a_move_supersedes_the_old_home_and_both_stay_in_history(bank: memkit.MemoryBank) -> None:
    said(bank, "I live in Lisbon.", START_TIME)
    bank.think()
    said(bank, "Big news: I moved to Porto in May.", START_TIME + timedelta(days=40))
    receipt = bank.think()
    assert receipt.count("superseded") == 1
    assert [m.tail for m in bank.beliefs()["Ana"]["lives in"]] == ["Porto"]
    [old] = bank.list(kinds=["thought"], states=["superseded"])
    assert old.tail == "Lisbon"
    assert bank.history(old.id)[-1].event == "superseded"


def test_somebody_introduced_by_name_is_known_by_it_months_later(bank: memkit.MemoryBank) -> None:
    said(bank, "My sister Rita lives in Graz.", START_TIME)
    bank.think()
    said(bank, "Rita moved to Vienna in July", START_TIME + timedelta(days=90))
    assert bank.think().count("superseded") == 1
    assert [m.tail for m in bank.beliefs()["Ana's sister Rita"]["lives in"]] == ["Vienna"]


def test_saying_the_same_again_adds_no_thought(bank: memkit.MemoryBank) -> None:
    for day in range(5):
        said(bank, f"I live in Lisbon{'!' * day}", START_TIME + timedelta(days=day))
        bank.think()
    assert len(bank.list(kinds=["thought"])) == 1


def test_small_talk_questions_and_an_assistants_words_lead_to_no_thought(bank: memkit.MemoryBank) -> None:
    talk = ["haha yes", "Good night!", "Do I live in Lisbon?", "If I moved to Rome I would be happy", "Nice weather"]
    bank.observe([("Ana", text) for text in talk])
    bank.observe([{"role": "assistant", "content": "I live in the cloud. My favourite colour is blue."}])
    bank.think()
    assert bank.list(kinds=["thought"]) == []


def test_a_failed_exchange_stays_queued_and_is_tried_again_when_it_is_due(path: Path) -> None:
    clock = FrozenClock(START_TIME)
    thought = Proposal("insert", "Ana sings.", head="Ana", relation="likes", tail="singing")
    thinker = ScriptedThinker([ThinkerError("the model is away"), [thought]])
    with memkit.open(path, encoder=HashingEncoder(), thinker=thinker, clock=clock) as store:
        said(store.bank("ana"), "I sing in a choir", START_TIME - timedelta(hours=1))
        assert store.maintain(budget_s=5).failed == 1
        assert store.maintain(budget_s=5).exchanges == 0  # not due yet
    with memkit.open(path, encoder=HashingEncoder(), thinker=thinker, clock=clock) as store:
        clock.advance(timedelta(hours=1))
        queue = store.stats()["banks"]["ana"]["queue"]
        assert queue == {"waiting": 1, "leased": 0, "put_off": 0, "most_attempts": 1, "errors": {"ThinkerError": 1}}
        assert store.maintain(budget_s=5).exchanges == 1
        assert store.stats()["banks"]["ana"]["queue"]["waiting"] == 0
        assert [m.text for m in store.bank("ana").list(kinds=["thought"])] == ["Ana sings."]


class CountingThinker:
    """A thinker that counts how often each turn was thought about."""

    name = "counting"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def think(self, task: Task) -> list[Proposal]:
        self.seen += [turn.text for turn in task.turns]
        return [Proposal("insert", f"Thought about {task.turns[0].text}.")]


def test_two_workers_share_the_banks_and_apply_every_exchange_once(path: Path) -> None:
    thinker = CountingThinker()
    with memkit.open(path, encoder=HashingEncoder(), thinker=thinker) as store:
        for n in range(12):
            said(store.bank(f"user{n}"), f"Statement number {n}", START_TIME)
        workers = [threading.Thread(target=store.maintain, args=(20,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sorted(thinker.seen) == sorted(f"Statement number {n}" for n in range(12))
        assert all(len(store.bank(f"user{n}").list(kinds=["thought"])) == 1 for n in range(12))


def test_a_chat_models_operations_are_applied_through_its_fences(path: Path) -> None:
    answer = json.dumps(
        [{"op": "insert", "text": "Ana sings in a choir.", "head": "Ana", "speaker": "Ana", "turns": [1]}]
    )
    model = FakeListChatModel(responses=[f"Of course!\n```json\n{answer}\n```"])
    with memkit.open(path, encoder=HashingEncoder(), thinker=model) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("I sing in a choir on Mondays", "Ana", id="t1")])
        bank.think()
        [thought] = bank.list(kinds=["thought"])
        assert thought.text == "Ana sings in a choir."
        assert thought.sources == ("t1",)


def test_a_thought_is_shown_with_the_turn_that_it_rests_on(bank: memkit.MemoryBank) -> None:
    said(bank, "I moved to Lisbon in May 2024.", START_TIME)
    bank.think()
    hits = bank.recall("Where did Ana move to, Lisbon?")
    assert [hit.memory.kind for hit in hits] == ["turn"]
    assert [thought.tail for thought in hits[0].thoughts] == ["Lisbon"]


def test_what_was_said_just_before_helps_to_understand_a_question(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", "My guitar lessons cost forty euros"), ("Ana", "My swimming lessons cost twelve euros")])
    about = [("Ana", "Let's talk about swimming")]
    hits = bank.recall("How much do the lessons cost?", context=about, min_score=0)
    assert "swimming" in hits[0].memory.text
    other = bank.recall("How much do the lessons cost?", context=["Let's talk about my guitar"], min_score=0)
    assert "guitar" in other[0].memory.text
