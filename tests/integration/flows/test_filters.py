"""Filters over metadata: what `where` accepts in `recall` and in `list`, and what it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError

METADATA: dict[str, dict[str, Any]] = {
    "one": {"tags": ["a", "b"], "n": 1, "order": {"total": 9.5, "lines": [{"sku": "x"}]}, "day": "2026-03-01"},
    "two": {"tags": ["b"], "n": 3, "order": {"total": 20}, "day": "2026-04-01", "open": True},
    "three": {"tags": "a", "n": "3", "day": "2026-05-01"},
    "four": {"n": -2.5, "open": False},
    "five": {},
}


@pytest.fixture(scope="module")
def bank() -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn(f"Note {name}.", "Ana", metadata=own) for name, own in METADATA.items()])
        yield bank


def names(memories: Any) -> set[str]:
    return {memory.text.removeprefix("Note ").removesuffix(".") for memory in memories}


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({"tags": "a"}, {"one", "three"}),
    ({"tags": ["a", "b"]}, {"one", "two", "three"}),
    ({"tags": {"$in": ["a"]}}, {"one", "three"}),
    ({"tags": {"$eq": ["a", "b"]}}, {"one"}),
    ({"n": 3}, {"two"}),
    ({"n": 3.0}, {"two"}),
    ({"n": "3"}, {"three"}),
    ({"n": {"$gte": 1}}, {"one", "two"}),
    ({"n": {"$gt": 1}}, {"two"}),
    ({"n": {"$lt": 0}}, {"four"}),
    ({"n": {"$gt": -5, "$lte": 1}}, {"one", "four"}),
    ({"day": {"$gte": "2026-04"}}, {"two", "three"}),
    ({"order.total": {"$gt": 10}}, {"two"}),
    ({"order.total": 9.5}, {"one"}),
    ({"order": {"total": 20}}, {"two"}),
    ({"open": True}, {"two"}),
    ({"open": {"$exists": True}}, {"two", "four"}),
    ({"order": {"$exists": False}}, {"three", "four", "five"}),
    ({"n": {"$ne": 3}}, {"one", "three", "four", "five"}),
    ({"tags": {"$nin": ["a"]}}, {"two", "four", "five"}),
    ({"n": {"$not": {"$gt": 0}}}, {"three", "four", "five"}),
    ({"$or": [{"n": 1}, {"open": False}]}, {"one", "four"}),
    ({"$and": [{"tags": "b"}, {"n": {"$lt": 3}}]}, {"one"}),
    ({"$not": {"tags": "a"}}, {"two", "four", "five"}),
    ({"tags": "b", "n": {"$gte": 3}}, {"two"}),
    ({}, set(METADATA)),
]


@pytest.mark.parametrize(("where", "expected"), CASES)
def test_a_filter_means_the_same_in_list_and_in_recall(
    bank: memkit.MemoryBank, where: dict[str, Any], expected: set[str]
) -> None:
    assert names(bank.list(where=where)) == expected
    assert names(hit.memory for hit in bank.recall("Note", where=where, min_score=0)) == expected


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"n": {"$regex": "a"}}, r"\$regex.*\$gte"),
        ({"$nor": [{"n": 1}]}, r"\$nor.*\$and"),
        ({"n": {"$in": "a"}}, r"\$in.*wrong type"),
        ({"n": {"$gt": None}}, r"\$gt.*wrong type"),
        ({"n": {"$gt": True}}, r"\$gt.*wrong type"),
        ({"n": {"$exists": 1}}, r"\$exists.*wrong type"),
        ({"$or": []}, r"\$or.*wrong type"),
        ({"$and": {"n": 1}}, r"\$and.*wrong type"),
        ({"n": {"$gt": 1, "total": 2}}, "total"),
        ({"n": object()}, "JSON"),
        ({3: 1}, "keys are strings"),
        (["n", 1], "mapping"),
    ],
)
def test_what_is_no_filter_is_refused_in_a_sentence_that_lists_what_is_known(
    bank: memkit.MemoryBank, where: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        bank.list(where=where)
    with pytest.raises(InputError, match=said):
        bank.recall("Note", where=where)


@given(st.sampled_from(CASES), st.sampled_from(CASES))
def test_filters_are_sets_under_and_or_and_not(
    bank: memkit.MemoryBank, one: tuple[dict[str, Any], set[str]], other: tuple[dict[str, Any], set[str]]
) -> None:
    assert names(bank.list(where={"$and": [one[0], other[0]]})) == one[1] & other[1]
    assert names(bank.list(where={"$or": [one[0], other[0]]})) == one[1] | other[1]
    assert names(bank.list(where={"$not": one[0]})) == set(METADATA) - one[1]
