"""The floor: what a bank gives to questions about nothing in it, measured from what its own encoder gives by chance."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import memkit
from memkit.encoders import HashingEncoder
from memkit.evaluation.formats.files import read_conversations
from memkit.evaluation.texts import lines_of
from memkit.protocols import FloatArray

CONVERSATIONS = Path(memkit.__file__).parent / "evaluation" / "conversations"
FOREIGN = lines_of("unrelated.txt")[::3]


class LeaningEncoder:
    """An encoder whose vectors all lean one way, so that unrelated texts have high cosines, too."""

    name = "leaning"
    dimension = 257
    meaning = HashingEncoder().meaning

    def __init__(self, lean: float = 1.2) -> None:
        self._hashing, self._lean = HashingEncoder(256), lean

    def encode(self, texts: list[str]) -> FloatArray:
        rows = np.pad(self._hashing.encode(texts), ((0, 0), (0, 1)), constant_values=self._lean)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


class FailingOnProbes(HashingEncoder):
    """Encodes what is asked, but nothing else at recall."""

    def encode(self, texts: list[str]) -> FloatArray:
        if len(texts) > 20:
            raise ValueError
        return super().encode(texts)


@pytest.fixture(params=[HashingEncoder(), LeaningEncoder()], ids=["hashing", "leaning"])
def bank(request: pytest.FixtureRequest) -> Iterator[memkit.MemoryBank]:
    [conversation] = read_conversations(CONVERSATIONS / "conversation.jsonl")[1]
    with memkit.open(":memory:", encoder=request.param, clock=lambda: conversation.end) as store:
        bank = store.bank("friends")
        bank.observe(conversation.turns)
        yield bank


def results_of(bank: memkit.MemoryBank, questions: list[str]) -> float:
    return sum(len(bank.recall(question, reinforce=False)) for question in questions) / len(questions)


def test_questions_about_nothing_get_next_to_nothing_however_high_an_encoders_cosines_are(
    bank: memkit.MemoryBank,
) -> None:
    assert results_of(bank, list(FOREIGN)) <= 0.5


def test_questions_about_the_bank_get_results(bank: memkit.MemoryBank) -> None:
    [conversation] = read_conversations(CONVERSATIONS / "conversation.jsonl")[1]
    questions = [question.text for question in conversation.questions]
    assert sum(not bank.recall(question, reinforce=False) for question in questions) <= 0.15 * len(questions)


def test_a_question_about_somebody_unheard_of_gets_less_than_one_about_a_speaker(bank: memkit.MemoryBank) -> None:
    [conversation] = read_conversations(CONVERSATIONS / "conversation.jsonl")[1]
    [name, *_] = {str(turn.speaker) for turn in conversation.turns}
    questions = [q.text for q in conversation.questions if name in q.text]
    strangers = [question.replace(name, "Ottokar") for question in questions]
    assert results_of(bank, strangers) < results_of(bank, questions)


def test_no_more_results_come_where_it_is_not_sure_and_all_without_the_floor(bank: memkit.MemoryBank) -> None:
    given = [len(bank.recall(question, reinforce=False)) for question in FOREIGN]
    assert max(given) < 10
    assert all(len(bank.recall(question, min_score=0, reinforce=False)) == 10 for question in FOREIGN[:3])


def test_where_the_probes_cannot_be_encoded_words_decide() -> None:
    with memkit.open(":memory:", encoder=FailingOnProbes()) as store:
        bank = store.bank("ana")
        bank.observe([("ana", "I moved to Lisbon in May."), ("ana", "My sister Rita visits on Thursday.")])
        assert len(bank.recall("Where did I move to in May?")) > 0
        assert len(bank.recall("How do I reset a router?")) == 0


def test_chance_is_as_if_what_was_erased_had_never_been_here() -> None:
    texts = [f"I saw {thing} number {n} at the harbour." for n in range(30) for thing in ("boat", "crane")]
    answers = []
    for erased in (False, True):
        with memkit.open(":memory:", encoder=HashingEncoder()) as store:
            bank = store.bank("ana")
            kept = [memkit.Turn(text, "Ana", id=f"t{i}") for i, text in enumerate(texts)]
            gone = [memkit.Turn(f"The moons of {n} planets are boiling.", "Ana", id=f"g{n}") for n in range(30)]
            bank.observe([*gone, *kept] if erased else kept)
            bank.recall("Which moons are boiling?")
            if erased:
                bank.erase(ids=[f"g{n}" for n in range(30)])
            answers.append([hit.memory.text for hit in bank.recall("What did I see at the harbour?", reinforce=False)])
    assert answers[0] == answers[1]
