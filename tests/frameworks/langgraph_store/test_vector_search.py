"""Vector search in LangGraph's stores: what is embedded, how it is scored, how it is paged."""

from typing import Any

import pytest
from langgraph.store.base import BaseStore, PutOp, SearchItem
from langgraph_cases import IN_MEMORY, MEMKIT, SQLITE, USERS, fails_on, keys
from langgraph_stores import OpenConfigured, cosine, embed_texts, index_of

VECTORS_STAY = "the vectors of the value before stay"


def ranked(store: BaseStore, query: str, **arguments: Any) -> list[str]:
    return [item.key for item in store.search(USERS, query=query, **arguments)]


def score_of(store: BaseStore, query: str, key: str) -> float | None:
    [item] = [found for found in store.search(USERS, query=query, limit=50) if found.key == key]
    return item.score


@pytest.fixture
def weather(vector_store: BaseStore) -> BaseStore:
    for text in ("sun", "sun rain", "sun rain rain", "snow"):
        vector_store.put(USERS, text, {"text": text, "words": len(text.split())})
    return vector_store


def test_the_nearest_comes_first(weather: BaseStore) -> None:
    assert ranked(weather, "sun")[:3] == ["sun", "sun rain", "sun rain rain"]


@pytest.mark.parametrize("key", ["sun", "sun rain", "sun rain rain", "snow"])
def test_a_score_is_the_cosine(weather: BaseStore, key: str) -> None:
    assert score_of(weather, "sun", key) == pytest.approx(cosine("sun", key), abs=1e-6)


def test_what_has_nothing_in_common_is_found_last_with_nought(weather: BaseStore) -> None:
    assert ranked(weather, "sun")[-1] == "snow"
    assert score_of(weather, "sun", "snow") == pytest.approx(0, abs=1e-6)


def test_the_length_of_a_vector_does_not_count(vector_store: BaseStore) -> None:
    vector_store.put(USERS, "k", {"text": "sun sun sun"})
    assert score_of(vector_store, "sun", "k") == pytest.approx(1, abs=1e-6)


def test_a_limit_keeps_the_nearest(weather: BaseStore) -> None:
    assert ranked(weather, "sun", limit=2) == ["sun", "sun rain"]


def test_an_offset_passes_over_the_nearest(weather: BaseStore) -> None:
    assert ranked(weather, "sun", limit=2, offset=1) == ["sun rain", "sun rain rain"]


@fails_on(SQLITE, because="it ranks twice the limit of vectors alone, so that later pages are empty")
def test_pages_of_a_ranking_show_each_item_once(weather: BaseStore) -> None:
    assert [key for start in range(4) for key in ranked(weather, "sun", limit=1, offset=start)] == [
        "sun",
        "sun rain",
        "sun rain rain",
        "snow",
    ]


def test_a_question_and_a_filter_hold_together(weather: BaseStore) -> None:
    assert ranked(weather, "sun", filter={"words": {"$gte": 2}}) == ["sun rain", "sun rain rain"]


def test_a_question_is_asked_under_its_prefix(weather: BaseStore) -> None:
    weather.put(("users", "ben"), "bens", {"text": "sun"})
    weather.put((*USERS, "below"), "below", {"text": "sun"})
    assert "bens" not in ranked(weather, "sun")
    assert "below" in ranked(weather, "sun")
    assert "bens" in keys(weather.search(("users",), query="sun"))


def test_an_empty_question_is_none(weather: BaseStore) -> None:
    found = weather.search(USERS, query="")
    assert len(found) == 4
    assert {item.score for item in found} == {None}


def test_a_search_without_a_question_gives_no_scores(weather: BaseStore) -> None:
    assert {item.score for item in weather.search(USERS)} == {None}


def test_a_question_to_an_empty_store_finds_nothing(vector_store: BaseStore) -> None:
    assert vector_store.search(USERS, query="sun") == []


def test_a_replaced_value_has_its_new_vector(weather: BaseStore) -> None:
    weather.put(USERS, "sun", {"text": "wind"})
    assert score_of(weather, "wind", "sun") == pytest.approx(1, abs=1e-6)
    assert score_of(weather, "sun", "sun") == pytest.approx(0, abs=1e-6)


def test_a_deleted_item_is_found_no_more(weather: BaseStore) -> None:
    weather.delete(USERS, "sun")
    assert "sun" not in ranked(weather, "sun")


@fails_on(SQLITE, because=VECTORS_STAY)
def test_an_item_deleted_and_put_again_has_no_vector_of_before(weather: BaseStore) -> None:
    weather.delete(USERS, "sun")
    weather.put(USERS, "sun", {"text": "sun"}, index=False)
    assert {item.score for item in weather.search(USERS, query="sun") if item.key == "sun"} <= {None}


@fails_on(IN_MEMORY, SQLITE, because=VECTORS_STAY)
def test_a_value_replaced_without_index_has_no_vector_of_before(weather: BaseStore) -> None:
    weather.put(USERS, "sun", {"text": "sun"}, index=False)
    assert {item.score for item in weather.search(USERS, query="sun") if item.key == "sun"} <= {None}


@fails_on(IN_MEMORY, SQLITE, because=VECTORS_STAY)
def test_a_value_replaced_with_fewer_texts_has_only_their_vectors(vector_store: BaseStore) -> None:
    vector_store.put(USERS, "k", {"texts": ["sun", "rain", "snow"]}, index=["texts[*]"])
    vector_store.put(USERS, "k", {"texts": ["sun", "rain"]}, index=["texts[*]"])
    assert score_of(vector_store, "snow", "k") == pytest.approx(0, abs=1e-6)


@pytest.fixture
def unindexed(vector_store: BaseStore) -> BaseStore:
    vector_store.put(USERS, "plain", {"text": "sun"}, index=False)
    vector_store.put(USERS, "indexed", {"text": "rain"})
    return vector_store


def test_an_item_without_index_has_no_score(unindexed: BaseStore) -> None:
    found = unindexed.search(USERS, query="sun")
    assert {item.score for item in found if item.key == "plain"} <= {None}


@fails_on(SQLITE, because="a question finds what has vectors alone")
@fails_on(MEMKIT, because="a question finds what has vectors alone")
def test_items_without_index_follow_those_with_scores(unindexed: BaseStore) -> None:
    found = unindexed.search(USERS, query="sun")
    assert [(item.key, item.score is None) for item in found] == [("indexed", False), ("plain", True)]


@fails_on(IN_MEMORY, because="what has no vector follows, without a score")
def test_items_without_index_are_not_found_by_a_question(unindexed: BaseStore) -> None:
    assert ranked(unindexed, "sun") == ["indexed"]


def test_an_item_without_index_is_read_and_filtered_as_any(unindexed: BaseStore) -> None:
    assert unindexed.get(USERS, "plain") is not None
    assert keys(unindexed.search(USERS, filter={"text": "sun"})) == ["plain"]


@pytest.mark.parametrize(
    ("value", "path", "embedded"),
    [
        pytest.param({"a": "sun", "b": "rain"}, "a", "sun", id="a field"),
        pytest.param({"a": {"b": {"c": "sun"}}, "d": "rain"}, "a.b.c", "sun", id="a field within fields"),
        pytest.param({"a": ["sun", "rain"]}, "a[0]", "sun", id="the first of a list"),
        pytest.param({"a": ["rain", "sun"]}, "a[-1]", "sun", id="the last of a list"),
        pytest.param({"a": [{"b": "rain"}, {"b": "sun"}]}, "a[1].b", "sun", id="a field of a lists part"),
        pytest.param({"a": {"b": "sun", "c": "sun rain"}}, "a.c", "sun rain", id="one of two"),
        pytest.param({"a": ["sun", "rain"]}, "a", "sun rain", id="a list as one text"),
        pytest.param({"a": {"x": "sun", "y": "rain"}}, "a", "sun rain", id="an object as one text"),
    ],
)
def test_a_path_says_what_is_embedded(vector_store: BaseStore, value: dict[str, Any], path: str, embedded: str) -> None:
    vector_store.put(USERS, "k", value, index=[path])
    for question in ("sun", "rain", "sun rain"):
        assert score_of(vector_store, question, "k") == pytest.approx(cosine(question, embedded), abs=1e-6)


@fails_on(
    IN_MEMORY,
    SQLITE,
    because="the sign is read in the store's configuration alone; beside an item it is a field's name",
)
def test_the_sign_of_the_whole_value_may_be_given_beside_an_item(vector_store: BaseStore) -> None:
    vector_store.put(USERS, "k", {"a": "sun", "b": {"c": "rain"}}, index=["$"])
    assert score_of(vector_store, "sun rain", "k") == pytest.approx(1, abs=1e-6)


@fails_on(IN_MEMORY, because="it embeds equal texts once and then counts too few vectors")
def test_an_item_may_hold_the_same_text_twice(vector_store: BaseStore) -> None:
    vector_store.put(USERS, "k", {"a": ["sun", "sun"]}, index=["a[*]"])
    assert ranked(vector_store, "sun") == ["k"]


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        pytest.param({"a": ["sun", "rain"]}, ["a[*]"], id="each of a list"),
        pytest.param({"a": [{"b": "sun"}, {"b": "rain"}, {"c": "snow"}]}, ["a[*].b"], id="a field of each of a list"),
        pytest.param(
            {"a": [{"b": [{"c": "sun"}]}, {"b": [{"c": "rain"}, {}]}]}, ["a[*].b[*].c"], id="lists within lists"
        ),
        pytest.param({"a": {"x": "sun", "y": "rain"}}, ["a.*"], id="each of an object"),
        pytest.param({"a": "sun", "b": "rain"}, ["{a,b}"], id="several fields in braces"),
        pytest.param({"a": "sun", "b": "rain"}, ["a", "b"], id="two paths"),
        pytest.param(
            {"a": "sun", "b": ["rain"]}, ["a", "b[*]", "missing"], id="a path that leads nowhere beside two that do"
        ),
    ],
)
def test_each_text_has_a_vector_and_the_nearest_counts(
    vector_store: BaseStore, value: dict[str, Any], paths: list[str]
) -> None:
    vector_store.put(USERS, "k", value, index=paths)
    assert score_of(vector_store, "sun", "k") == pytest.approx(1, abs=1e-6)
    assert score_of(vector_store, "rain", "k") == pytest.approx(1, abs=1e-6)
    assert score_of(vector_store, "snow", "k") == pytest.approx(0, abs=1e-6)


def test_an_item_with_several_near_texts_is_found_once(vector_store: BaseStore) -> None:
    vector_store.put(USERS, "k", {"a": ["sun", "sun rain", "rain"]}, index=["a[*]"])
    assert ranked(vector_store, "sun") == ["k"]


@fails_on(SQLITE, because="it ranks twice the limit of vectors alone, which one item may fill")
def test_an_item_with_many_texts_leaves_room_for_others(vector_store: BaseStore) -> None:
    vector_store.put(USERS, "many", {"a": ["sun " * times for times in range(1, 7)]}, index=["a[*]"])
    vector_store.put(USERS, "one", {"a": ["sun rain"]}, index=["a[*]"])
    assert ranked(vector_store, "sun", limit=2) == ["many", "one"]


@pytest.mark.parametrize(
    "value", [{}, {"text": None}, {"other": "sun"}, {"text": []}], ids=["empty", "null", "other", "list"]
)
def test_a_value_without_its_path_is_kept(vector_store: BaseStore, value: dict[str, Any]) -> None:
    vector_store.put(USERS, "k", value, index=["text[*]"])
    assert keys(vector_store.search(USERS)) == ["k"]


def test_a_number_is_embedded_as_its_digits(open_store: OpenConfigured) -> None:
    seen: list[str] = []

    def embed(texts: list[str]) -> list[list[float]]:
        seen.extend(texts)
        return embed_texts(texts)

    store = open_store(index={**index_of("n"), "embed": embed})
    store.put(USERS, "k", {"n": 7})
    assert seen == ["7"]


def test_the_whole_value_is_embedded_unless_told_otherwise(open_store: OpenConfigured) -> None:
    store = open_store(index={"dims": 5, "embed": embed_texts})
    store.put(USERS, "k", {"a": "sun", "b": {"c": "rain"}})
    assert score_of(store, "sun rain", "k") == pytest.approx(1, abs=1e-6)


@fails_on(SQLITE, because="it reads the fields under the name text_fields, and embeds the whole value")
def test_the_fields_of_the_configuration_are_what_is_embedded(open_store: OpenConfigured) -> None:
    store = open_store(index={"dims": 5, "embed": embed_texts, "fields": ["a"]})
    store.put(USERS, "k", {"a": "sun", "b": "rain"})
    assert score_of(store, "rain", "k") == pytest.approx(0, abs=1e-6)


@fails_on(MEMKIT, because="an encoder that hasn't answered yet gets one text first, since it may hang")
def test_the_texts_of_a_batch_are_embedded_in_one_call(open_store: OpenConfigured) -> None:
    calls: list[int] = []

    def embed(texts: list[str]) -> list[list[float]]:
        calls.append(len(texts))
        return embed_texts(texts)

    store = open_store(index={**index_of("text"), "embed": embed})
    store.batch([PutOp(USERS, "a", {"text": "sun"}), PutOp(USERS, "b", {"text": "rain"})])
    assert calls == [2]


@fails_on(IN_MEMORY, because="it embeds equal texts once and then counts too few vectors")
def test_two_items_of_one_batch_may_have_the_same_text(vector_store: BaseStore) -> None:
    vector_store.batch([PutOp(USERS, "a", {"text": "sun"}), PutOp(USERS, "b", {"text": "sun"})])
    assert sorted(ranked(vector_store, "sun")) == ["a", "b"]


def test_nothing_is_embedded_without_need(open_store: OpenConfigured) -> None:
    calls: list[int] = []

    def embed(texts: list[str]) -> list[list[float]]:
        calls.append(len(texts))
        return embed_texts(texts)

    store = open_store(index={**index_of("text"), "embed": embed})
    store.put(USERS, "k", {"text": "sun"}, index=False)
    store.get(USERS, "k")
    store.search(USERS)
    store.delete(USERS, "k")
    assert calls == []


def test_a_failing_embedding_fails_the_put_and_stores_nothing(open_store: OpenConfigured) -> None:
    def embed(texts: list[str]) -> list[list[float]]:
        raise ConnectionError("no model")

    store = open_store(index={**index_of("text"), "embed": embed})
    with pytest.raises(ConnectionError):
        store.put(USERS, "k", {"text": "sun"})
    assert store.get(USERS, "k") is None


def test_a_scored_item_is_a_search_item_with_a_float(weather: BaseStore) -> None:
    [first, *_] = weather.search(USERS, query="sun")
    assert isinstance(first, SearchItem)
    assert type(first.score) is float
    assert first.dict()["score"] == first.score
