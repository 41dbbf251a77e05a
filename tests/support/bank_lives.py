"""Lives of one bank that laws are tried on, and everything that can be read of it."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import MEMORY_STATES, PAGE_ORDERS, Memory, Receipt
from memkit.settings import KeepRule
from memkit.testing import FrozenClock

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
TOWNS = ("Porto", "Faro", "Braga", "Aveiro")
QUESTIONS = ("Where does Ana live?", "Who has a boat in Faro?", "ferry number 7", "What does Bo like?")
RULES = (KeepRule(kinds=("turn",), days=900), KeepRule(under=("acme",), kinds=("item",), days=30, then="erase"))


class Life:
    """One bank, and what may be done to it; `n` chooses."""

    def __init__(self, store: memkit.MemoryStore, clock: FrozenClock) -> None:
        self.store, self.clock = store, clock
        self.bank = store.bank("acme", "ana", zone="America/New_York")
        self.receipts: list[Receipt] = []
        self.said = itertools.count()

    def some(self, n: int, *kinds: str) -> Memory | None:
        every = self.bank.list(kinds=kinds or None, states=MEMORY_STATES, limit=1000)  # type: ignore[arg-type]
        return every[n % len(every)] if every else None

    def observe(self, n: int) -> None:
        town, number = TOWNS[n % 4], next(self.said)
        forms = (f"I live in {town}.", f"My boat lies in {town}, ferry number {n}.", "Yes", f"What of {town}? " * n)
        turns = [
            memkit.Turn(forms[(n + k) % 4], ("Ana", "Bo")[k % 2], id=f"t{number}-{k}" if n % 3 else None,
                        role=("user", "assistant")[k % 2], session="boats" if n % 5 == 0 else None,
                        metadata={"n": n, "towns": [town, None]} if n % 2 else None)
            for k in range(1 + n % 4)
        ]  # fmt: skip
        self.receipts.append(self.bank.observe(turns))

    def insert(self, n: int) -> None:
        self.bank.put("setting", {"level": n % 3}, index=None if n % 2 else False, ttl=n % 5 or None)
        self.receipts.append(self.bank.insert([f"Bo likes {TOWNS[n % 4]}.", f"Ana has {n} boats."]))

    def change(self, n: int) -> None:
        memory = self.some(n, "thought", "turn")
        if memory is not None:
            verbs: list[Callable[[], Receipt]] = [
                lambda: self.bank.supersede(memory.id, f"It is {TOWNS[n % 4]} by now."),
                lambda: self.bank.correct(memory.id, f"No, it is {TOWNS[n % 4]}."),
                lambda: self.bank.pin(memory.id, pinned=n % 3 > 0),
                lambda: self.bank.forget(memory.id, reason="asked"),
                lambda: self.bank.restore(memory.id),
                lambda: self.bank.merge([memory.id], f"All of {TOWNS[n % 4]} in one."),
            ]
            self.receipts.append(verbs[n % len(verbs)]())

    def think(self, n: int) -> None:
        self.receipts.append(self.bank.think() if n % 3 else self.bank.reflect())

    def erase(self, n: int) -> None:
        memory = self.some(n)
        if memory is not None and n % 2:
            self.bank.erase(ids=[memory.id], requested_by="Ana")

    def undo(self, n: int) -> None:
        if self.receipts:
            undone(self.bank, self.receipts[n % len(self.receipts)])

    def use(self, n: int) -> None:
        self.bank.recall(QUESTIONS[n % 4]).prompt(max_tokens=200)
        self.clock.advance(timedelta(hours=7 * n))
        if n % 7 == 0:
            self.bank.decay()
            self.store.audit(fix=True)

    def live(self, steps: list[tuple[str, int]]) -> None:
        for verb, n in steps:
            getattr(self, verb)(n)


def undone(bank: memkit.MemoryBank, receipt: Receipt) -> Any:
    """Outcomes of undoing, or the class of the error."""
    try:
        return [(o.id, o.action, o.reason) for o in bank.undo(receipt).outcomes]
    except memkit.MemkitError as error:
        return type(error)


def readings(store: memkit.MemoryStore) -> dict[str, Any]:
    """Everything that can be read of the bank."""
    bank = store.bank("acme", "ana")
    memories = bank.list(states=MEMORY_STATES, limit=10_000)
    ask = [
        [(h.memory, h.score, h.why) for h in bank.recall(question, k=20, min_score=0, reinforce=False, **options)]
        for question in QUESTIONS
        for options in ({}, {"as_of": START + timedelta(days=3)}, {"kinds": ["thought", "summary", "turn", "item"]})
    ]  # fmt: skip
    context = bank._context
    with context.storage.view(context.ensure().number) as view:
        queue, rows = view.exchanges(), [(row.session, row.episode) for row in view.rows()]
    return {
        "orders": [[m.id for m in bank.list(states=MEMORY_STATES, order=o, limit=10_000)] for o in PAGE_ORDERS],
        "memories": memories,
        "filtered": [m.id for m in bank.list(where={"towns": "Faro"}, states=MEMORY_STATES)],
        "history": [bank.history(memory.id) for memory in memories],
        "beliefs": bank.beliefs(),
        "queue": queue,
        "places": rows,
        "recall": ask,
        "window": bank.window(200).text,
        "mood": bank.mood(),
        "portrait": bank.portrait(),
        "receipts": store.receipts(),
        "stats": store.stats()["banks"],
        "plan": bank.plan_erase(speaker="Ana").ids,
        "rules": store.settings.keep,
        "observe": store.settings.observe,
        "doctor": store.doctor(),
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of the readings that differ."""
    return [name for name in other if one[name] != other[name]]


def opened(location: str | Path, clock: FrozenClock, **options: Any) -> memkit.MemoryStore:
    return memkit.open(location, encoder=HashingEncoder(64), clock=clock, erasure_key=b"k" * 16, **options)


VERBS = ("observe", "observe", "insert", "change", "change", "think", "erase", "undo", "use")
STEPS = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 40)), min_size=3, max_size=25)
