"""The baselines are what they say they are."""

from math import log

import numpy as np
import pytest

from memkit import Turn
from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.formats.conversation import Conversation, Unit
from memkit.evaluation.recall.baselines import BM25_B, BM25_K1, Baselines, Bm25, reciprocal_rank_fusion
from memkit.evaluation.recall.variants import CachingEncoder
from memkit.protocols import FloatArray
from memkit.text.reading import Piece, TellsMeaning, TellsPieces

TERM_LISTS = [["boat", "red"], ["boat", "boat", "sail", "wind"], ["tree"], ["wind"]]


def by_hand(query: list[str], documents: list[list[str]]) -> list[float]:
    """BM25, one document and one term at a time."""
    average = sum(map(len, documents)) / len(documents)
    totals = []
    for document in documents:
        total = 0.0
        for term in query:
            holding = sum(term in other for other in documents)
            idf = log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            count = document.count(term)
            total += idf * count * (BM25_K1 + 1) / (count + BM25_K1 * (1 - BM25_B + BM25_B * len(document) / average))
        totals.append(total)
    return totals


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_bm25_over_the_first_documents_equals_the_slow_version_over_just_those(n: int) -> None:
    scores = Bm25(TERM_LISTS).scores(["boat", "wind", "never"], n)
    assert scores == pytest.approx(by_hand(["boat", "wind"], TERM_LISTS[:n]), rel=1e-5)


def test_fusion_by_rank_adds_reciprocals() -> None:
    assert reciprocal_rank_fusion(["a", "b", "c"], ["c", "b"])[:2] == ["c", "b"]  # 1/63 + 1/61 > 1/62 + 1/62 > 1/61


def conversation(unit: Unit = "turn") -> Conversation:
    said = [("s1", "We bought a red boat"), ("s1", "How lovely"), ("s2", "The tree fell"), ("s2", "The boat is sold")]
    turns = tuple(
        Turn(text, "Ada", at=1_700_000_000 + 60 * i, id=f"t{i}", session=session)
        for i, (session, text) in enumerate(said)
    )
    return Conversation("c", turns, unit=unit)


def test_each_baseline_ranks_the_turn_that_shares_the_words_first() -> None:
    rankings = Baselines(conversation(), HashingEncoder()).rankings("Which tree fell?", 4)
    assert set(rankings) == {"dense", "bm25", "rrf"}
    assert {ranking[0] for ranking in rankings.values()} == {"t2"}


def test_a_session_ranks_as_its_best_turn_and_only_once() -> None:
    rankings = Baselines(conversation("session"), HashingEncoder()).rankings("red boat", 4)
    assert rankings["bm25"] == ["s1", "s2"]


def test_what_was_not_heard_yet_is_not_ranked() -> None:
    assert Baselines(conversation(), HashingEncoder()).rankings("sold", 2)["bm25"] == ["t1", "t0"]


SAID_ABROAD = {
    "spanish": ("Mi hermana vendía paraguas", "El tren llegó tarde", "¿Quién vende un paraguas?"),
    "german": ("Die Nachbarn haben Katzen", "Der Zug kam spät", "Wie heißt die Katze?"),
    "russian": ("Сестра продавала зонтики", "Поезд опоздал", "Кто продаёт зонтик?"),
    "english": ("我把伞忘在出租车上了", "火车晚点了", "出租车里落了什么?"),  # Chinese: pairs of characters
}


@pytest.mark.parametrize("language", SAID_ABROAD)
def test_bm25_finds_other_forms_of_a_word_in_the_language_that_is_told(language: str) -> None:
    *said, question = SAID_ABROAD[language]
    turns = tuple(Turn(text, "Ada", at=1_700_000_000 + i, id=f"t{i}", session="s") for i, text in enumerate(said))
    rankings = Baselines(Conversation("c", turns), HashingEncoder(), language).rankings(question, 2)
    assert rankings["bm25"][0] == "t0"


def test_bm25_with_stems_of_another_language_misses_a_form() -> None:
    turns = (Turn("Ella canta", "Ana", id="t0", at=1), Turn("Nada", "Ana", id="t1", at=2))
    for language, first in (("english", "t1"), ("spanish", "t0")):
        ranking = Baselines(Conversation("c", turns), HashingEncoder(), language).rankings("cantaban", 2)["bm25"]
        assert ranking[0] == first, language


class Counting(HashingEncoder):
    encoded = 0

    def encode(self, texts: list[str]) -> FloatArray:
        self.encoded += len(texts)
        return super().encode(texts)


def test_a_text_is_encoded_once_and_its_vector_is_the_encoders_own() -> None:
    plain = Counting()
    remembering = CachingEncoder(plain)
    first, again = remembering.encode(["a b", "c", "a b"]), remembering.encode(["c"])
    assert plain.encoded == 2
    assert (remembering.name, remembering.dimension) == (plain.name, plain.dimension)
    np.testing.assert_array_equal(first, HashingEncoder().encode(["a b", "c", "a b"]))
    np.testing.assert_array_equal(again, first[1:2])


class Reading(HashingEncoder):
    def pieces(self, texts: list[str]) -> list[list[Piece]]:
        return [[Piece(0, len(text), False)] for text in texts]


@pytest.mark.parametrize("encoder", [HashingEncoder(), Reading()])
def test_a_measured_encoder_can_do_what_it_can_by_itself(encoder: HashingEncoder) -> None:
    """Else figures would be those of an encoder that claims to read everything."""
    remembering = CachingEncoder(encoder)
    assert isinstance(remembering, TellsPieces) == isinstance(encoder, TellsPieces)
    assert isinstance(remembering, TellsMeaning)
    assert remembering.meaning == encoder.meaning
