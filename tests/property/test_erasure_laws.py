"""Laws of erasure, whatever was done before: nothing tells of it any more, and the store is sound."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from engines import LASTING_ENGINES, SQLITE, Engine, problems
from hypothesis import given, settings
from hypothesis import strategies as st

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import MEMORY_STATES, Memory
from memkit.testing import FrozenClock

TOWN_PATTERN = re.compile(r"[Tt]own[a-p]{4}")
ALL_ACTIONS = (
    "say",
    "say",
    "say",
    "say again",
    "think",
    "reflect",
    "supersede",
    "correct",
    "merge",
    "forget",
    "restore",
)
FIRST_STEPS = [("say", 0), ("say", 1), ("say", 3), ("say", 4), ("think", 0), ("reflect", 0)]
steps = st.lists(
    st.tuples(st.sampled_from((*ALL_ACTIONS, "merge", "pin", "erase", "erase", "erase")), st.integers(0, 100)),
    min_size=5,
    max_size=30,
).map(lambda more: [*FIRST_STEPS, *more])


class World:
    """A bank to which things are done, and what was said and erased."""

    def __init__(self, bank: memkit.MemoryBank, clock: FrozenClock) -> None:
        self.bank, self.clock, self.said = bank, clock, 0
        self.erased: set[str] = set()

    def do(self, action: str, number: int) -> None:
        self.clock.advance(timedelta(hours=number % 50))
        verb: Callable[[int], object] = getattr(self, f"_{action.replace(' ', '_')}")
        verb(number)

    def everything(self, *kinds: str) -> list[Memory]:
        chosen = kinds or None
        return self.bank.list(kinds=chosen, limit=10_000, states=MEMORY_STATES)  # type: ignore[arg-type]

    def _pick(self, number: int, *kinds: str) -> Memory | None:
        memories = self.everything(*kinds)
        return memories[number % len(memories)] if memories else None

    def _say(self, number: int) -> None:
        self.said += 1
        town = "Town" + "".join(chr(97 + int(digit, 16)) for digit in f"{self.said:04x}")
        form = ("I moved to {}.", "My sister lives in {} with two dogs.", "Somebody mentioned {} today, funny name")
        self.bank.observe([("Ana", form[number % 3].format(town))])

    def _say_again(self, number: int) -> None:
        turn = self._pick(number, "turn")
        if turn is not None:
            self.bank.observe([(("Ana", "Bo")[number % 2], turn.text)])

    def _think(self, number: int) -> None:
        self.bank.think()

    def _reflect(self, number: int) -> None:
        self.bank.reflect()

    def _supersede(self, number: int) -> None:
        thought = self._pick(number, "thought")
        if thought is not None:
            self.bank.supersede(thought.id, f"It is otherwise now, for the {number}th time")

    def _correct(self, number: int) -> None:
        thought = self._pick(number, "thought")
        if thought is not None:
            self.bank.correct(thought.id, f"It never was so, says she for the {number}th time")

    def _merge(self, number: int) -> None:
        first, other = self._pick(number, "thought"), self._pick(number // 3, "thought")
        if first is not None and other is not None and first.id != other.id and first.sources:
            self.bank.merge([first.id, other.id], first.text)

    def _forget(self, number: int) -> None:
        memory = self._pick(number, "turn", "thought")
        if memory is not None:
            self.bank.forget(memory.id, reason="why not")

    def _restore(self, number: int) -> None:
        memory = self._pick(number, "turn", "thought")
        if memory is not None:
            self.bank.restore(memory.id)

    def _pin(self, number: int) -> None:
        memory = self._pick(number)
        if memory is not None:
            self.bank.pin(memory.id, pinned=number % 2 == 0)

    def _erase(self, number: int) -> None:
        memory = self._pick(number, "turn")
        if memory is None:
            return
        self.erased |= set(TOWN_PATTERN.findall(memory.text))
        self.bank.erase(ids=[memory.id])


def towns_in(memories: list[Memory]) -> set[str]:
    return {town for m in memories for town in TOWN_PATTERN.findall(" ".join((m.text, m.head or "", m.tail or "")))}


def nothing_of_it(location: str, gone: list[str]) -> bool:
    """Whether none of these lies in the files of a SQLite database."""
    files = [file.read_bytes() for file in Path(location).parent.iterdir()]
    return not any(town.encode() in data for data in files for town in gone)


@pytest.mark.parametrize("engine", LASTING_ENGINES)
@settings(max_examples=25)
@given(done=steps)
def test_whatever_was_done_before_nothing_tells_of_what_was_erased_and_the_store_is_sound(
    engine: Engine, done: list[tuple[str, int]]
) -> None:
    clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
    with engine.database() as location, memkit.open(location, encoder=HashingEncoder(), clock=clock) as store:
        world = World(store.bank("ana"), clock)
        for action, number in done:
            world.do(action, number)
        said = towns_in(world.everything("turn"))
        assert towns_in(world.everything()) <= said
        hits = world.bank.recall("Who moved to which town?", k=100, min_score=0, reinforce=False)
        assert {hit.memory.id for hit in hits} <= {m.id for m in world.everything()}
        if engine == SQLITE:
            assert nothing_of_it(location, sorted(world.erased - said))
            assert not any(receipt.bytes_pending for receipt in store.receipts())
        assert problems(store) == []


@pytest.mark.parametrize("engine", LASTING_ENGINES)
@settings(max_examples=10)
@given(done=steps)
def test_the_store_in_memory_erases_as_every_other_does(engine: Engine, done: list[tuple[str, int]]) -> None:
    seen = []
    with engine.database() as database:
        for location in (":memory:", database):
            clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
            with memkit.open(location, encoder=HashingEncoder(), clock=clock) as store:
                world = World(store.bank("ana"), clock)
                for action, number in done:
                    world.do(action, number)
                memories = [
                    (m.kind, m.text, m.state, m.valid_until, m.session, m.salience, m.key_phrases, len(m.sources))
                    for m in world.everything()
                ]
                receipts = [(r.number, r.counts, r.chosen, len(r.derived), len(r.remade)) for r in store.receipts()]
                hits = world.bank.recall("Who moved?", k=50, min_score=0, reinforce=False)
                seen.append((memories, receipts, [(h.memory.text, h.score) for h in hits]))
                assert problems(store) == []
    assert seen[0] == seen[1]
