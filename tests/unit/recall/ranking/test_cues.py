"""Cues of a question: who is named."""

import unicodedata
from datetime import UTC, datetime

import pytest

from memkit.recall.ranking.cues import Cues, read_cues
from memkit.recall.ranking.names import nearly_named

ASKED_AT = datetime(2025, 6, 4, 12, tzinfo=UTC)  # a Wednesday


def cues_of(question: str, *speakers: str, held: str = "") -> Cues:
    numbers = {speaker: number for number, speaker in enumerate(speakers)}
    return read_cues(question, numbers, ASKED_AT, "UTC", held.split().__contains__)


def test_a_speakers_name_is_a_cue_and_no_search_word() -> None:
    cues = cues_of("What did Ana cook?", "Ana", "Bob", "user")
    assert cues.named == frozenset({0})
    assert [word.forms[0][0] for word in cues.terms] == ["cook"]
    assert not cues_of("the user said", "user").named
    assert cues_of("What did Will say?", "Will").named
    assert not cues_of("When will it rain?", "Will").named


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("阿柯盘下的铺面以前是什么？", {"盘下", "铺面"}),
        ("隔壁阿柯的铺面", {"隔壁", "铺面"}),
        ("ミナは京都にいた？", {"京都"}),
    ],
)
def test_a_name_in_a_sentence_without_spaces_leaves_its_other_words(question: str, terms: set[str]) -> None:
    cues = cues_of(question, "阿柯", "ミナ")
    assert len(cues.named) == 1
    assert terms <= {word.forms[0][0] for word in cues.terms}
    assert not any("柯" in word.forms[0][0] or "ミ" in word.forms[0][0] for word in cues.terms)


@pytest.mark.parametrize("speaker", ["Zoë", "Zoe\u0308", "ＺＯË", " Zoë Brandt"])
@pytest.mark.parametrize("asked", ["Zoë", "Zoe\u0308", "zoë", "Zoe"])
def test_composition_width_and_case_make_no_other_name_and_a_question_may_lack_the_accent(
    speaker: str, asked: str
) -> None:
    cues = cues_of(f"What does {asked} like?", speaker)
    assert (cues.named, len(cues.terms)) == (frozenset({0}), 1)


def test_accents_keep_people_apart_where_the_question_has_them() -> None:
    assert cues_of("What does Zoë like?", "Zoë", "Zoe").named == frozenset({0})
    assert cues_of("What does Zoe like?", "Zoë", "Zoe").named == frozenset({0, 1})


@pytest.mark.parametrize(
    ("speaker", "asked"),
    [
        ("Stephen", "Steven"),
        ("Yusuf", "Yousef"),
        ("Kathy", "Cathy"),
        ("Geoffrey", "Jeffrey"),
        ("Mohammed", "Muhammad"),
        ("Katherine", "Catherine"),
        ("Sarah", "Sara"),
        ("Mattias", "Matthias"),
    ],
)
def test_a_name_within_a_letter_or_two_or_by_its_sound_is_met_and_is_no_search_word(speaker: str, asked: str) -> None:
    cues = cues_of(f"What does {asked} like?", speaker, "Bob")
    assert (cues.named, cues.likened) == (frozenset({0}), {0: asked.casefold()})
    assert len(cues.terms) == 1


def test_a_name_that_somebody_has_or_that_the_bank_knows_is_no_other_name_misspelt() -> None:
    assert cues_of("What does Steven like?", "Stephen", "Steven").named == frozenset({1})
    assert cues_of("What does Steven like?", "Stephen", held="steven").named == frozenset()


@pytest.mark.parametrize("question", ["Did she marry?", "Where is the bean soup?", "what about the party"])
def test_usual_words_are_no_names_misspelt(question: str) -> None:
    assert nearly_named(question, ["Mary", "Dean", "Patty"], lambda _: False) == {}


def test_a_name_without_spaces_around_it_is_met_inside_a_sentence() -> None:
    assert cues_of("田中さんは何が好きですか", "田中", "佐藤").named == frozenset({0})


def test_the_decomposed_question_gives_the_same_terms() -> None:
    question = "Où est née la sœur d'Émile?"
    as_written, decomposed = (cues_of(text, "Ana").terms for text in (question, unicodedata.normalize("NFD", question)))
    assert as_written == decomposed
