"""Banks of one store are apart: no word, number or name of one is in another's answers, on any engine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from engines import EVERY_ENGINE, Engine, problems

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock

TALK = (
    "I moved to Lisbon in May.",
    "My sister Rita visits on Thursday.",
    "I can't eat nuts.",
    "We keep bees behind the house.",
)
ODD_NAMES = (
    ("ana",),
    ("ana", " "),
    ("ana\0x",),
    ("ana", "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(5000))),
    ("ana", "x"),
    ("ana/x",),
    ("ana%",),
    ("an_",),
    ("ANA",),
    ("an\u0303a",),
    ("anã",),
    ("ana'; DROP TABLE memory; --",),
    ("ana\\",),
    ('["ana"]',),
    ("ana", "x", "y"),
)


@pytest.fixture(params=EVERY_ENGINE)
def engine(request: pytest.FixtureRequest) -> Engine:
    given: Engine = request.param
    return given


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))


@pytest.fixture
def store(engine: Engine, clock: FrozenClock) -> Iterator[memkit.MemoryStore]:
    with engine.database() as location, memkit.open(location, encoder=HashingEncoder(), clock=clock) as opened:
        yield opened


def tell(bank: memkit.MemoryBank, whose: str, count: int = len(TALK)) -> None:
    """Say the same things in a bank, with a word of its own in each, under ids that every bank uses."""
    turns = [
        memkit.Turn(f"{TALK[n % len(TALK)]} ({whose}{n})", "ana", id=f"turn-{n}", session=f"day-{n // 8}")
        for n in range(count)
    ]
    bank.observe(turns)


def answers(bank: memkit.MemoryBank) -> list[tuple[str, float]]:
    hits = bank.recall("Who visits Lisbon, and where are the bees?", k=50, min_score=0, reinforce=False)
    return [(hit.memory.text, round(hit.score, 9)) for hit in hits]


def test_a_bank_answers_with_its_own_words_and_scores_as_if_it_were_alone(store: memkit.MemoryStore) -> None:
    ana, bob = store.bank("acme", "ana"), store.bank("acme", "bob")
    tell(ana, "ours")
    alone = answers(ana)
    tell(bob, "theirs", 300)
    bob.think()
    bob.reflect()
    assert answers(ana) == alone
    assert all("ours" in text for text, _ in alone)
    assert not any("ours" in memory.text for memory in bob.list(limit=1000))


def test_equal_ids_sessions_and_keys_of_two_banks_are_different_memories(store: memkit.MemoryStore) -> None:
    ana, bob = store.bank("ana"), store.bank("bob")
    for bank in (ana, bob):
        tell(bank, bank.name[0])
        bank.put("settings", {"of": bank.name[0]})
    ana.pin("turn-1")
    ana.forget("turn-2", reason="asked")
    ana.delete_item("settings")
    ana.erase(ids=["turn-0"])
    assert bob.get_item("settings").value == {"of": "bob"}
    assert [turn.text.rpartition("(")[2] for turn in bob.list(kinds=["turn"])] == [f"bob{n})" for n in range(4)]
    assert [turn.id for turn in bob.session("day-0")] == [f"turn-{n}" for n in range(4)]
    assert [entry.event for n in range(4) for entry in bob.history(f"turn-{n}")] == ["added"] * 4
    assert not bob.get("turn-1").pinned


def test_the_ids_that_memkit_gave_in_one_bank_are_unknown_in_another(store: memkit.MemoryStore) -> None:
    ana, bob = store.bank("ana"), store.bank("bob")
    [made] = ana.insert(["Ana can't eat nuts."]).ids
    tell(bob, "bob")
    assert bob.get(made) is None
    with pytest.raises(memkit.MemkitError):
        bob.erase(ids=[made])
    assert ana.get(made).text == "Ana can't eat nuts."


def test_a_bank_that_is_erased_takes_nothing_of_another_with_it(store: memkit.MemoryStore) -> None:
    ana, bob = store.bank("acme", "ana"), store.bank("acme", "bob")
    for bank in (ana, bob):
        tell(bank, bank.name[1])
        bank.think()
    before = [memory.text for memory in bob.list(limit=100)], answers(bob)
    ana.erase_all(confirm=ana.name)
    assert ([memory.text for memory in bob.list(limit=100)], answers(bob)) == before
    assert store.banks() == [("acme", "bob")]
    assert problems(store) == []


def test_names_that_look_alike_are_banks_of_their_own_and_a_prefix_is_no_pattern(store: memkit.MemoryStore) -> None:
    for number, name in enumerate(ODD_NAMES):
        store.bank(*name).observe([("ana", f"I keep {number} bees.")])
    texts = {name: [memory.text for memory in store.bank(*name).list()] for name in store.banks()}
    alike = {name: [f"I keep {number} bees."] for number, name in enumerate(ODD_NAMES)}
    assert texts == alike
    under_ana = {name for name in ODD_NAMES if name[0] == "ana"}
    assert set(store.banks(("ana",))) == under_ana
    assert store.banks(("an%",)) == []
    hits = store.recall("bees", under=("ana",), k=50, min_score=0)
    assert {hit.bank for hit in hits} == under_ana


def test_maintenance_of_many_banks_leaves_each_its_own_thoughts(store: memkit.MemoryStore, clock: FrozenClock) -> None:
    people = ("Ana", "Bob", "Cleo")
    for person in people:
        store.bank(person).observe([(person, f"I live in {person}ville.")])
    clock.advance(timedelta(days=2))
    store.maintain(budget_s=30)
    for person in people:
        others = [f"{other}ville" for other in people if other != person]
        memories = store.bank(person).list(limit=100)
        assert any(memory.kind == "thought" for memory in memories)
        assert not any(other in memory.text for memory in memories for other in others)
