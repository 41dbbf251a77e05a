"""Words in another form find what was said in the same language: alone, and in a bank of many languages."""

import tomllib
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RankingSettings, Settings

INFLECTED = tomllib.loads((Path(__file__).parents[2] / "data" / "inflected.toml").read_text("utf-8"))
MIN_SHARE = {"finnish": 0.6}  # where little but endings tells the language, short sentences stay untold
WORDS_ALONE = Settings(ranking=RankingSettings(dense=0))


def share_found_first(bank: memkit.MemoryBank, language: str) -> float:
    pairs = zip(INFLECTED[language]["questions"], INFLECTED[language]["sentences"], strict=True)
    found = [bank.recall(question, k=1, min_score=0)[0].memory.text == sentence for question, sentence in pairs]
    return sum(found) / len(found)


@pytest.mark.parametrize("language", INFLECTED)
def test_a_question_in_other_forms_of_the_words_finds_its_sentence(language: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=WORDS_ALONE) as store:
        bank = store.bank("ana")
        bank.observe([("Ana", text) for text in INFLECTED[language]["sentences"]])
        assert share_found_first(bank, language) >= MIN_SHARE.get(language, 0.8)


def test_it_does_so_in_a_bank_of_all_these_languages() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=WORDS_ALONE) as store:
        bank = store.bank("ana")
        for own in INFLECTED.values():
            bank.observe([("Ana", text) for text in own["sentences"]])
        shares = {language: share_found_first(bank, language) for language in INFLECTED}
    assert min(shares.values()) >= 0.6, shares
    assert sum(shares.values()) / len(shares) >= 0.8


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("trabaja", "Mi hermana trabaja en una panadería."),  # the question's language can't be told
        ("¿Quién compró pasteles y dónde?", "Pasteles grandes"),  # the sentence's can't
        ("Schwestern Gitarren", "Die Schwestern haben zwei Gitarren."),
        ("Wer hat die Gitarren?", "Gitarren gekauft"),
        ("boulangeries rouges", "Il y a des boulangeries rouges dans la ville."),
        ("çalışıyor", "Kardeşim bir fırında çalışıyor, çok iyi."),
    ],
)
def test_texts_too_short_to_tell_their_language_meet_those_whose_language_is_told(question: str, sentence: str) -> None:
    others = ["The ferry leaves at noon.", "El perro duerme en la cocina.", "Der Hund schläft in der Küche."]
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=WORDS_ALONE) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn(text, "Ana", session=text[:5]) for text in [*others, sentence]])
        [hit] = bank.recall(question, k=1, min_score=0)
    assert hit.memory.text == sentence
    assert hit.why["words"]
