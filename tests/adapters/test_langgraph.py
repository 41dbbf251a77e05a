"""MemkitStore in short: what LangGraph's own suite of cases holds in whole, behind the marker `frameworks`."""

from pathlib import Path

import pytest
from langgraph.store.base import GetOp, InvalidNamespaceError, PutOp
from memkit_adapters.langgraph import MemkitStore, matches
from served_stores import open_served

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError

ANA = ("users", "ana")


def test_what_is_put_is_there_after_a_restart_and_found_by_meaning(tmp_path: Path) -> None:
    for _ in range(2):
        with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
            store = MemkitStore(opened, index={"fields": ["text"]})
            store.put(ANA, "food", {"text": "likes pizza", "n": 1}, index=None)
            store.put(("users", "bo"), "food", {"text": "likes figs", "n": 2})
            [first, *_] = store.search(("users",), query="pizza")
            assert (first.namespace, first.value, first.score is not None) == (
                ANA,
                {"text": "likes pizza", "n": 1},
                True,
            )
            assert store.list_namespaces(suffix=("*",), max_depth=1) == [("users",)]
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
        assert [item.value["n"] for item in MemkitStore(opened).search(("users",), filter={"n": {"$gt": 1}})] == [2]


def test_reads_of_a_batch_see_what_was_there_before_its_writes() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as opened:
        store = MemkitStore(opened)
        assert store.batch([PutOp(ANA, "k", {"n": 1}), GetOp(ANA, "k")]) == [None, None]
        assert store.get(ANA, "k") is not None
        with pytest.raises(TypeError):
            store.batch([PutOp(ANA, "good", {"n": 1}), PutOp(ANA, "bad", {"n": object()})])
        assert store.get(ANA, "good") is None
        with pytest.raises(InvalidNamespaceError):
            store.put(("",), "k", {})


def test_a_store_that_a_server_holds_gives_the_same() -> None:
    with open_served(":memory:", encoder=HashingEncoder()) as opened:
        store = MemkitStore(opened, index={"fields": ["text"]})
        assert store.batch([PutOp(ANA, "k", {"text": "likes pizza"}, ttl=5), GetOp(ANA, "k")]) == [None, None]
        store.put(("users", "bo"), "food", {"text": "likes figs"})
        assert [item.key for item in store.search(("users",), query="pizza", limit=1)] == ["k"]
        assert store.list_namespaces(prefix=("users",)) == [("users", "ana"), ("users", "bo")]
        store.delete(ANA, "k")
        assert store.get(ANA, "k") is None
        assert store.sweep_ttl() == 0
        store.start_ttl_sweeper(1)
        assert store.stop_ttl_sweeper()


async def test_async_callers_get_the_same() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as opened:
        store = MemkitStore(opened)
        await store.aput(ANA, "k", {"n": 1}, ttl=1)
        item = await store.aget(ANA, "k")
        assert item is not None
        assert item.value == {"n": 1}
        await store.adelete(ANA, "k")
        assert await store.asearch(ANA) == []


def test_an_embed_of_ones_own_is_given_to_the_store_that_encodes() -> None:
    with (
        memkit.open(":memory:", encoder=HashingEncoder()) as opened,
        pytest.raises(InputError, match="from_conn_string"),
    ):
        MemkitStore(opened, index={"embed": lambda texts: texts, "dims": 2})


@pytest.mark.parametrize(
    ("wanted", "is_met"),
    [
        ({"a.b": 1}, True),
        ({"a": {"b": 1}}, True),
        ({"missing": None}, True),
        ({"missing": {"$gt": 0}}, False),
        ({"n": {"$gte": "3", "$lt": 4}}, True),
        ({"text": {"$gt": "a", "$ne": "z"}}, True),
        ({"n": 4}, False),
    ],
)
def test_filters_read_fields_paths_and_what_is_missing(wanted: dict[str, object], *, is_met: bool) -> None:
    assert matches({"a": {"b": 1}, "n": 3, "text": "figs"}, wanted) is is_met
