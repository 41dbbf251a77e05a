"""Conversations whose messages have no ids: what a session holds already is told by order."""

from collections.abc import Iterator

import pytest
from memkit_adapters.catching_up import new_turns, observe_new

import memkit
from memkit.encoders.hashing import HashingEncoder


@pytest.fixture
def bank() -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        yield store.bank("acme", "ana")


def said(*texts: str, session: str | None = "first") -> list[memkit.Turn]:
    """Turns of a person and an assistant, by turns."""
    roles = (("ana", "user"), ("assistant", "assistant"))
    return [memkit.Turn(text, *roles[i % 2], session=session) for i, text in enumerate(texts)]


def texts_of(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"])]


def test_of_a_whole_conversation_that_is_handed_in_at_each_turn_what_is_new_is_stored(bank: memkit.MemoryBank) -> None:
    talk = said(*(f"line {number % 3}" for number in range(20)))
    counts = [observe_new(bank, talk[:end]) for end in range(2, 21, 2)]
    assert counts == [2] * 10
    assert texts_of(bank) == [turn.text for turn in talk]


def test_the_end_of_a_conversation_is_enough_to_know_where_it_goes_on(bank: memkit.MemoryBank) -> None:
    talk = said("one", "two", "three", "four", "five", "six")
    observe_new(bank, talk[:4])
    assert observe_new(bank, talk[2:]) == 2
    assert texts_of(bank) == ["one", "two", "three", "four", "five", "six"]


def test_a_question_that_was_stored_before_its_answer_is_not_stored_again(bank: memkit.MemoryBank) -> None:
    question, answer = said("What can I eat?", "Rice.")
    assert observe_new(bank, [question]) == 1
    assert new_turns(bank, [question]) == []
    assert observe_new(bank, [question, answer]) == 1
    assert new_turns(bank, [question, answer]) == []


@pytest.mark.parametrize("session", ["first", None])
def test_another_answer_takes_the_place_of_the_one_before(bank: memkit.MemoryBank, session: str | None) -> None:
    observe_new(bank, said("What can I eat?", "Nuts.", session=session))
    observe_new(bank, said("What can I eat?", "Rice.", session=session))
    assert texts_of(bank) == ["What can I eat?", "Rice."]


def test_the_same_words_in_another_session_are_new(bank: memkit.MemoryBank) -> None:
    observe_new(bank, said("hello", "hi"))
    assert observe_new(bank, said("hello", "hi", session="second")) == 2


def test_nothing_is_new_where_nothing_is_given(bank: memkit.MemoryBank) -> None:
    assert observe_new(bank, []) == 0
