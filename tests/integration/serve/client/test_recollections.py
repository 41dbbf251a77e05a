"""Recollections from a server: what a client shows to a model grows stronger there."""

import asyncio
import pickle
import time
from collections.abc import Awaitable, Callable

import memkit
from memkit.serve.client.bank import RemoteBank
from memkit.serve.client.store import RemoteStore
from memkit.testing import FrozenClock

QUESTION = "Where is the key under the flowerpot?"
TURN = memkit.Turn("The key lies under the flowerpot", "ana", id="key")


def recall_count(bank: memkit.Bank) -> int:
    bank.observe([("ana", f"Something else at {time.monotonic_ns()}")])  # with which it is written
    memory = bank.get("key")
    assert memory is not None
    return memory.recall_count


def test_what_a_prompt_shows_grows_stronger_on_the_server(
    url: str, store: memkit.MemoryStore, clock: FrozenClock
) -> None:
    with memkit.connect(url) as remote:
        remote.bank("ana").observe([TURN])
        hits = remote.bank("ana").recall(QUESTION)
        hits.prompt(300)
        hits.prompt(300)
        hits[:1].quotes(300)
    assert recall_count(store.bank("ana")) == 1
    memory = store.bank("ana").get("key")
    assert memory is not None
    assert memory.recalled_at == clock()


def test_what_is_used_otherwise_does_so_too(url: str, store: memkit.MemoryStore) -> None:
    for number, show in enumerate(SHOWING, 1):
        with memkit.connect(url) as remote:
            remote.bank("ana").observe([TURN])
            show(remote.bank("ana").recall(QUESTION, now="2030-01-01T00:00:00Z"))
        assert recall_count(store.bank("ana")) == number
    memory = store.bank("ana").get("key")
    assert memory is not None
    assert str(memory.recalled_at) == "2030-01-01 00:00:00+00:00"


SHOWING: list[Callable[[memkit.Recollection], object]] = [
    lambda hits: hits.use(),
    lambda hits: hits.messages(300),
    lambda hits: hits.quotes(300),
]


def test_nothing_grows_that_is_only_looked_at(url: str, store: memkit.MemoryStore) -> None:
    with memkit.connect(url) as remote:
        ana = remote.bank("ana")
        ana.observe([TURN])
        ana.recall(QUESTION).documents()
        ana.recall(QUESTION, reinforce=False).prompt(300)
        ana.recall(QUESTION, as_of="2100-01-01T00:00:00Z").prompt(300)
        pickle.loads(pickle.dumps(ana.recall(QUESTION))).prompt(300)
    assert recall_count(store.bank("ana")) == 0


def test_of_several_banks_each_grows_where_it_lies(url: str, store: memkit.MemoryStore) -> None:
    with memkit.connect(url) as remote:
        for name in ("ana", "eva"):
            remote.bank("acme", name).observe([TURN])
        remote.recall(QUESTION, under=("acme",)).prompt(500)
    assert [recall_count(store.bank("acme", name)) for name in ("ana", "eva")] == [1, 1]


def test_a_prompt_is_written_even_where_the_server_is_away(store: memkit.MemoryStore) -> None:
    from serving import serving

    from memkit.serve.http.app import create_app

    with serving(create_app(store)) as url:
        remote = memkit.connect(url, tries=1)
        remote.bank("ana").observe([TURN])
        hits = remote.bank("ana").recall(QUESTION)
    assert "flowerpot" in hits.prompt(300)
    remote.close()
    assert "flowerpot" in remote_copy(hits).prompt(300)


def remote_copy(hits: memkit.Recollection) -> memkit.Recollection:
    return hits[:]


async def test_the_event_loop_is_free_while_a_verb_is_awaited(url: str) -> None:
    async with memkit.connect(url) as remote:
        ana = remote.bank("ana").aio
        await ana.observe([TURN])
        beats, hits = await beats_during(ana.recall(QUESTION))
        assert beats > 0
        assert "flowerpot" in hits.prompt(300)  # which doesn't wait for the server


async def beats_during(work: Awaitable[memkit.Recollection]) -> tuple[int, memkit.Recollection]:
    """How often the loop came round while something was awaited."""
    task, beats = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        beats += 1
    return beats, task.result()


def test_awaited_verbs_run_on_any_event_loop(remote: RemoteStore) -> None:
    ana = remote.bank("ana")
    asyncio.run(observed(ana))
    asyncio.run(observed(ana))
    assert len(ana.list()) == 10


async def observed(bank: RemoteBank) -> None:
    await asyncio.gather(*(bank.aio.observe([("ana", f"turn {n}")]) for n in range(5)))


async def test_a_stores_verbs_are_awaited_too(url: str) -> None:
    async with memkit.connect(url) as remote:
        await remote.bank("ana").aio.observe([TURN])
        assert await remote.aio.banks() == [("ana",)]
        assert [hit.memory.id for hit in await remote.aio.recall(QUESTION, under=("ana",))] == ["key"]
        assert (await remote.aio.maintain(5.0)).finished
