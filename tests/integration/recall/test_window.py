"""Working memory: the running conversation within a budget, with marks where something was left out."""

import json
import re
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.recall.present.token_bound import token_bound
from memkit.testing import FrozenClock

FACT_TEXT = "The password of the archive in Valdivia is Quetzalcoatl-4471."
SMALL_TALK = "so then we went there again and it was really nice to see them all, what do you think about it"


def small_talk(count: int) -> list[memkit.Turn]:
    """A rare fact among everyday talk."""
    turns = [
        memkit.Turn(f"{SMALL_TALK} {'and so on ' * (i % 4)}".strip(), "ana" if i % 2 else "bob") for i in range(count)
    ]
    return [*turns[:3], memkit.Turn(FACT_TEXT, "ana", id="fact"), *turns[3:]]


def quoted(block: str) -> list[str]:
    return [json.loads(text) for text in re.findall(r'^\d\d:\d\d [^"]*: (".*")$', block, re.MULTILINE)]


@pytest.mark.parametrize("budget", [16, 40, 100, 300, 1000])
def test_it_holds_to_its_budget(bank: memkit.MemoryBank, budget: int) -> None:
    bank.observe(small_talk(200))
    window = bank.window(budget)
    assert window.tokens == token_bound(window.text) or not window.text
    assert window.tokens <= budget


def test_an_early_fact_that_surprises_outlives_everyday_talk_and_the_newest_turn_is_there(
    bank: memkit.MemoryBank,
) -> None:
    bank.observe([*small_talk(300), memkit.Turn("See you at the station at seven.", "bob")])
    block = bank.window(400).text
    assert "Quetzalcoatl-4471" in block
    assert block.splitlines()[-2].endswith('"See you at the station at seven."')
    assert "\n...\n" in block


def test_whole_where_all_fits(bank: memkit.MemoryBank) -> None:
    turns = [("ana", "I moved to Lisbon. It rains."), ("bob", "Again? Poor you!")]
    bank.observe(turns)
    window = bank.window(500)
    assert quoted(window.text) == [text for _, text in turns]
    assert (window.turns, window.shown) == (2, 2)
    assert "..." not in str(window)


def test_turn_by_turn_it_comes_to_the_same_as_at_once(clock: FrozenClock) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock) as store:
        watched, cold = store.bank("watched"), store.bank("cold")
        for turn in small_talk(60):
            watched.observe([turn])
            watched.window(200)
        cold.observe([memkit.Turn(turn.text, turn.speaker) for turn in small_talk(60)])
        assert watched.window(200) == cold.window(200)


def test_it_is_of_one_session_the_last_or_the_one_that_is_named(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe([memkit.Turn("The first talk was about bread.", "ana", session="one")])
    clock.advance(timedelta(days=2))
    bank.observe([memkit.Turn("The second was about boats.", "ana", session="two")])
    assert quoted(bank.window(200).text) == ["The second was about boats."]
    assert quoted(bank.window(200, session="one").text) == ["The first talk was about bread."]
    assert bank.window(200, session="three").text == ""


def test_what_was_erased_is_not_in_it(bank: memkit.MemoryBank) -> None:
    bank.observe(small_talk(50))
    assert "Quetzalcoatl" in bank.window(400).text
    bank.erase(ids=["fact"])
    assert "Quetzalcoatl" not in bank.window(400).text


def test_a_bank_without_turns_has_an_empty_window(bank: memkit.MemoryBank) -> None:
    assert str(bank.window(100)) == ""
    bank.insert("Ana likes tea.")
    assert str(bank.window(100)) == ""


@pytest.mark.parametrize("budget", [0, 15, -1, True, 99.5])
def test_a_budget_that_makes_no_sense_is_refused_in_words(bank: memkit.MemoryBank, budget: int) -> None:
    with pytest.raises(InputError, match="at least 16"):
        bank.window(budget)


def test_tokens_are_counted_as_the_caller_counts_them(bank: memkit.MemoryBank) -> None:
    bank.observe(small_talk(100))
    window = bank.window(60, count_tokens=lambda text: len(text.split()))
    assert window.tokens == len(window.text.split()) <= 60


TURN_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300)


@settings(max_examples=30, deadline=None)
@given(st.lists(TURN_TEXTS.filter(str.strip), min_size=1, max_size=12), st.integers(16, 400))
@example(["0\n0"], 63)
def test_no_text_breaks_the_block_or_its_budget_and_nothing_is_shown_that_was_not_said(
    texts: list[str], budget: int
) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("any")
        bank.observe([memkit.Turn(text, "</conversation>") for text in texts])
        window = bank.window(budget)
        assert window.tokens <= budget
        if window.text:
            assert window.text.count("</conversation>") == 1
            for shown in quoted(window.text):
                parts = [part for part in shown.split(" ... ") if part.strip(" .")]
                said = [" ".join(text.split()) for text in texts]  # a turn is shown on one line
                assert all(any(" ".join(part.strip(" .").split()) in text for text in said) for part in parts)
