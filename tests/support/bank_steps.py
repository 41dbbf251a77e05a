"""What may be done to a bank, chosen by chance; and how tests of what lies in its file open it."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import memkit
from memkit import MemoryBank, MemoryStore, Turn
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock

STEPS = 60


def opened(path: Path) -> MemoryStore:
    return memkit.open(path, encoder=HashingEncoder(), clock=FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC)))


def view_of(bank: MemoryBank) -> Any:
    context = bank._context
    return context.storage.view(context.ensure().number)


def steps(bank: MemoryBank, store: MemoryStore, chance: random.Random) -> list[Callable[[], object]]:
    """What may be done to a bank; each with memories chosen by chance."""

    def some(count: int) -> list[str]:
        ids = [memory.id for memory in bank.list(limit=1_000)]
        return chance.sample(ids, min(count, len(ids)))

    def observe() -> None:
        town = chance.choice(["Porto", "Rome"])
        bank.observe([("ana", f"I have {chance.random()} birds. My sister lives in {town}.")])

    def many() -> None:
        bank.observe([Turn(f"Day {chance.random()}: rain.", "ana") for _ in range(chance.randrange(5, 40))])

    def recalled() -> None:
        bank.recall(f"birds {chance.random()}").prompt(max_tokens=200)
        store.flush()

    return [
        *(observe, many, recalled, bank.think, bank.reflect),
        lambda: [bank.pin(id) for id in some(2)],
        lambda: bank.forget(ids=some(3), reason="asked"),
        lambda: [bank.correct(id, f"It was {chance.random()}.") for id in some(1)],
        lambda: bank.erase(ids=some(chance.randrange(1, 20))),
    ]


def life(path: Path, seed: int) -> Iterator[MemoryBank]:
    """A bank after each of many steps; at the end the doctor must find nothing wrong."""
    chance = random.Random(seed)
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe([Turn(f"Day {i}: sun.", "ana") for i in range(50)])
        for _ in range(STEPS):
            chance.choice(steps(bank, store, chance))()
            yield bank
        assert store.doctor() == []
