"""Batches of LangGraph's stores: reads see the state before the batch's writes, the last write of a key stands."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from langgraph.store.base import BaseStore, GetOp, Item, ListNamespacesOp, MatchCondition, PutOp, SearchOp
from langgraph_cases import IN_MEMORY, SQLITE, USERS, fails_on, keys, value_of


def test_an_empty_batch_gives_an_empty_list(store: BaseStore) -> None:
    assert store.batch([]) == []


def test_results_come_in_the_order_of_their_operations(store: BaseStore) -> None:
    store.put(USERS, "k", {"n": 1})
    results = store.batch(
        [GetOp(USERS, "none"), SearchOp(USERS), PutOp(USERS, "new", {}), ListNamespacesOp(), GetOp(USERS, "k")]
    )
    assert results[0] is None
    assert isinstance(results[1], list)
    assert results[2] is None
    assert results[3] == [USERS]
    assert isinstance(results[4], Item)


def test_operations_may_come_from_a_generator(store: BaseStore) -> None:
    assert store.batch(PutOp(USERS, key, {}) for key in "abc") == [None, None, None]
    assert keys(store.search(USERS)) == ["a", "b", "c"]


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_get_sees_the_state_before_the_batch(store: BaseStore, place: str) -> None:
    store.put(USERS, "k", {"n": 1})
    write, read = PutOp(USERS, "k", {"n": 2}), GetOp(USERS, "k")
    results = store.batch([read, write] if place == "before" else [write, read])
    [item] = [result for result in results if isinstance(result, Item)]
    assert item.value == {"n": 1}
    assert value_of(store, "k") == {"n": 2}


def test_a_get_does_not_see_what_its_batch_puts_first(store: BaseStore) -> None:
    assert store.batch([PutOp(USERS, "k", {"n": 1}), GetOp(USERS, "k")]) == [None, None]


def test_a_search_does_not_see_what_its_batch_puts(store: BaseStore) -> None:
    assert store.batch([PutOp(USERS, "k", {"n": 1}), SearchOp(USERS)]) == [None, []]


def test_a_search_sees_what_its_batch_deletes(store: BaseStore) -> None:
    store.put(USERS, "k", {"n": 1})
    [_, found] = store.batch([PutOp(USERS, "k", None), SearchOp(USERS)])
    assert isinstance(found, list)
    assert len(found) == 1
    assert store.search(USERS) == []


def test_a_listing_does_not_see_what_its_batch_puts(store: BaseStore) -> None:
    assert store.batch([PutOp(USERS, "k", {}), ListNamespacesOp()]) == [None, []]


def test_the_last_of_several_puts_to_a_key_stands(store: BaseStore) -> None:
    store.batch([PutOp(USERS, "k", {"n": number}) for number in range(5)])
    assert value_of(store, "k") == {"n": 4}
    assert len(store.search(USERS)) == 1


def test_a_deletion_after_a_put_of_its_batch_stands(store: BaseStore) -> None:
    store.batch([PutOp(USERS, "k", {"n": 1}), PutOp(USERS, "k", None)])
    assert store.get(USERS, "k") is None


def test_a_put_after_a_deletion_of_its_batch_stands(store: BaseStore) -> None:
    store.put(USERS, "k", {"n": 1})
    store.batch([PutOp(USERS, "k", None), PutOp(USERS, "k", {"n": 2})])
    assert value_of(store, "k") == {"n": 2}


def test_one_key_in_two_namespaces_of_a_batch_is_two_items(store: BaseStore) -> None:
    store.batch([PutOp(("a",), "k", {"n": 1}), PutOp(("b",), "k", {"n": 2}), PutOp(("a", "b"), "k", {"n": 3})])
    assert [value_of(store, "k", namespace) for namespace in (("a",), ("b",), ("a", "b"))] == [
        {"n": 1},
        {"n": 2},
        {"n": 3},
    ]


def test_the_same_get_twice_gives_two_results(store: BaseStore) -> None:
    store.put(USERS, "k", {"n": 1})
    first, second = store.batch([GetOp(USERS, "k"), GetOp(USERS, "k")])
    assert isinstance(first, Item)
    assert first == second


def test_gets_of_several_namespaces_are_told_apart(store: BaseStore) -> None:
    store.put(("a",), "k", {"n": 1})
    store.put(("b",), "k", {"n": 2})
    results = store.batch([GetOp(("b",), "k"), GetOp(("a",), "k"), GetOp(("b",), "none"), GetOp(("a",), "k")])
    assert [result.value if isinstance(result, Item) else None for result in results] == [
        {"n": 2},
        {"n": 1},
        None,
        {"n": 1},
    ]


def test_several_searches_of_a_batch_have_their_own_filters(store: BaseStore) -> None:
    for number in range(3):
        store.put(USERS, f"k{number}", {"n": number})
    results = store.batch(
        [SearchOp(USERS, {"n": 2}), SearchOp(USERS, limit=1), SearchOp(("none",)), SearchOp(USERS, {"n": 0})]
    )
    assert [len(result) for result in results if isinstance(result, list)] == [1, 1, 0, 1]


def test_a_listing_with_conditions_in_a_batch(store: BaseStore) -> None:
    for namespace in (("a", "x"), ("b", "x"), ("a", "y")):
        store.put(namespace, "k", {})
    condition = MatchCondition("suffix", ("x",))
    assert store.batch([ListNamespacesOp((condition,), limit=1), ListNamespacesOp(max_depth=1)]) == [
        [("a", "x")],
        [("a",), ("b",)],
    ]


def test_all_conditions_of_a_listing_hold(store: BaseStore) -> None:
    for namespace in (("a", "x"), ("b", "x"), ("a", "y")):
        store.put(namespace, "k", {})
    both = (MatchCondition("prefix", ("a",)), MatchCondition("suffix", ("x",)))
    assert store.batch([ListNamespacesOp(both)]) == [[("a", "x")]]


@fails_on(SQLITE, because="it answers an unknown operation with none")
def test_an_unknown_operation_is_an_error(store: BaseStore) -> None:
    with pytest.raises(ValueError, match="operation"):
        store.batch(["no operation"])  # type: ignore[list-item]


@fails_on(IN_MEMORY, because="it keeps any object")
def test_a_batch_with_a_put_that_cannot_be_written_writes_nothing(store: BaseStore) -> None:
    with pytest.raises(TypeError):
        store.batch([PutOp(USERS, "good", {"n": 1}), PutOp(USERS, "bad", {"n": object()})])
    assert store.search(USERS) == []


def test_a_batch_with_a_read_that_fails_writes_nothing(store: BaseStore) -> None:
    store.put(USERS, "k", {"n": 1})
    with pytest.raises(ValueError, match="operator"):
        store.batch([PutOp(USERS, "new", {"n": 1}), SearchOp(USERS, {"n": {"$unknown": 1}})])
    assert store.get(USERS, "new") is None


def test_a_store_is_usable_after_an_error(store: BaseStore) -> None:
    store.put(USERS, "k", {"n": 1})
    with pytest.raises(ValueError, match="operator"):
        store.search(USERS, filter={"n": {"$unknown": 1}})
    store.put(USERS, "k", {"n": 2})
    assert value_of(store, "k") == {"n": 2}


@pytest.mark.parametrize("size", [1_000, 20_000])
def test_a_large_batch_of_puts_is_written(store: BaseStore, size: int) -> None:
    store.batch([PutOp(USERS, str(number), {"n": number}) for number in range(size)])
    assert len(store.search(USERS, limit=size + 1)) == size


def test_a_large_batch_of_gets_is_answered_in_order(store: BaseStore) -> None:
    store.batch([PutOp(USERS, str(number), {"n": number}) for number in range(2_000)])
    results = store.batch([GetOp(USERS, str(number)) for number in reversed(range(2_000))])
    assert [result.value["n"] for result in results if isinstance(result, Item)] == list(reversed(range(2_000)))


@fails_on(SQLITE, because="its statement holds at most 250,000 values")
def test_a_batch_of_a_hundred_thousand_puts_is_written(store: BaseStore) -> None:
    store.batch([PutOp(USERS, str(number), {}) for number in range(100_000)])
    assert len(store.search(USERS, limit=100_001)) == 100_000


def test_threads_that_write_lose_nothing(store: BaseStore) -> None:
    def write(writer: int) -> None:
        for number in range(25):
            store.put(("w", str(writer)), str(number), {"n": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(store.search(("w",), limit=1000)) == 200
    assert len(store.list_namespaces()) == 8


def test_threads_that_write_one_key_leave_one_value(store: BaseStore) -> None:
    barrier = threading.Barrier(4)

    def write(writer: int) -> None:
        barrier.wait()
        store.put(USERS, "k", {"writer": writer})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(store.search(USERS)) == 1
