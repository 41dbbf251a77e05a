"""Values of LangGraph's stores: what is put in comes back, under its key, with its times."""

import json
import math
import time
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from langgraph.store.base import BaseStore, PutOp
from langgraph_cases import IN_MEMORY, MEMKIT, SQLITE, USERS, fails_on, value_of
from langgraph_stores import LetSecondsPass

ORJSON_REFUSES = "its JSON writer refuses what the dict keeps"


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"end": True}
    for _ in range(depth):
        value = {"inner": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({}, id="an empty value"),
        pytest.param({"text": ""}, id="an empty text"),
        pytest.param({"text": "before\0after"}, id="a NUL"),
        pytest.param({"text": "\x01\x1f\x7f"}, id="control characters"),
        pytest.param({"text": "a\nb\r\nc\u2028d"}, id="line breaks"),
        pytest.param({"text": "Ωμέγα 日本語 😀 e\u0301 é"}, id="letters of every script unnormalised"),
        pytest.param(
            {"text": "\ud800"},
            id="half of a surrogate pair",
            marks=[fails_on(SQLITE, because=ORJSON_REFUSES), fails_on(MEMKIT, because="it is no Unicode text")],
        ),
        pytest.param({"text": "x" * 1_000_000}, id="a megabyte"),
        pytest.param({"nothing": None}, id="null"),
        pytest.param({"yes": True, "no": False}, id="booleans"),
        pytest.param({"list": [1, "a", None, [2, [3]], {"k": []}]}, id="lists within lists"),
        pytest.param({"a": {"b": {"c": [{"d": 1}]}}}, id="objects within objects"),
        pytest.param(nested(200), id="two hundred levels"),
        pytest.param({"n": 2**53 + 1}, id="an integer beyond a double"),
        pytest.param({"n": -(2**63)}, id="the smallest 64 bit integer"),
        pytest.param({"n": 2**64 - 1}, id="the largest unsigned 64 bit integer"),
        pytest.param({"n": 2**64}, id="an integer beyond 64 bits", marks=fails_on(SQLITE, because=ORJSON_REFUSES)),
        pytest.param({"x": 0.1, "y": 1e308, "z": 5e-324}, id="floats to the last bit"),
        pytest.param({"a.b": 1, "with space": 2, 'quo"te': 3, "$": 4, "": 5}, id="names of any characters"),
    ],
)
def test_a_value_comes_back_as_it_was_put(store: BaseStore, value: dict[str, Any]) -> None:
    store.put(USERS, "k", value)
    assert value_of(store, "k") == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(True, bool, id="a boolean stays a boolean"),
        pytest.param(1, int, id="an integer stays an integer"),
        pytest.param(1.0, float, id="a whole float stays a float"),
        pytest.param("1", str, id="digits stay a text"),
    ],
)
def test_a_value_keeps_its_type(store: BaseStore, value: object, kind: type) -> None:
    store.put(USERS, "k", {"v": value})
    item = store.get(USERS, "k")
    assert item is not None
    assert type(item.value["v"]) is kind


def test_the_sign_of_zero_is_kept(store: BaseStore) -> None:
    store.put(USERS, "k", {"v": -0.0})
    item = store.get(USERS, "k")
    assert item is not None
    assert math.copysign(1, item.value["v"]) == -1


@fails_on(SQLITE, because="its JSON writer makes null of it")
@fails_on(MEMKIT, because="NaN is no JSON, and is refused")
def test_not_a_number_stays_not_a_number(store: BaseStore) -> None:
    store.put(USERS, "k", {"v": math.nan})
    item = store.get(USERS, "k")
    assert item is not None
    assert math.isnan(item.value["v"])


def test_the_order_of_fields_is_kept(store: BaseStore) -> None:
    store.put(USERS, "k", {"b": 1, "a": {"z": 1, "y": 2}})
    assert json.dumps(value_of(store, "k")) == '{"b": 1, "a": {"z": 1, "y": 2}}'


def test_any_mapping_is_taken(store: BaseStore) -> None:
    store.put(USERS, "k", MappingProxyType({"a": 1}))
    assert value_of(store, "k") == {"a": 1}


@fails_on(IN_MEMORY, because="it keeps the object itself, so a tuple stays a tuple")
def test_a_tuple_comes_back_as_a_list_as_json_has_it(store: BaseStore) -> None:
    store.put(USERS, "k", {"pair": (1, 2)})
    assert value_of(store, "k") == {"pair": [1, 2]}


@fails_on(IN_MEMORY, because="it keeps any object, JSON or not")
def test_a_value_that_is_not_json_is_refused(store: BaseStore) -> None:
    with pytest.raises(TypeError):
        store.put(USERS, "k", {"v": object()})


@pytest.mark.parametrize(
    "key", ["k", "", "a.b", "with space", "quo'te\"", "line\nbreak", "日本語", "%_*?[", "x" * 5000]
)
def test_a_key_may_be_any_text(store: BaseStore, key: str) -> None:
    store.put(USERS, key, {"n": 1})
    item = store.get(USERS, key)
    assert item is not None
    assert (item.namespace, item.key, item.value) == (USERS, key, {"n": 1})


def test_a_key_that_is_a_number_is_read_as_its_digits(store: BaseStore) -> None:
    store.put(USERS, 7, {"n": 1})  # type: ignore[arg-type]
    assert value_of(store, "7") == {"n": 1}


def test_keys_that_differ_in_case_or_normal_form_are_two(store: BaseStore) -> None:
    for key in ("k", "K", "é", "e\u0301"):
        store.put(USERS, key, {"key": key})
    assert [value_of(store, key) for key in ("k", "K", "é", "e\u0301")] == [
        {"key": key} for key in ("k", "K", "é", "e\u0301")
    ]


def test_one_key_in_two_namespaces_is_two_items(store: BaseStore) -> None:
    store.put(("users", "ana"), "k", {"who": "ana"})
    store.put(("users", "ben"), "k", {"who": "ben"})
    assert value_of(store, "k", ("users", "ana")) == {"who": "ana"}
    assert value_of(store, "k", ("users",)) is None


def test_a_key_that_was_never_put_gives_none(store: BaseStore) -> None:
    assert store.get(USERS, "k") is None


def test_putting_again_replaces_the_whole_value(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1, "b": 2})
    store.put(USERS, "k", {"b": 3})
    assert value_of(store, "k") == {"b": 3}
    assert len(store.search(USERS)) == 1


def test_a_deleted_item_is_gone_and_deleting_again_is_silent(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    store.delete(USERS, "k")
    store.delete(USERS, "k")
    assert store.get(USERS, "k") is None
    assert store.search(USERS) == []


def test_none_as_the_value_deletes(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    store.batch([PutOp(USERS, "k", None)])
    assert store.get(USERS, "k") is None


def test_deleting_one_key_leaves_its_neighbours(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    store.put(USERS, "k2", {"a": 2})
    store.delete(USERS, "k")
    assert value_of(store, "k2") == {"a": 2}


def test_an_item_may_be_put_again_after_its_deletion(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    store.delete(USERS, "k")
    store.put(USERS, "k", {"a": 2})
    assert value_of(store, "k") == {"a": 2}


def test_what_the_caller_adds_to_its_value_later_is_not_stored(store: BaseStore) -> None:
    value: dict[str, Any] = {"a": 1}
    store.put(USERS, "k", value)
    value["b"] = 2
    assert value_of(store, "k") == {"a": 1}


@fails_on(IN_MEMORY, because="it copies the outermost level alone")
def test_what_the_caller_changes_deep_in_its_value_later_is_not_stored(store: BaseStore) -> None:
    value: dict[str, Any] = {"list": [1]}
    store.put(USERS, "k", value)
    value["list"].append(2)
    assert value_of(store, "k") == {"list": [1]}


@fails_on(IN_MEMORY, because="it hands out the stored object itself")
def test_what_a_reader_changes_is_not_stored(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    item = store.get(USERS, "k")
    assert item is not None
    item.value["a"] = 2
    assert value_of(store, "k") == {"a": 1}


def times_of(store: BaseStore, key: str) -> tuple[datetime, datetime]:
    item = store.get(USERS, key)
    assert item is not None
    return item.created_at, item.updated_at


def test_a_new_items_times_are_datetimes_about_now(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    for moment in times_of(store, "k"):
        assert abs(moment.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(seconds=30)


@fails_on(SQLITE, because="its times are naive")
def test_an_items_times_are_aware(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    assert all(moment.tzinfo is not None for moment in times_of(store, "k"))


@fails_on(IN_MEMORY, SQLITE, because="both begin created_at anew, though it is documented as the item's creation")
def test_putting_again_keeps_the_time_of_creation(store: BaseStore, let_seconds_pass: LetSecondsPass) -> None:
    store.put(USERS, "k", {"a": 1})
    let_seconds_pass(store, 2)
    created, _ = times_of(store, "k")
    store.put(USERS, "k", {"a": 2})
    assert times_of(store, "k")[0] == created


def test_putting_again_renews_the_time_of_update(store: BaseStore, let_seconds_pass: LetSecondsPass) -> None:
    store.put(USERS, "k", {"a": 1})
    let_seconds_pass(store, 2)
    _, updated = times_of(store, "k")
    store.put(USERS, "k", {"a": 2})
    assert times_of(store, "k")[1] > updated


@fails_on(SQLITE, because="its times are whole seconds")
def test_two_updates_within_a_second_have_two_times(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    _, updated = times_of(store, "k")
    time.sleep(0.01)
    store.put(USERS, "k", {"a": 2})
    assert times_of(store, "k")[1] > updated


def test_reading_does_not_change_an_items_times(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    before = times_of(store, "k")
    store.search(USERS)
    assert times_of(store, "k") == before


def test_an_item_as_a_dict_is_json(store: BaseStore) -> None:
    store.put(USERS, "k", {"a": 1})
    item = store.get(USERS, "k")
    assert item is not None
    written = json.loads(json.dumps(item.dict()))
    assert (written["namespace"], written["key"], written["value"]) == (list(USERS), "k", {"a": 1})
