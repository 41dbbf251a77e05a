"""Recall without what the model has before it anyway."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

import memkit
from memkit import Turn
from memkit.errors import InputError

KEY = "The key lies under the green flowerpot by the door."
SPARE = "A spare key hangs behind the flowerpot in the shed."
FORMS: list[tuple[str, Any]] = [
    ("a text", KEY),
    ("a text with other spaces", f"  {KEY.replace(' ', '  ')} "),
    ("a pair", ("ana", KEY)),
    ("a turn", Turn(KEY, "somebody")),
    ("a dict", {"role": "user", "content": KEY}),
    ("a message", HumanMessage([{"type": "text", "text": KEY}])),
    ("an assistant's message", AIMessage(KEY)),
]


@pytest.fixture
def filled(bank: memkit.MemoryBank) -> memkit.MemoryBank:
    bank.observe([("ana", KEY), ("ana", SPARE), ("ana", "It will rain.")])
    return bank


def found(bank: memkit.MemoryBank, query: str = "Where is the key, by the flowerpot?", **options: Any) -> list[str]:
    return [hit.memory.text for hit in bank.recall(query, **options)]


@pytest.mark.parametrize(("form", "item"), FORMS, ids=[form for form, _ in FORMS])
def test_what_is_before_the_model_is_left_out_in_whatever_form_it_is_given(
    filled: memkit.MemoryBank, form: str, item: Any
) -> None:
    assert found(filled)[0] == KEY
    assert KEY not in found(filled, without=[item])
    assert SPARE in found(filled, without=[item])


def test_another_result_comes_in_its_place(filled: memkit.MemoryBank) -> None:
    assert found(filled, k=1) == [KEY]
    assert found(filled, k=1, without=[KEY]) == [SPARE]


def test_every_occurrence_is_left_out_and_so_are_turns_beside_a_hit(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", KEY), ("bo", SPARE), ("ana", KEY)])
    hits = bank.recall("Where is the spare key in the shed?", without=[KEY], around=2)
    assert KEY not in hits.prompt(500)
    assert [turn.text for turn in hits[0].around] == []


def test_thoughts_that_rest_on_it_alone_are_left_out_and_others_are_not(bank: memkit.MemoryBank) -> None:
    lisbon, nuts = "I live in Lisbon.", "I can't eat nuts."
    bank.observe([("ana", lisbon), ("ana", nuts)])
    bank.think()
    assert "ana lives in Lisbon." in found(bank, "Where does ana live?", kinds=["thought"])
    assert found(bank, "Where does ana live?", kinds=["thought"], without=[lisbon]) == []
    assert "Lisbon" not in bank.recall("Where does ana live?", without=[lisbon]).prompt(500)
    assert "ana can't eat nuts." in found(bank, "What can't ana eat?", kinds=["thought"], without=[lisbon])


def test_a_short_answer_counts_for_its_speaker_alone(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "Green figs."), ("bo", "Green figs.")])
    assert [hit.memory.speaker for hit in bank.recall("green figs", without=[("ana", "Green figs.")])] == ["bo"]


@pytest.mark.parametrize("without", [[], ["nothing of the kind"], [AIMessage("")], [object(), 3]])
def test_what_the_bank_does_not_hold_changes_nothing(filled: memkit.MemoryBank, without: list[Any]) -> None:
    assert found(filled, without=without) == found(filled)


def test_a_string_is_no_list(filled: memkit.MemoryBank) -> None:
    with pytest.raises(InputError, match="without"):
        filled.recall("key", without=KEY)


def test_several_banks_are_asked_alike(store: memkit.MemoryStore) -> None:
    for name in ("ana", "bo"):
        store.bank("acme", name).observe([(name, KEY), (name, SPARE)])
    hits = store.recall("key by the flowerpot", under=("acme",), without=[KEY])
    assert {hit.memory.text for hit in hits} == {SPARE}
