"""Async: the same verbs, and an event loop that is never held."""

import asyncio
import inspect
import time

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.session import Session, TurnSequence

LONGEST = 0.020  # seconds


async def lag(stop: asyncio.Event) -> float:
    """The longest time that the loop was held, beyond a nap."""
    worst = 0.0
    while not stop.is_set():
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - start - 0.001)
    return worst


async def test_the_verbs_are_awaitable() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        await bank.aio.observe([("ana", "The key lies under the flowerpot")])
        found = await bank.aio.recall("Where is the key?", min_score=0)
        assert len(found) == 1


async def test_banks_are_used_side_by_side() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        names = [f"user{i}" for i in range(20)]
        await asyncio.gather(*(store.bank(n).aio.observe([(n, f"My name is {n}")]) for n in names))
        found = await asyncio.gather(*(store.bank(n).aio.recall("name", min_score=0) for n in names))
        assert [f[0].memory.text for f in found] == [f"My name is {n}" for n in names]


def test_every_verb_of_a_bank_and_of_a_session_is_awaitable(store: memkit.MemoryStore) -> None:
    bank = store.bank("ana")
    plain = {"read"}  # waits for nothing
    verbs = {name for name, verb in vars(memkit.MemoryBank).items() if inspect.isfunction(verb) and name[0] != "_"}
    assert {name for name in verbs - plain if not callable(getattr(bank.aio, name, None))} == set()
    methods = {**vars(TurnSequence), **vars(Session)}
    session_verbs = {name for name, verb in methods.items() if inspect.isfunction(verb) and name[0] != "_"}
    assert {"append", "catch_up", "last"} <= session_verbs
    assert [name for name in session_verbs if not callable(getattr(bank.aio.session("s"), name, None))] == []
