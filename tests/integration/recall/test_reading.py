"""What an encoder can't read counts by its words alone; what it reads is as before; another encoder reads it anew."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import memkit
from memkit.encoders import HashingEncoder
from memkit.evaluation.formats.files import read_conversations
from memkit.protocols import FloatArray
from memkit.text.reading import Piece


class OneEyedEncoder:
    """Reads ASCII; of everything else it makes one and the same vector."""

    name = "one-eyed"
    dimension = 64

    def __init__(self) -> None:
        self._hashing = HashingEncoder(64)
        self.encoded: list[str] = []

    def encode(self, texts: list[str]) -> FloatArray:
        self.encoded += texts
        rows = self._hashing.encode(texts)
        rows[[not text.isascii() for text in texts]] = np.eye(64, dtype=np.float32)[0]
        return rows

    def pieces(self, texts: list[str]) -> list[list[Piece]]:
        return [[Piece(start, end, text.isascii()) for start, end in words(text)] for text in texts]


def words(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for word in text.split(" "):
        yield start, start + len(word.rstrip(".?!"))
        start += len(word) + 1


TURNS = [
    ("Аня", "Я купила красный велосипед на рынке."),
    ("Аня", "Моя сестра живёт в Казани."),
    ("Аня", "Вчера мы ели рыбу у реки."),
    ("Ana", "We had fish by the river."),
]


@pytest.fixture
def encoder() -> OneEyedEncoder:
    return OneEyedEncoder()


@pytest.fixture
def store(encoder: OneEyedEncoder) -> Iterator[memkit.MemoryStore]:
    with memkit.open(":memory:", encoder=encoder) as store:
        store.bank("ana").observe(TURNS)
        yield store


def test_unread_turns_get_no_vector_and_wait_for_none(store: memkit.MemoryStore, encoder: OneEyedEncoder) -> None:
    assert encoder.encoded == ["Ana: We had fish by the river."]
    stats = store.stats()["banks"]["ana"]
    assert stats["unencoded"] == 0
    assert store.maintain(30).encoded == 0


@pytest.mark.parametrize(
    ("question", "answer"),
    [("Где живёт сестра?", TURNS[1]), ("Что я купила на рынке?", TURNS[0]), ("Where was the fish?", TURNS[3])],
)
def test_words_find_what_is_not_read_and_vectors_what_is(
    store: memkit.MemoryStore, question: str, answer: tuple[str, str]
) -> None:
    hits = store.bank("ana").recall(question, k=1, min_score=0)
    assert hits[0].memory.text == answer[1]
    assert ("cosine" in hits[0].why) == question.isascii()


@pytest.mark.parametrize(("read", "is_measured"), [(3, False), (40, True)])
def test_a_bank_has_no_cohesion_while_most_of_it_is_not_read(read: int, is_measured: bool) -> None:
    """Recency counts in cohesive banks alone."""
    unread = [memkit.Turn(f"Мы ели рыбу {n} раз.", "Аня", session=f"s{n}", role="user") for n in range(20)]
    topics = ("boats", "goats", "music")
    english = [
        memkit.Turn(f"{topics[n % 3]} {topics[n % 3]} {n}", "bot", session=topics[n % 3], role="assistant")
        for n in range(read)
    ]
    with memkit.open(":memory:", encoder=OneEyedEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([*unread, *english])
        hits = bank.recall("boats", k=30, min_score=0)
    assert any("recency" in hit.why for hit in hits) == is_measured


def test_an_encoder_that_reads_it_makes_the_vectors(store: memkit.MemoryStore) -> None:
    assert store.reencode(HashingEncoder()) == len(TURNS)
    assert "cosine" in store.bank("ana").recall("Где живёт сестра?", k=1)[0].why


def test_stats_tell_the_share_that_is_not_read(encoder: OneEyedEncoder) -> None:
    with memkit.open(":memory:", encoder=encoder) as store:
        long = "и потом ещё раз, потому что так было нужно"
        store.bank("ana").observe([("Аня", f"Я была там {n} раз, {long}.") for n in (11, 12, 13)])
        store.bank("ana").observe([("Ana", "I was there 14 times, and then again, because it had to be.")])
        assert store.stats()["banks"]["ana"]["unread"] == 0.75


@pytest.mark.parametrize(("name", "most_unanswered", "most_results"), [("russian", 0.1, 1.0), ("chinese", 0.05, 0.4)])
def test_the_floor_listens_to_words_where_nothing_can_be_read(
    name: str, most_unanswered: float, most_results: float
) -> None:
    folder = Path(__file__).parents[2] / "data" / "conversations"
    [conversation] = read_conversations(folder / f"{name}-conversation.jsonl")[1]
    unrelated = tomllib.loads((folder / "unrelated.toml").read_text(encoding="utf-8"))[name]
    with memkit.open(":memory:", encoder=OneEyedEncoder()) as store:
        bank = store.bank("friends")
        bank.observe(conversation.turns)
        questions = [question.text for question in conversation.questions]
        unanswered = sum(not bank.recall(question, now=conversation.end) for question in questions) / len(questions)
        results = sum(len(bank.recall(question, now=conversation.end)) for question in unrelated) / len(unrelated)
    assert unanswered <= most_unanswered
    assert results <= most_results


def test_an_encoder_whose_pieces_fail_reads_everything() -> None:
    class Failing(OneEyedEncoder):
        def pieces(self, texts: list[str]) -> list[list[Piece]]:
            raise ValueError(texts[0])

    with memkit.open(":memory:", encoder=Failing()) as store:
        store.bank("ana").observe(TURNS)
        assert store.bank("ana").recall("Где живёт сестра?", min_score=0)[0].why["cosine"] != 0


def test_an_encoder_of_words_alone_does_not_outvote_the_words() -> None:
    """Cosines of hashed words say again, and less surely, what words say: they count for less."""

    class Boasting(HashingEncoder):
        """Claims that its vectors are of meaning."""

        def __init__(self) -> None:
            super().__init__()
            self.meaning = 1.0

    dense = []
    for encoder in (Boasting(), HashingEncoder()):
        with memkit.open(":memory:", encoder=encoder) as store:
            bank = store.bank("ana")
            bank.observe(TURNS)
            [hit] = bank.recall("Where did we have fish?", k=1)
            dense.append(hit.why["dense"])
    assert dense[1] == pytest.approx(HashingEncoder().meaning * dense[0], abs=1e-3)


@pytest.mark.parametrize(("told", "taken"), [(-1.0, 0.0), (0.25, 0.25), (7.0, 1.0)])
def test_what_an_encoder_tells_of_its_meaning_is_taken_as_a_share(told: float, taken: float) -> None:
    encoder = HashingEncoder()
    encoder.meaning = told
    with memkit.open(":memory:", encoder=encoder) as store:
        bank = store.bank("ana")
        bank.observe(TURNS)
        assert bank.recall("Where did we have fish?", k=1, min_score=0)[0].memory.text == TURNS[-1][1]
        assert store._services.encoder.meaning == taken
