"""Small talk in front of the memory: kept and found by its words, without a vector; off by a switch."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import memkit
from memkit import Settings
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import ObserveSettings
from memkit.testing import FrozenClock

FROM_THE_START = Settings(observe=ObserveSettings(small_talk_from=0))
CHAT = ["ok", "haha", "yes please", "nice", "see you", "good night", "hm maybe", "oh no", "thanks a lot", "me too"]
TELLING = "On Tuesday {n} Okonkwo repaired the {n}th bicycle in Alcântara for {n} euros and a jar of honey"


@pytest.fixture
def store(path: Path, clock: FrozenClock) -> Iterator[memkit.MemoryStore]:
    """A store whose banks leave out small talk from their first turns on."""
    with memkit.open(path, encoder=HashingEncoder(), clock=clock, settings=FROM_THE_START) as opened:
        yield opened


def stream(count: int, seed: int = 3) -> list[memkit.Turn]:
    """Telling turns with a small one after every fourth, no two alike."""
    draws = random.Random(seed)
    texts = [f"{draws.choice(CHAT)} {'!' * (i % 3)}" if i % 5 == 4 else TELLING.format(n=i) for i in range(count)]
    return [memkit.Turn(text, "ana", id=f"t{i}") for i, text in enumerate(texts)]


def encoded(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> set[str]:
    """Ids of the turns that have a vector of their own."""
    storage = store._services.storage
    state = storage.find_bank(bank.name)
    assert state is not None
    with storage.view(state.number) as view:
        seqs = [seq for batch in view.sketches() for seq in batch.seqs.tolist()]
        return {memory.id for memory in view.memories(seqs).values()}


def test_small_talk_has_no_vector_and_everything_else_has(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    turns = stream(400)
    bank.observe(turns)
    without = [turn for turn in turns if turn.id not in encoded(store, bank)]
    assert 20 < len(without) <= 80
    assert all(len(turn.text) < 20 for turn in without)


def test_small_talk_is_stored_with_its_episode_and_found_by_its_words(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    bank.observe([*stream(100), memkit.Turn("see you, Zephyrine", "ana", id="bye")])
    assert bank.get("bye") is not None
    found = bank.recall("Zephyrine", min_score=0, k=3)
    assert "bye" in [hit.memory.id for hit in found]


def test_the_second_time_it_is_said_it_is_an_echo_as_any_other_turn(bank: memkit.MemoryBank) -> None:
    bank.observe(stream(100))
    bank.observe([memkit.Turn("hm, well then", "ana", id="first"), memkit.Turn("hm, well then", "ana", id="second")])
    second = bank.get("second")
    assert second is not None
    assert second.echo_of == "first"


def test_what_inherits_from_erased_small_talk_stays_without_a_vector(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    bank.observe(stream(400))
    without = [m for m in bank.list(limit=1000) if m.echo_of is None and m.id not in encoded(store, bank)]
    first = without[-1]
    bank.observe([memkit.Turn(first.text, "ana", id="again")])
    erased = [first.id, *(m.id for m in bank.list(limit=1000) if m.echo_of == first.id and m.id != "again")]
    bank.erase(ids=erased)
    heir = bank.get("again")
    assert heir is not None
    assert heir.echo_of is None
    assert "again" not in encoded(store, bank)


def test_it_makes_no_difference_whether_turns_come_at_once_or_one_by_one(clock: FrozenClock) -> None:
    turns = stream(200)
    settings = Settings(observe=ObserveSettings(small_talk_from=70))
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock, settings=settings) as store:
        at_once, one_by_one = store.bank("at once"), store.bank("one by one")
        at_once.observe(turns)
        for turn in turns:
            one_by_one.observe([turn])
        assert encoded(store, at_once) == encoded(store, one_by_one)


def test_while_a_bank_is_small_every_turn_gets_a_vector(clock: FrozenClock) -> None:
    settings = Settings(observe=ObserveSettings(small_talk_from=100))
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock, settings=settings) as store:
        small = iter(f"{first}, {then}" for first in CHAT for then in CHAT)
        turns = [replace(turn, text=next(small)) if i % 5 == 4 else turn for i, turn in enumerate(stream(200))]
        bank = store.bank("ana")
        bank.observe(turns)
        without = {turn.id for turn in turns} - encoded(store, bank)
        assert without
        assert without <= {turn.id for turn in turns[100:]}


def test_a_share_of_nothing_gives_every_turn_a_vector(clock: FrozenClock) -> None:
    settings = Settings(observe=ObserveSettings(small_talk=0))
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock, settings=settings) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn(f"{turn.text} {i}", "ana", id=turn.id) for i, turn in enumerate(stream(200))])
        assert len(encoded(store, bank)) == 200


def test_small_talk_waits_to_be_thought_about_like_any_turn(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    turns = stream(100)
    bank.observe(turns)
    storage = store._services.storage
    state = storage.find_bank(bank.name)
    assert state is not None
    with storage.view(state.number) as view:
        waiting = {id for exchange in view.exchanges() for id in exchange.turn_ids}
    without = {str(turn.id) for turn in turns} - encoded(store, bank)
    assert without
    assert without <= waiting | {memory.id for memory in bank.list(limit=1000) if memory.echo_of}


def test_why_shows_the_key_phrases_of_a_hit(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "My surgeon is called Okonkwo and works in Alcântara.")])
    [hit] = bank.recall("Who is Ana's surgeon?", k=1, min_score=0)
    assert hit.why["key_phrases"] == list(hit.memory.key_phrases)
    assert "Okonkwo" in " ".join(hit.memory.key_phrases)
