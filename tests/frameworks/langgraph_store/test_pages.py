"""Pages of LangGraph's stores: what a search under a prefix finds, how much of it, in which order."""

import pytest
from langgraph.store.base import BaseStore
from langgraph_cases import IN_MEMORY, MEMKIT, SQLITE, USERS, fails_on, keys
from langgraph_stores import LetSecondsPass


@pytest.fixture
def dozen(store: BaseStore) -> BaseStore:
    for number in range(12):
        store.put(USERS, f"k{number:02}", {"n": number})
    return store


def test_a_search_in_an_empty_store_finds_nothing(store: BaseStore) -> None:
    assert store.search(USERS) == []
    assert store.search(()) == []


def test_a_search_gives_ten_unless_told_otherwise(dozen: BaseStore) -> None:
    assert len(dozen.search(USERS)) == 10


def test_a_limit_beyond_what_is_there_gives_all(dozen: BaseStore) -> None:
    assert len(dozen.search(USERS, limit=1000)) == 12


def test_a_limit_of_none_at_all_gives_nothing(dozen: BaseStore) -> None:
    assert dozen.search(USERS, limit=0) == []


def test_an_offset_beyond_what_is_there_gives_nothing(dozen: BaseStore) -> None:
    assert dozen.search(USERS, offset=12) == []


def test_the_last_page_may_be_short(dozen: BaseStore) -> None:
    assert len(dozen.search(USERS, limit=5, offset=10)) == 2


@pytest.mark.parametrize("size", [1, 4, 5, 12])
def test_pages_show_each_item_once(dozen: BaseStore, size: int) -> None:
    pages = [dozen.search(USERS, limit=size, offset=start) for start in range(0, 12, size)]
    assert keys(item for page in pages for item in page) == [f"k{number:02}" for number in range(12)]


def test_a_search_without_a_question_gives_no_scores(dozen: BaseStore) -> None:
    assert {item.score for item in dozen.search(USERS)} == {None}


def test_a_question_without_an_index_is_passed_over(dozen: BaseStore) -> None:
    found = dozen.search(USERS, query="anything", limit=20)
    assert len(found) == 12
    assert {item.score for item in found} == {None}


def test_a_found_item_has_its_namespace_and_key_and_value(dozen: BaseStore) -> None:
    [item] = dozen.search(USERS, filter={"n": 3})
    assert (item.namespace, item.key, item.value) == (USERS, "k03", {"n": 3})


@pytest.fixture
def one_after_another(store: BaseStore, let_seconds_pass: LetSecondsPass) -> BaseStore:
    for key in ("first", "second", "third"):
        store.put(USERS, key, {"n": 1})
        let_seconds_pass(store, 2)
    return store


@fails_on(SQLITE, because="it gives the newest first")
@fails_on(MEMKIT, because="the last changed come first")
def test_items_come_oldest_first(one_after_another: BaseStore) -> None:
    assert [item.key for item in one_after_another.search(USERS)] == ["first", "second", "third"]


@fails_on(IN_MEMORY, because="it gives the oldest first")
def test_items_come_newest_first(one_after_another: BaseStore) -> None:
    assert [item.key for item in one_after_another.search(USERS)] == ["third", "second", "first"]


@fails_on(IN_MEMORY, because="a replaced value keeps its place in its dict")
def test_a_replaced_item_comes_as_the_newest(one_after_another: BaseStore) -> None:
    one_after_another.put(USERS, "second", {"n": 3})
    assert [item.key for item in one_after_another.search(USERS)] == ["second", "third", "first"]


@pytest.fixture
def spread(store: BaseStore) -> BaseStore:
    for namespace in [("a",), ("a", "b"), ("a", "b", "c"), ("ab",), ("A",), ("b", "a"), ("a*",), ("a_",), ("[a]",)]:
        store.put(namespace, "/".join(namespace), {"n": 1})
    return store


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        pytest.param(("a",), "a a/b a/b/c", id="a prefix finds itself and all below"),
        pytest.param(("a", "b"), "a/b a/b/c", id="a longer prefix"),
        pytest.param(("a", "b", "c"), "a/b/c", id="a whole namespace"),
        pytest.param(("a", "b", "c", "d"), "", id="a prefix below all"),
        pytest.param(("ab",), "ab", id="labels are whole"),
        pytest.param(("A",), "A", id="labels keep their case"),
        pytest.param(("b",), "b/a", id="a label elsewhere is not found"),
        pytest.param(("a*",), "a*", id="a star is a star"),
        pytest.param(("a_",), "a_", id="an underscore is an underscore"),
        pytest.param(("[a]",), "[a]", id="brackets are brackets"),
        pytest.param(("*",), "", id="a lone star is no wildcard in a search"),
        pytest.param((), "A [a] a a* a/b a/b/c a_ ab b/a", id="an empty prefix finds all"),
    ],
)
def test_a_search_finds_what_lies_under_its_prefix(spread: BaseStore, prefix: tuple[str, ...], expected: str) -> None:
    assert keys(spread.search(prefix, limit=50)) == expected.split()
