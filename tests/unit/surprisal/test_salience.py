"""Key phrases hold what is written together whole: prices, times, versions, addresses, words with vowel signs."""

import pytest

from memkit.protocols import Token
from memkit.surprisal.background import BackgroundSurprisal
from memkit.surprisal.salience import key_phrases

WHOLE_UNITS = [
    ("The laptop cost me $1,299 at Fnac.", "$1,299"),
    ("I paid €49.99 for it.", "€49.99"),
    ("My flat costs 1.250,50 € a month.", "1.250,50 €"),
    ("It grew by 12.5% this autumn.", "12.5%"),
    ("Call me at +351 912 345 678 please.", "+351 912 345 678"),
    ("I set OPENAI_API_BASE to something.", "OPENAI_API_BASE"),
    ("The train leaves at 7:45 from here.", "7:45"),
    ("It's -15°C here.", "-15°C"),
    ("We are on version 2.13.0 now.", "2.13.0"),
    ("She was born on 12/03/1990.", "12/03/1990"),
    ("Write to rita@example.org.", "rita@example.org"),
    ("My order is #4711-22.", "#4711-22"),
    ("I owe her £2k.", "£2k"),
    ("He is 5'11 now.", "5'11"),
    ("我花了$1,299", "$1,299"),
    ("मुझे स्ट्रॉबेरी पसंद है", "स्ट्रॉबेरी"),
    ("நான் கோயம்புத்தூரில் இருக்கிறேன்", "கோயம்புத்தூரில்"),
]


@pytest.mark.parametrize(("text", "unit"), WHOLE_UNITS, ids=[unit for _, unit in WHOLE_UNITS])
def test_what_is_written_together_is_never_cut(text: str, unit: str) -> None:
    phrases = key_phrases(text, BackgroundSurprisal().score(text))
    assert any(f" {unit} " in f" {phrase} " for phrase in phrases)


def test_pieces_of_a_models_word_are_one_word_of_a_phrase() -> None:
    text = "I met Guilherme Azevedo Monteiro."
    tokens = [Token(start, start + 3, 12.0) for start in (6, 9, 12, 16, 19, 24, 27)]
    assert key_phrases(text, tokens) == ("Guilherme Azevedo Monteiro",)


def test_what_is_endless_is_no_phrase() -> None:
    text = "The key is " + "a1b2" * 100
    assert all(len(phrase) < 80 for phrase in key_phrases(text, BackgroundSurprisal().score(text)))
