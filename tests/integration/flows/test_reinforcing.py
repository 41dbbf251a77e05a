"""Reinforcing: what was used where memkit didn't see it grows stronger, as what a prompt shows does."""

from datetime import timedelta
from pathlib import Path

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock

KEY = "The key lies under the flowerpot"


def strengthened(path: Path, clock: FrozenClock, *, by_prompt: bool) -> memkit.Memory:
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn(KEY, "ana", id="key")])
        clock.advance(timedelta(days=3))
        if by_prompt:
            bank.recall("Where is the key under the flowerpot?").prompt(max_tokens=200)
        else:
            assert bank.reinforce(["key"]) == 1
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        memory = store.bank("ana").get("key")
        assert memory is not None
        return memory


def test_reinforcing_does_what_being_placed_in_a_prompt_does(tmp_path: Path, clock: FrozenClock) -> None:
    shown = strengthened(tmp_path / "shown.db", FrozenClock(clock()), by_prompt=True)
    used = strengthened(tmp_path / "used.db", FrozenClock(clock()), by_prompt=False)
    assert shown.strength > 1
    assert used == shown


def test_reinforcing_at_a_moment_counts_from_it(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    [id] = bank.observe([("ana", KEY)]).ids
    later = clock() + timedelta(days=9)
    bank.reinforce(id, now=later)
    bank.observe([("ana", "It rains")])  # with which it is written
    memory = bank.get(id)
    assert memory is not None
    assert memory.recalled_at == later


def test_ids_that_are_not_here_count_for_nothing(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    [id] = bank.observe([("ana", KEY)]).ids
    assert bank.reinforce([id, id, "elsewhere"]) == 1
    assert store.bank("nobody").reinforce([id]) == 0


def test_nothing_grows_in_a_store_that_is_only_read(path: Path, clock: FrozenClock) -> None:
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        [id] = store.bank("ana").observe([("ana", KEY)]).ids
    with memkit.open(path, encoder=HashingEncoder(), clock=clock, read_only=True) as store:
        assert store.bank("ana").reinforce([id]) == 0


async def test_reinforcing_is_awaitable(bank: memkit.MemoryBank) -> None:
    [id] = bank.observe([("ana", KEY)]).ids
    assert await bank.aio.reinforce([id]) == 1
