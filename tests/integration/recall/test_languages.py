"""Recall by words alone in twelve languages: as they are written, without accents, and with letters decomposed."""

import tomllib
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder

LANGUAGES = tomllib.loads((Path(__file__).parents[2] / "data" / "languages.toml").read_text("utf-8"))
ACCENTED_SCRIPTS = ("arabic", "hebrew", "russian", "greek", "turkish", "german")


def as_written(text: str) -> str:
    return text


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def unaccented(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in letters if unicodedata.category(c) != "Mn"))


def share_found_first(sentences: list[str], questions: list[str]) -> float:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("Ana", text) for text in sentences])
        firsts = [[hit.memory.text for hit in bank.recall(text, k=1, min_score=0)] for text in questions]
    return sum(first == [text] for first, text in zip(firsts, sentences, strict=True)) / len(sentences)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("asked", [as_written, decomposed, unaccented])
def test_a_question_finds_the_sentence_that_it_is_about_first(language: str, asked: Callable[[str], str]) -> None:
    sentences, questions = LANGUAGES[language]["sentences"], LANGUAGES[language]["questions"]
    assert share_found_first(sentences, [asked(question) for question in questions]) >= 0.8


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("written", [decomposed, unaccented])
def test_a_sentence_in_another_form_is_found_by_a_question_as_usual(
    language: str, written: Callable[[str], str]
) -> None:
    sentences = [written(sentence) for sentence in LANGUAGES[language]["sentences"]]
    assert share_found_first(sentences, LANGUAGES[language]["questions"]) >= 0.8
