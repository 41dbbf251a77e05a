"""Namespaces of LangGraph's stores: listed, matched, cut to a depth, refused."""

from collections.abc import Callable
from typing import Any

import pytest
from langgraph.store.base import BaseStore, GetOp, InvalidNamespaceError, PutOp
from langgraph_cases import IN_MEMORY, SQLITE, USERS, fails_on

Namespace = tuple[str, ...]
TREE: list[Namespace] = [
    ("a", "b", "c"),
    ("a", "b", "d", "e"),
    ("a", "b", "d", "i"),
    ("a", "b", "f"),
    ("a", "c", "f"),
    ("b",),
    ("b", "a", "f"),
]


def put_all(store: BaseStore, namespaces: list[Namespace]) -> BaseStore:
    for namespace in namespaces:
        store.put(namespace, "k", {"n": 1})
    return store


@pytest.fixture
def tree(store: BaseStore) -> BaseStore:
    return put_all(store, TREE)


def test_an_empty_store_has_no_namespaces(store: BaseStore) -> None:
    assert store.list_namespaces() == []


def test_all_namespaces_are_listed_in_order(tree: BaseStore) -> None:
    assert tree.list_namespaces() == TREE


def test_a_namespace_with_many_items_is_listed_once(store: BaseStore) -> None:
    for key in "abc":
        store.put(USERS, key, {})
    assert store.list_namespaces() == [USERS]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"prefix": ("a", "b")}, TREE[:4], id="a prefix"),
        pytest.param({"prefix": ("b",)}, TREE[5:], id="a prefix finds itself and all below"),
        pytest.param({"prefix": ("a", "b", "c", "d")}, [], id="a prefix below all"),
        pytest.param({"prefix": ()}, TREE, id="an empty prefix"),
        pytest.param({"suffix": ("f",)}, [("a", "b", "f"), ("a", "c", "f"), ("b", "a", "f")], id="a suffix"),
        pytest.param({"suffix": ("d", "e")}, [("a", "b", "d", "e")], id="a suffix of two labels"),
        pytest.param({"suffix": ("b",)}, [("b",)], id="a suffix may be the whole"),
        pytest.param({"prefix": ("*", "b")}, TREE[:4], id="a star stands for one label"),
        pytest.param({"prefix": ("a", "*", "f")}, [("a", "b", "f"), ("a", "c", "f")], id="a star in the middle"),
        pytest.param({"prefix": ("*", "*")}, [*TREE[:5], TREE[6]], id="each star needs a label"),
        pytest.param({"prefix": ("*", "*", "*", "*")}, TREE[1:3], id="as many stars as labels"),
        pytest.param({"suffix": ("b", "*")}, [("a", "b", "c"), ("a", "b", "f")], id="a star at a suffixs end"),
        pytest.param(
            {"suffix": ("*", "f")}, [("a", "b", "f"), ("a", "c", "f"), ("b", "a", "f")], id="a star at a suffixs start"
        ),
        pytest.param(
            {"prefix": ("a",), "suffix": ("f",)}, [("a", "b", "f"), ("a", "c", "f")], id="a prefix and a suffix"
        ),
        pytest.param({"prefix": ("b",), "suffix": ("b",)}, [("b",)], id="a prefix and a suffix may be one label"),
        pytest.param({"max_depth": 1}, [("a",), ("b",)], id="a depth cuts and each is listed once"),
        pytest.param(
            {"max_depth": 2}, [("a", "b"), ("a", "c"), ("b",), ("b", "a")], id="a depth leaves what is shorter"
        ),
        pytest.param({"max_depth": 9}, TREE, id="a depth beyond all"),
        pytest.param(
            {"prefix": ("a", "b"), "max_depth": 3},
            [("a", "b", "c"), ("a", "b", "d"), ("a", "b", "f")],
            id="a prefix and a depth",
        ),
        pytest.param({"suffix": ("e",), "max_depth": 2}, [("a", "b")], id="a suffix is matched before the cut"),
        pytest.param({"limit": 2}, TREE[:2], id="a limit"),
        pytest.param({"limit": 2, "offset": 3}, TREE[3:5], id="a limit and an offset"),
        pytest.param({"offset": 7}, [], id="an offset beyond all"),
        pytest.param({"limit": 0}, [], id="a limit of none at all"),
        pytest.param({"max_depth": 2, "limit": 2, "offset": 1}, [("a", "c"), ("b",)], id="pages are of what was cut"),
    ],
)
def test_namespaces_are_matched(tree: BaseStore, arguments: dict[str, Any], expected: list[Namespace]) -> None:
    assert tree.list_namespaces(**arguments) == expected


def test_a_hundred_are_listed_unless_told_otherwise(store: BaseStore) -> None:
    store.batch([PutOp(("n", f"{number:03}"), "k", {}) for number in range(101)])
    assert len(store.list_namespaces()) == 100
    assert store.list_namespaces(offset=100) == [("n", "100")]


@pytest.mark.parametrize(
    "label", ["x y", "x\ny", "日本", "it's", 'quo"te', "[x]", "?", "%", "x_y", "-", "e\u0301", "x" * 500]
)
def test_a_label_may_be_any_text_without_dots(store: BaseStore, label: str) -> None:
    put_all(store, [("n", label), ("n", "other")])
    assert ("n", label) in store.list_namespaces()
    assert store.list_namespaces(prefix=("n", label)) == [("n", label)]
    assert store.list_namespaces(suffix=(label,)) == [("n", label)]
    assert [item.namespace for item in store.search(("n", label))] == [("n", label)]


def test_labels_that_differ_in_case_are_two(store: BaseStore) -> None:
    put_all(store, [("N",), ("n",)])
    assert store.list_namespaces(prefix=("n",)) == [("n",)]
    assert store.list_namespaces(suffix=("N",)) == [("N",)]


def test_a_pattern_reads_a_labels_signs_as_themselves(store: BaseStore) -> None:
    put_all(store, [("n", "a+b"), ("n", "aab"), ("n", "(x)")])
    assert store.list_namespaces(prefix=("*", "a+b")) == [("n", "a+b")]
    assert store.list_namespaces(suffix=("(x)",)) == [("n", "(x)")]


@fails_on(SQLITE, because="it orders by the labels joined with dots")
def test_namespaces_are_ordered_label_by_label(store: BaseStore) -> None:
    put_all(store, [("a", "b"), ("a-b",)])
    assert store.list_namespaces() == [("a", "b"), ("a-b",)]


@fails_on(IN_MEMORY, because="it keeps the emptied namespace in its dict")
def test_a_namespace_without_items_is_not_listed(tree: BaseStore) -> None:
    tree.delete(("b",), "k")
    assert ("b",) not in tree.list_namespaces()


@fails_on(IN_MEMORY, because="reading makes the namespace in its dict")
def test_reading_makes_no_namespace(store: BaseStore) -> None:
    store.get(("nobody",), "k")
    assert store.list_namespaces() == []


BAD_LABELS = [
    pytest.param(("",), id="an empty label"),
    pytest.param(("users", ""), id="an empty last label"),
    pytest.param(("a.b",), id="a dot"),
    pytest.param(("users", "."), id="a lone dot"),
    pytest.param(("a\0b",), id="a NUL"),
    pytest.param((1,), id="a number"),
    pytest.param((None,), id="none"),
]
BAD_LABEL_CALLS = [
    pytest.param(lambda store, namespace: store.put(namespace, "k", {}), id="put"),
    pytest.param(lambda store, namespace: store.get(namespace, "k"), id="get"),
    pytest.param(lambda store, namespace: store.delete(namespace, "k"), id="delete"),
    pytest.param(lambda store, namespace: store.search(namespace), id="search"),
    pytest.param(lambda store, namespace: store.list_namespaces(prefix=namespace), id="prefix"),
    pytest.param(lambda store, namespace: store.list_namespaces(suffix=namespace), id="suffix"),
]


@pytest.mark.parametrize("namespace", BAD_LABELS)
@pytest.mark.parametrize("call", BAD_LABEL_CALLS)
def test_a_bad_label_is_refused(store: BaseStore, call: Callable[[BaseStore, Any], object], namespace: Any) -> None:
    with pytest.raises(InvalidNamespaceError):
        call(store, namespace)


@pytest.mark.parametrize(
    "namespace", [(), ("langgraph",), ("langgraph", "x")], ids=["empty", "langgraph", "below langgraph"]
)
def test_a_namespace_that_cannot_be_written_to_is_refused(store: BaseStore, namespace: Namespace) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.put(namespace, "k", {})


def test_langgraph_is_a_label_like_others_below_the_root(store: BaseStore) -> None:
    put_all(store, [("users", "langgraph"), ("Langgraph",), ("langgraph2",)])
    assert store.list_namespaces() == [("Langgraph",), ("langgraph2",), ("users", "langgraph")]


def test_langgraphs_own_namespace_may_be_read(store: BaseStore) -> None:
    assert store.get(("langgraph",), "k") is None
    assert store.search(("langgraph",)) == []


@fails_on(IN_MEMORY, because="it checks labels in its named methods alone")
@pytest.mark.parametrize("operation", [PutOp(("a.b",), "k", {}), GetOp(("a.b",), "k")], ids=["put", "get"])
def test_a_bad_label_in_a_batch_is_refused(store: BaseStore, operation: PutOp | GetOp) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.batch([operation])


def test_a_batch_may_write_to_langgraphs_own_namespace(store: BaseStore) -> None:
    store.batch([PutOp(("langgraph", "x"), "k", {"n": 1})])
    assert store.batch([GetOp(("langgraph", "x"), "k")])[0] is not None
