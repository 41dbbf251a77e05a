"""Recall's options: the same at the bank, at the store and in the search; what breaks a rule is refused."""

import inspect
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

import memkit
from memkit.bank import MemoryBank, RecallKeywords
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, InvalidTextError, NaiveDatetimeError, UnknownOptionError
from memkit.recall.ranking.query import RecallOptions


def test_the_options_of_a_bank_are_those_of_the_search_in_order_and_with_the_same_defaults() -> None:
    asked = list(inspect.signature(MemoryBank.recall).parameters.values())[1:]
    options = inspect.signature(RecallOptions).parameters.values()
    assert [(p.name, p.default) for p in asked] == [(p.name, p.default) for p in options]


def test_the_options_of_a_store_are_those_of_a_bank_with_their_types() -> None:
    of_bank = get_type_hints(MemoryBank.recall)
    names = [field.name for field in fields(RecallOptions) if field.name not in ("query", "k")]
    assert get_type_hints(RecallKeywords) == {name: of_bank[name] for name in names}


def test_an_option_that_does_not_exist_is_refused_even_where_no_bank_is_asked() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        unknown: dict[str, Any] = {"speakr": "ana"}
        with pytest.raises(UnknownOptionError, match="'speakr'; there are k, kinds, where, speaker"):
            store.recall("figs", under=("acme",), **unknown)


def test_a_store_passes_options_on_to_its_banks() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        store.bank("acme", "ana").observe([("ana", "I ate figs."), ("bob", "I ate figs, too.")])
        hits = store.recall("Who ate figs?", under=("acme",), speaker="bob", min_score=0)
        assert [hit.memory.speaker for hit in hits] == ["bob"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"k": 0}, InputError),
        ({"k": 10_001}, InputError),
        ({"around": -1}, InputError),
        ({"min_score": 1.5}, InputError),
        ({"kinds": "turn"}, InputError),
        ({"context": "What did we eat?"}, InputError),
        ({"kinds": ["dream"]}, UnknownOptionError),
    ],
)
def test_options_out_of_bounds_are_refused(options: dict[str, Any], error: type[InputError]) -> None:
    with pytest.raises(error):
        RecallOptions("figs", **options)


def test_a_query_that_is_no_text_and_a_moment_without_a_zone_are_refused_before_anything_is_searched() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        with pytest.raises(InvalidTextError):
            store.bank("ana").recall("figs\0")
        with pytest.raises(NaiveDatetimeError, match="since"):
            store.bank("ana").recall("figs", since="2024-05-01T00:00:00")
