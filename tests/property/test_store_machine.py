"""Whatever is done in whatever order: a database and its twin in memory answer alike, and as a simple model says."""

import re
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import LASTING_ENGINES, SQLITE, Engine, problems
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import MEMORY_STATES, Memory, Receipt
from memkit.testing import FrozenClock

BANK_NAMES = ("ana", "bob", "cleo")
TOWN_PATTERN = re.compile(r"town([a-c])([g-p]{4})", re.IGNORECASE)
SENTENCE_FORMS = (
    "I moved to {}.",
    "My sister lives in {} with two dogs.",
    "Somebody mentioned {} today, funny name",
    "I work in {} now and like it a lot.",
    "ok, {}",
)
banks = st.sampled_from(BANK_NAMES)
numbers = st.integers(0, 50)


class Pair:
    """The same bank in both stores: each verb is done in both, and must come out alike."""

    def __init__(self, first: memkit.MemoryBank, second: memkit.MemoryBank) -> None:
        self.banks = (first, second)

    def do(self, verb: Callable[[memkit.MemoryBank, int], Any]) -> list[Any]:
        """Results in each store; an error counts by its class."""
        both = []
        for side, bank in enumerate(self.banks):
            try:
                both.append(verb(bank, side))
            except memkit.MemkitError as error:
                both.append(type(error))
        kinds = [value if isinstance(value, type) else None for value in both]
        assert kinds[0] == kinds[1]
        return both

    def everything(self, side: int = 0, *kinds: str) -> list[Memory]:
        return self.banks[side].list(kinds=kinds or None, limit=10_000, states=MEMORY_STATES)  # type: ignore[arg-type]


def towns(*texts: str | None) -> set[str]:
    return {town.group().casefold() for text in texts for town in TOWN_PATTERN.finditer(text or "")}


def towns_in(memories: list[Memory]) -> set[str]:
    return {town for m in memories for town in towns(m.text, m.head, m.tail, str(m.metadata), *m.key_phrases)}


def shown(memory: Memory) -> tuple[Any, ...]:
    """A memory without its random ids."""
    fields = memory.model_dump(exclude={"id", "sources", "superseded_by", "echo_of"})
    links = (len(memory.sources), memory.superseded_by is None, memory.echo_of is None)
    return (*sorted((name, str(value)) for name, value in fields.items()), links)


def summed(receipt: Any) -> Any:
    """Contents of a receipt, without its random ids."""
    if not isinstance(receipt, Receipt):
        return type(receipt)
    return receipt.bank, receipt.change, [(o.action, o.reason, o.error) for o in receipt.outcomes]


class StoreMachine(RuleBasedStateMachine):
    """Three banks in a database and in memory, with a model of what must be there beside them."""

    engine = SQLITE

    def __init__(self) -> None:
        super().__init__()
        self.database = ExitStack()
        self.location = self.database.enter_context(self.engine.database())
        self.clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
        self.stores = [self.opened(self.location), self.opened(":memory:")]
        self.said = 0
        self.there: dict[str, dict[str, str]] = {name: {} for name in BANK_NAMES}  # what must be there: text by id
        self.erased: dict[str, set[str]] = {name: set() for name in BANK_NAMES}
        self.receipts: dict[str, list[list[Any]]] = {name: [] for name in BANK_NAMES}

    def opened(self, location: str) -> memkit.MemoryStore:
        return memkit.open(location, encoder=HashingEncoder(), clock=self.clock)

    def pair(self, name: str) -> Pair:
        return Pair(*(store.bank("users", name) for store in self.stores))

    def town(self, name: str) -> str:
        self.said += 1
        letters = "".join(chr(ord("g") + int(digit)) for digit in f"{self.said:04d}")
        return f"Town{'abc'[BANK_NAMES.index(name)]}{letters}"

    def change(self, name: str, verb: Callable[[memkit.MemoryBank, int], Any]) -> list[Any]:
        both = self.pair(name).do(verb)
        assert summed(both[0]) == summed(both[1])
        if isinstance(both[0], Receipt):
            self.receipts[name].append(both)
        return both

    def chosen(self, name: str, number: int, *kinds: str) -> list[Memory] | None:
        """One memory, as it is in each store."""
        sides = [self.pair(name).everything(side, *kinds) for side in (0, 1)]
        return [side[number % len(side)] for side in sides] if sides[0] else None

    @initialize(data=st.lists(st.tuples(banks, numbers), min_size=3, max_size=6))
    def begin(self, data: list[tuple[str, int]]) -> None:
        for name, number in data:
            self.observe(name, number, 2)

    @rule(name=banks, form=numbers, count=st.integers(1, 4))
    def observe(self, name: str, form: int, count: int) -> None:
        turns = []
        for n in range(count):
            text, id = SENTENCE_FORMS[(form + n) % len(SENTENCE_FORMS)].format(self.town(name)), f"{name}-{self.said}"
            turns.append(memkit.Turn(text, "Ana" if form % 3 else "Bo", id=id))
            self.there[name][id] = text
        self.change(name, lambda bank, _: bank.observe(turns))

    @rule(name=banks, number=numbers)
    def observe_again(self, name: str, number: int) -> None:
        """The same words once more, and the same id once more."""
        memory = self.chosen(name, number, "turn")
        if memory is not None:
            self.said += 1
            self.there[name][f"{name}-{self.said}"] = memory[0].text
            again = memkit.Turn(memory[0].text, "Ana", id=f"{name}-{self.said}")
            self.change(name, lambda bank, _: bank.observe([again, again]))

    @rule(name=banks)
    def insert(self, name: str) -> None:
        text = f"It never rains in {self.town(name)} on Sundays, as they say."
        self.change(name, lambda bank, _: bank.insert([text]))

    @rule(name=banks)
    def think(self, name: str) -> None:
        self.change(name, lambda bank, _: bank.think())

    @rule(name=banks)
    def reflect(self, name: str) -> None:
        self.change(name, lambda bank, _: bank.reflect())

    @rule(name=banks, number=numbers, verb=st.sampled_from(("correct", "supersede")))
    def replace(self, name: str, number: int, verb: str) -> None:
        memory = self.chosen(name, number, "thought", "turn")
        if memory is not None:
            text = f"It is {self.town(name)} and was never another one."
            self.change(name, lambda bank, side: getattr(bank, verb)(memory[side].id, text))

    @rule(name=banks, number=numbers, other=numbers)
    def merge(self, name: str, number: int, other: int) -> None:
        first, second = self.chosen(name, number, "thought"), self.chosen(name, other, "thought")
        if first is not None and second is not None and first[0].id != second[0].id:
            text = f"Both say {self.town(name)}."
            self.change(name, lambda bank, side: bank.merge([first[side].id, second[side].id], text))

    @rule(name=banks, number=numbers, verb=st.sampled_from(("forget", "restore", "pin", "unpin")))
    def mark(self, name: str, number: int, verb: str) -> None:
        memory = self.chosen(name, number, "turn", "thought")
        verbs: dict[str, Callable[[memkit.MemoryBank, str], Receipt]] = {
            "forget": lambda bank, id: bank.forget(id, reason="why not"),
            "restore": lambda bank, id: bank.restore(id),
            "pin": lambda bank, id: bank.pin(id),
            "unpin": lambda bank, id: bank.pin(id, pinned=False),
        }
        if memory is not None:
            self.change(name, lambda bank, side: verbs[verb](bank, memory[side].id))

    @rule(name=banks, number=numbers)
    def undo(self, name: str, number: int) -> None:
        if self.receipts[name]:
            done = self.receipts[name][-1 - number % min(3, len(self.receipts[name]))]
            self.change(name, lambda bank, side: bank.undo(done[side]))

    @rule(name=banks, days=st.integers(0, 400))
    def decay(self, name: str, days: int) -> None:
        self.clock.advance(timedelta(days=days))
        both = self.pair(name).do(lambda bank, _: bank.decay())
        assert len(both[0].operations) == len(both[1].operations)

    @rule(hours=st.integers(-48, 48))
    def move_the_clock(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule(name=banks, number=numbers)
    def erase(self, name: str, number: int) -> None:
        memory = self.chosen(name, number, "turn")
        if memory is None:
            return
        self.pair(name).do(lambda bank, side: bank.erase(ids=[memory[side].id]))
        del self.there[name][memory[0].id]
        left = towns(*self.there[name].values())
        self.erased[name] |= towns(memory[0].text) - left

    @precondition(lambda self: self.said > 15)
    @rule(name=banks)
    def erase_all(self, name: str) -> None:
        if self.stores[0].bank("users", name).name in self.stores[0].banks():
            gone = towns_in(self.pair(name).everything())
            self.pair(name).do(lambda bank, _: bank.erase_all(confirm=bank.name))
            self.there[name], self.receipts[name] = {}, []
            self.erased[name] |= gone

    @rule(
        name=banks, k=st.integers(1, 20), reinforce=st.booleans(), asked=st.sampled_from(("town", "Sunday", "sister"))
    )
    def recall(self, name: str, k: int, reinforce: bool, asked: str) -> None:
        query = f"Who told of {asked}?"
        both = self.pair(name).do(lambda bank, _: bank.recall(query, k=k, min_score=0, reinforce=reinforce))
        hits = [[(h.memory.text, h.memory.kind, round(h.score, 6)) for h in side] for side in both]
        prompts = [side.prompt(max_tokens=400) for side in both]
        assert hits[0] == hits[1]
        assert prompts[0] == prompts[1]
        assert not towns(prompts[0]) & self.erased[name]
        assert {town[4] for town in towns(prompts[0], *(h[0] for h in hits[0]))} <= {"abc"[BANK_NAMES.index(name)]}

    @rule(name=banks, number=numbers)
    def history(self, name: str, number: int) -> None:
        memory = self.chosen(name, number)
        if memory is not None:
            both = self.pair(name).do(lambda bank, side: bank.history(memory[side].id))
            stories = [
                [(e.event, e.at, e.author, e.reason, e.change, e.before and shown(e.before)) for e in side]
                for side in both
            ]
            assert stories[0] == stories[1]
            texts = [text for e in both[0] for text in (e.reason, e.before.text if e.before else None)]
            assert not towns(*texts) & self.erased[name]

    @rule()
    def reopen(self) -> None:
        """The database is closed and opened; its twin writes what waits at the same moment."""
        self.stores[0].close()
        self.stores[1]._services.reinforcements.flush()
        self.stores[0] = self.opened(self.location)

    @rule()
    def maintain(self) -> None:
        reports = [store.maintain(budget_s=30) for store in self.stores]
        assert reports[0] == reports[1]

    @invariant()
    def both_hold_the_same_and_all_that_was_said(self) -> None:
        for name in BANK_NAMES:
            pair = self.pair(name)
            first, second = pair.everything(0), pair.everything(1)
            assert Counter(map(shown, first)) == Counter(map(shown, second))
            turns = {m.id: m.text for m in first if m.kind == "turn"}
            assert turns == self.there[name]
            assert not towns_in(first) & self.erased[name]
            assert {town[4] for town in towns_in(first)} <= {"abc"[BANK_NAMES.index(name)]}

    def teardown(self) -> None:
        try:
            if self.engine == SQLITE:
                self.search_files()
            assert [problems(store) for store in self.stores] == [[], []]
        finally:
            for store in self.stores:
                store.close()
            self.database.close()

    def search_files(self) -> None:
        gone = [town.encode() for towns in self.erased.values() for town in towns]
        self.stores[0]._storage.purge()
        files = b"".join(file.read_bytes() for file in Path(self.location).parent.iterdir()).lower()
        assert not [town for town in gone if town in files]


def machine(engine: Engine) -> type[StoreMachine]:
    return type("StoreMachine", (StoreMachine,), {"engine": engine})


@pytest.mark.parametrize("engine", LASTING_ENGINES)
def test_a_database_and_memory_answer_alike_and_as_the_model_says(engine: Engine) -> None:
    run_state_machine_as_test(machine(engine), settings=settings(max_examples=15, stateful_step_count=20))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("engine", LASTING_ENGINES)
def test_a_database_and_memory_answer_alike_in_many_more_orders(engine: Engine) -> None:
    run_state_machine_as_test(
        machine(engine), settings=settings(max_examples=300, stateful_step_count=50, derandomize=False)
    )
