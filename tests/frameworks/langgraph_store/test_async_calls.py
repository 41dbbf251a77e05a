"""Async callers of LangGraph's stores: the twins of each verb, many at once, several event loops."""

import asyncio
import threading
from pathlib import Path

import pytest
from langgraph.store.base import BaseStore, GetOp, InvalidNamespaceError, Item, ListNamespacesOp, PutOp, SearchOp
from langgraph_cases import IN_MEMORY, SQLITE, USERS, fails_on, keys
from langgraph_stores import StoreUnderTest


async def test_what_is_put_is_got(async_store: BaseStore) -> None:
    await async_store.aput(USERS, "k", {"text": "a\0b", "n": [1, None]})
    item = await async_store.aget(USERS, "k")
    assert item is not None
    assert (item.namespace, item.key, item.value) == (USERS, "k", {"text": "a\0b", "n": [1, None]})


async def test_what_is_deleted_is_gone(async_store: BaseStore) -> None:
    await async_store.aput(USERS, "k", {})
    await async_store.adelete(USERS, "k")
    await async_store.adelete(USERS, "k")
    assert await async_store.aget(USERS, "k") is None


async def test_a_search_takes_what_its_twin_takes(async_store: BaseStore) -> None:
    for number in range(5):
        await async_store.aput(USERS, f"k{number}", {"n": number})
    assert keys(await async_store.asearch(USERS, filter={"n": {"$gte": 3}})) == ["k3", "k4"]
    assert len(await async_store.asearch(USERS, limit=2, offset=4)) == 1


async def test_namespaces_are_listed_as_by_the_twin(async_store: BaseStore) -> None:
    for namespace in (("a", "x"), ("b", "x"), ("a", "y")):
        await async_store.aput(namespace, "k", {})
    assert await async_store.alist_namespaces(prefix=("a",)) == [("a", "x"), ("a", "y")]
    assert await async_store.alist_namespaces(suffix=("x",), max_depth=1) == [("a",), ("b",)]


@pytest.mark.parametrize(
    "namespace", [("",), ("a.b",), (), ("langgraph",)], ids=["empty label", "dot", "empty", "langgraph"]
)
async def test_a_bad_namespace_is_refused(async_store: BaseStore, namespace: tuple[str, ...]) -> None:
    with pytest.raises(InvalidNamespaceError):
        await async_store.aput(namespace, "k", {})


async def test_a_batch_reads_the_state_before_it(async_store: BaseStore) -> None:
    await async_store.aput(USERS, "k", {"n": 1})
    results = await async_store.abatch(
        [PutOp(USERS, "k", {"n": 2}), GetOp(USERS, "k"), SearchOp(USERS), ListNamespacesOp()]
    )
    assert isinstance(results[1], Item)
    assert results[1].value == {"n": 1}
    assert results[3] == [USERS]
    assert (await async_store.abatch([GetOp(USERS, "k")]))[0].value == {"n": 2}  # type: ignore[union-attr]


async def test_an_empty_batch_gives_an_empty_list(async_store: BaseStore) -> None:
    assert await async_store.abatch([]) == []


async def test_the_last_put_of_a_batch_stands(async_store: BaseStore) -> None:
    await async_store.abatch([PutOp(USERS, "k", {"n": number}) for number in range(5)])
    item = await async_store.aget(USERS, "k")
    assert item is not None
    assert item.value == {"n": 4}


async def test_two_hundred_puts_at_once_lose_nothing(async_store: BaseStore) -> None:
    await asyncio.gather(*(async_store.aput(USERS, str(number), {"n": number}) for number in range(200)))
    assert len(await async_store.asearch(USERS, limit=300)) == 200


async def test_fifty_users_at_once_stay_apart(async_store: BaseStore) -> None:
    async def write_and_read(user: int) -> object:
        await async_store.aput(("u", str(user)), "name", {"user": user})
        item = await async_store.aget(("u", str(user)), "name")
        return None if item is None else item.value["user"]

    assert await asyncio.gather(*map(write_and_read, range(50))) == list(range(50))


async def test_puts_to_one_key_at_once_leave_the_last(async_store: BaseStore) -> None:
    await asyncio.gather(*(async_store.aput(USERS, "k", {"n": number}) for number in range(20)))
    item = await async_store.aget(USERS, "k")
    assert item is not None
    assert item.value == {"n": 19}


async def test_an_error_reaches_its_caller_and_the_store_goes_on(async_store: BaseStore) -> None:
    await async_store.aput(USERS, "k", {"n": 1})
    with pytest.raises(ValueError, match="operator"):
        await async_store.asearch(USERS, filter={"n": {"$unknown": 1}})
    assert await async_store.aget(USERS, "k") is not None


@fails_on(SQLITE, because="it gathers what is asked at once into one batch, which fails as one")
async def test_an_error_reaches_its_caller_alone(async_store: BaseStore) -> None:
    await async_store.aput(USERS, "k", {"n": 1})
    bad = async_store.asearch(USERS, filter={"n": {"$unknown": 1}})
    results = await asyncio.gather(bad, async_store.aget(USERS, "k"), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, Item]


async def test_a_cancelled_call_leaves_the_store_usable(async_store: BaseStore) -> None:
    task = asyncio.ensure_future(async_store.aput(USERS, "k", {"n": 1}))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await async_store.aput(USERS, "k", {"n": 2})
    item = await async_store.aget(USERS, "k")
    assert item is not None
    assert item.value == {"n": 2}


@fails_on(SQLITE, because="it lives in the event loop in which it was made")
async def test_a_second_event_loop_may_use_the_store(async_store: BaseStore) -> None:
    await async_store.aput(USERS, "k", {"n": 1})

    def read_in_another_loop() -> object:
        return asyncio.run(asyncio.wait_for(async_store.aget(USERS, "k"), timeout=3))

    item = await asyncio.to_thread(read_in_another_loop)
    assert isinstance(item, Item)


@fails_on(SQLITE, because="it lives in the event loop in which it was made")
async def test_two_event_loops_at_once_lose_nothing(async_store: BaseStore) -> None:
    def write_in_another_loop(writer: str) -> None:
        async def write() -> None:
            calls = (async_store.aput(("w", writer), str(number), {}) for number in range(20))
            await asyncio.wait_for(asyncio.gather(*calls), timeout=3)

        asyncio.run(write())

    writers = (asyncio.to_thread(write_in_another_loop, writer) for writer in "ab")
    assert await asyncio.gather(*writers, return_exceptions=True) == [None, None]  # both are at their end then
    assert len(await async_store.asearch(("w",), limit=100)) == 40


async def test_a_thread_may_use_the_sync_verbs_meanwhile(async_store: BaseStore) -> None:
    await async_store.aput(USERS, "k", {"n": 1})
    item = await asyncio.to_thread(async_store.get, USERS, "k")
    assert item is not None
    await asyncio.to_thread(async_store.put, USERS, "k2", {"n": 2})
    assert await async_store.aget(USERS, "k2") is not None


@fails_on(SQLITE, because="its sync verbs refuse to run in its own loop; LangGraph's own tools warn of it")
async def test_the_sync_verbs_work_within_the_loop(async_store: BaseStore) -> None:
    async_store.put(USERS, "k", {"n": 1})
    assert async_store.get(USERS, "k") is not None


@fails_on(SQLITE, because="its sync class has no async verbs; a second class has them")
def test_a_store_opened_for_sync_callers_serves_async_ones(under_test: StoreUnderTest, tmp_path: Path) -> None:
    with under_test.open_sync(tmp_path, None, None) as store:
        asyncio.run(store.aput(USERS, "k", {"n": 1}))
        assert store.get(USERS, "k") is not None


@fails_on(IN_MEMORY, because="it keeps nothing beyond its process")
async def test_what_was_put_is_there_when_the_store_is_opened_again(under_test: StoreUnderTest, tmp_path: Path) -> None:
    async with under_test.open_async(tmp_path, None, None) as store:
        await store.aput(USERS, "k", {"n": 1})
    async with under_test.open_async(tmp_path, None, None) as store:
        assert await store.aget(USERS, "k") is not None


async def test_calls_from_many_threads_and_the_loop_meet_no_error(async_store: BaseStore) -> None:
    started = threading.Event()

    def write() -> None:
        started.set()
        for number in range(20):
            async_store.put(("t",), str(number), {})

    task = asyncio.create_task(asyncio.to_thread(write))
    await asyncio.to_thread(started.wait)
    await asyncio.gather(*(async_store.aput(("l",), str(number), {}) for number in range(20)))
    await task
    assert len(await async_store.asearch((), limit=100)) == 40
