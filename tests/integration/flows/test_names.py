"""Names of speakers: one person in whatever form the name is written, two where an accent keeps them apart."""

import unicodedata

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder

SPELLINGS = ["Zoë", unicodedata.normalize("NFD", "Zoë"), "zoë", "Zoë ", "ＺＯË"]


@pytest.mark.parametrize("asked", SPELLINGS)
def test_an_erasure_by_speaker_takes_all_that_was_said_under_any_spelling(asked: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("friends")
        bank.observe([(name, f"Under spelling {n} I kept bees.") for n, name in enumerate(SPELLINGS)])
        bank.observe([("Zoe", "I keep no bees.")])
        bank.erase(bank.plan_erase(speaker=asked))
        assert [memory.speaker for memory in bank.list(kinds=["turn"])] == ["Zoe"]


@pytest.mark.parametrize("asked", SPELLINGS)
def test_a_recall_of_one_speaker_takes_any_spelling(asked: str) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("friends")
        bank.observe([("Zoë", "I keep bees."), ("Zoe", "I keep wasps.")])
        assert [hit.memory.text for hit in bank.recall("bees wasps", speaker=asked, min_score=0)] == ["I keep bees."]


def test_names_and_texts_stay_as_they_came() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("friends")
        bank.observe([(name, f"{name} said so, number {n}.") for n, name in enumerate(SPELLINGS)])
        assert [memory.speaker for memory in bank.list(kinds=["turn"])] == SPELLINGS


def test_a_text_that_differs_by_a_word_that_carries_meaning_is_stored_beside_the_other() -> None:
    pairs = [
        ("Take the pill before dinner.", "Take the pill after dinner."),
        ("The heater is on.", "The heater is off."),
        ("The tea costs $5.", "The tea costs €5."),
        ("It was 5 degrees.", "It was -5 degrees."),
        ("Mi papá come.", "Mi papa come."),
    ]
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("notes")
        for pair in pairs:
            for text in pair:
                bank.insert(text)
        assert [memory.text for memory in bank.list()] == [text for pair in pairs for text in pair]
        store.audit(fix=True)
        assert len(bank.list()) == 2 * len(pairs)
        bank.insert("take a pill before dinner")
        assert len(bank.list()) == 2 * len(pairs)
