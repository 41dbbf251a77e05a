"""Filters of LangGraph's stores: equality, comparison, fields within fields, fields that are missing."""

from typing import Any

import pytest
from langgraph.store.base import BaseStore
from langgraph_cases import IN_MEMORY, SQLITE, USERS, fails_on, keys

PEOPLE: dict[str, dict[str, Any]] = {
    "ana": {
        "rank": 1,
        "city": "Lisbon",
        "age": 30,
        "active": True,
        "score": 4.5,
        "tags": ["a", "b"],
        "home": {"city": "Porto", "zip": 1},
        "note": None,
    },
    "ben": {
        "rank": 2,
        "city": "Porto",
        "age": 25,
        "active": False,
        "score": 3,
        "tags": ["b"],
        "home": {"city": "Faro"},
    },
    "cem": {"rank": 3.5, "city": "lisbon", "age": "30", "tags": [], "home": {"city": "Porto", "zip": 2}, "a.b": 1},
}

NO_OBJECTS = "it reads an object in a filter as operators alone"
DOTS_ARE_PATHS = "it reads a dot in a filter's name as a path"
NO_PATHS = "it reads a filter's name as one field, dots and all"
MISSING_IS_NULL = "a missing field compares as SQL's NULL, which is neither equal nor unequal"
NUMBERS_ALONE = "it makes a number of both sides, and fails where there is none"


@pytest.fixture
def people(store: BaseStore) -> BaseStore:
    for key, value in PEOPLE.items():
        store.put(USERS, key, value)
    return store


def found(store: BaseStore, condition: dict[str, Any]) -> list[str]:
    return keys(store.search(USERS, filter=condition))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({}, "ana ben cem", id="an empty filter finds all"),
        pytest.param({"city": "Lisbon"}, "ana", id="a text is equal with its case"),
        pytest.param({"age": 30}, "ana", id="a number is not its digits"),
        pytest.param({"age": "30"}, "cem", id="digits are not a number"),
        pytest.param({"active": True}, "ana", id="true"),
        pytest.param({"active": False}, "ben", id="a missing field is not false"),
        pytest.param({"score": 3.0}, "ben", id="three is three point nought"),
        pytest.param({"rank": 3.5}, "cem", id="a fraction"),
        pytest.param({"note": None}, "ana ben cem", id="none finds null and missing alike"),
        pytest.param({"unknown": 1}, "", id="a field nobody has"),
        pytest.param({"city": "Porto", "rank": 2}, "ben", id="two fields both hold"),
        pytest.param({"city": "Porto", "rank": 1}, "", id="two fields of which one does not hold"),
        pytest.param({"tags": ["b"]}, "ben", id="a list is equal as a whole"),
        pytest.param({"tags": ["b", "a"]}, "", id="a lists order counts"),
        pytest.param({"tags": []}, "cem", id="an empty list"),
        pytest.param({"city": "' OR 1=1 --"}, "", id="a value is never read as SQL"),
        pytest.param(
            {"home": {"city": "Porto"}}, "ana cem", id="part of an object", marks=fails_on(SQLITE, because=NO_OBJECTS)
        ),
        pytest.param(
            {"home": {"zip": 1, "city": "Porto"}},
            "ana",
            id="an object in another order",
            marks=fails_on(SQLITE, because=NO_OBJECTS),
        ),
        pytest.param(
            {"home": {"city": {"$ne": "Faro"}}},
            "ana cem",
            id="an operator within an object",
            marks=fails_on(SQLITE, because=NO_OBJECTS),
        ),
        pytest.param(
            {"home.city": "Faro"}, "ben", id="a dotted name is a path", marks=fails_on(IN_MEMORY, because=NO_PATHS)
        ),
        pytest.param(
            {"home.zip": {"$gt": 1}}, "cem", id="an operator at a path", marks=fails_on(IN_MEMORY, because=NO_PATHS)
        ),
        pytest.param({"a.b": 1}, "cem", id="a dotted name is a field", marks=fails_on(SQLITE, because=DOTS_ARE_PATHS)),
    ],
)
def test_a_filter_by_equality(people: BaseStore, condition: dict[str, Any], expected: str) -> None:
    assert found(people, condition) == expected.split()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"city": {"$eq": "Porto"}}, "ben", id="eq of a text"),
        pytest.param({"age": {"$eq": 30}}, "ana", id="eq of a number"),
        pytest.param({"active": {"$eq": True}}, "ana", id="eq of a boolean"),
        pytest.param({"note": {"$eq": None}}, "ana ben cem", id="eq of none finds null and missing"),
        pytest.param(
            {"tags": {"$eq": ["b"]}},
            "ben",
            id="eq of a list",
            marks=fails_on(SQLITE, because="it compares text with bytes"),
        ),
        pytest.param({"city": {"$ne": "Porto"}}, "ana cem", id="ne of a text"),
        pytest.param({"rank": {"$ne": 1}}, "ben cem", id="ne of a number"),
        pytest.param({"age": {"$ne": 30}}, "ben cem", id="ne of a number counts digits as unequal"),
        pytest.param(
            {"active": {"$ne": True}},
            "ben cem",
            id="ne finds a missing field",
            marks=fails_on(SQLITE, because=MISSING_IS_NULL),
        ),
        pytest.param({"city": {"$ne": None}}, "ana ben cem", id="ne of none finds what is there"),
        pytest.param({"note": {"$ne": None}}, "", id="ne of none leaves null and missing out"),
        pytest.param({"rank": {"$gt": 2}}, "cem", id="gt leaves the bound out"),
        pytest.param({"rank": {"$gte": 2}}, "ben cem", id="gte takes the bound in"),
        pytest.param({"rank": {"$lt": 2}}, "ana", id="lt leaves the bound out"),
        pytest.param({"rank": {"$lte": 2}}, "ana ben", id="lte takes the bound in"),
        pytest.param({"rank": {"$gt": 3.4}}, "cem", id="gt of a fraction"),
        pytest.param({"rank": {"$gt": -1e9}}, "ana ben cem", id="gt of a negative number"),
        pytest.param({"rank": {"$gte": 1, "$lt": 3}}, "ana ben", id="a range of two operators"),
        pytest.param({"rank": {"$gt": 1}, "city": "Porto"}, "ben", id="an operator beside an equality"),
        pytest.param({"rank": {"$gt": 5, "$lt": 1}}, "", id="a range that is empty"),
        pytest.param({"age": {"$gt": 26}}, "ana cem", id="gt of a number reads digits as a number"),
        pytest.param(
            {"score": {"$gt": 3}},
            "ana",
            id="gt passes over a missing field",
            marks=fails_on(IN_MEMORY, because=NUMBERS_ALONE),
        ),
        pytest.param(
            {"score": {"$lt": 4}},
            "ben",
            id="lt passes over a missing field",
            marks=fails_on(IN_MEMORY, because=NUMBERS_ALONE),
        ),
        pytest.param(
            {"city": {"$gt": "M"}},
            "ben cem",
            id="gt of texts is by code point",
            marks=fails_on(IN_MEMORY, because=NUMBERS_ALONE),
        ),
        pytest.param(
            {"city": {"$lte": "Lisbon"}},
            "ana",
            id="lte of texts is by code point",
            marks=fails_on(IN_MEMORY, because=NUMBERS_ALONE),
        ),
    ],
)
def test_a_filter_by_operator(people: BaseStore, condition: dict[str, Any], expected: str) -> None:
    assert found(people, condition) == expected.split()


@pytest.mark.parametrize("operator", ["$in", "$regex", "$and", "$GT", "$"])
def test_an_unknown_operator_is_an_error(people: BaseStore, operator: str) -> None:
    with pytest.raises(ValueError, match="operator"):
        people.search(USERS, filter={"rank": {operator: 1}})


@fails_on(SQLITE, because="it compares numbers as doubles")
def test_integers_beyond_a_double_are_told_apart(store: BaseStore) -> None:
    store.put(USERS, "even", {"n": 2**53})
    store.put(USERS, "odd", {"n": 2**53 + 1})
    assert found(store, {"n": 2**53 + 1}) == ["odd"]


@fails_on(SQLITE, because="it takes letters, digits, dots, dashes and underscores alone in a filter's name")
def test_a_filters_name_may_be_any_text(store: BaseStore) -> None:
    store.put(USERS, "k", {"the name": 1})
    assert found(store, {"the name": 1}) == ["k"]


@fails_on(SQLITE, because="it reads no condition from an object without operators")
def test_an_empty_object_in_a_filter_finds_objects_alone(people: BaseStore) -> None:
    assert found(people, {"home": {}}) == ["ana", "ben", "cem"]
    assert found(people, {"city": {}}) == []


def test_a_filter_and_a_limit_hold_together(people: BaseStore) -> None:
    assert len(people.search(USERS, filter={"rank": {"$gte": 1}}, limit=2)) == 2
    assert len(people.search(USERS, filter={"rank": {"$gte": 2}}, limit=10, offset=1)) == 1


def test_a_filter_reaches_namespaces_below(people: BaseStore) -> None:
    people.put((*USERS, "old"), "ada", {"city": "Lisbon"})
    assert found(people, {"city": "Lisbon"}) == ["ada", "ana"]


def test_a_filter_follows_a_replaced_value(people: BaseStore) -> None:
    people.put(USERS, "ana", {"city": "Faro"})
    assert found(people, {"city": "Lisbon"}) == []
    assert found(people, {"city": "Faro"}) == ["ana"]
