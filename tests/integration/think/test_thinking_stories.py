"""Two years of changing facts, a year of small talk, and recalled text that comes back."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from thinking_stories import START, Fact, small_talk, two_years

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock


def tell(bank: memkit.MemoryBank, clock: FrozenClock, turns: list[memkit.Turn], together: int) -> None:
    """Hear the turns as time passes, and think after every few of them."""
    for first in range(0, len(turns), together):
        heard = turns[first : first + together]
        clock.now = max(turn.moment for turn in heard if turn.moment is not None) + timedelta(minutes=1)
        bank.observe(heard)
        bank.think()


@pytest.fixture
def story() -> Iterator[tuple[memkit.MemoryBank, list[Fact]]]:
    """Two years of updates, heard with the small encoder."""
    clock, (turns, facts) = FrozenClock(START), two_years()
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock) as store:
        tell(store.bank("ana"), clock, turns, together=4)
        yield store.bank("ana"), facts


def current_first(bank: memkit.MemoryBank, fact: Fact) -> bool:
    """Whether the value told last comes before every earlier one."""
    texts = [hit.memory.text for hit in bank.recall(fact.ask, k=50, min_score=0)]

    def rank(value: str) -> int:
        pattern = re.compile(rf"\b{re.escape(value)}\b")
        return next((n for n, text in enumerate(texts) if pattern.search(text)), len(texts))

    values = [value for _, value in fact.told]
    return rank(values[-1]) < min(map(rank, values[:-1]))


def held(thoughts: list[memkit.Memory], fact: Fact, moment: datetime) -> list[str]:
    """The values that thoughts say held at a moment."""
    about = [t for t in thoughts if (t.head, t.relation) == (fact.head, fact.relation) and t.occurred_at <= moment]
    valid = [
        t for t in about if (t.valid_from or moment) <= moment and (t.valid_until is None or moment < t.valid_until)
    ]
    return [t.tail or "" for t in valid]


def test_recall_puts_the_current_value_of_a_fact_above_all_earlier_ones(
    story: tuple[memkit.MemoryBank, list[Fact]],
) -> None:
    bank, facts = story
    assert sum(len(fact.told) for fact in facts) >= 200
    assert sum(current_first(bank, fact) for fact in facts) >= 0.9 * len(facts)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_recall_does_so_with_the_default_encoder() -> None:
    clock, (turns, facts) = FrozenClock(START), two_years(seed=2)
    with memkit.open(":memory:", clock=clock) as store:
        tell(store.bank("ana"), clock, turns, together=4)
        assert sum(current_first(store.bank("ana"), fact) for fact in facts) >= 0.9 * len(facts)


def test_thoughts_say_of_any_past_moment_what_was_true_then(story: tuple[memkit.MemoryBank, list[Fact]]) -> None:
    bank, facts = story
    thoughts = bank.list(kinds=["thought"], states=["active", "superseded"], limit=1000)
    right = asked = 0
    for days in range(30, 730, 7):
        moment = START + timedelta(days=days)
        for fact in facts:
            value = fact.at(moment)
            soon = any(moment < at <= moment + timedelta(days=14) for at, _ in fact.told)  # "last week" reaches back
            if value is not None and not soon:
                asked += 1
                right += [tail.removeprefix("the ") for tail in held(thoughts, fact, moment)] == [value]
    assert asked > 1000
    assert right >= 0.95 * asked


def test_history_tells_how_a_fact_came_to_be_what_it_is(story: tuple[memkit.MemoryBank, list[Fact]]) -> None:
    bank, facts = story
    closed = bank.list(kinds=["thought"], states=["superseded"], limit=1000)
    assert len(closed) >= 0.9 * sum(len(fact.told) - 1 for fact in facts)
    assert all(bank.history(old.id)[-1].event == "superseded" for old in closed[:50])


def test_valid_at_asks_for_what_was_true_then(story: tuple[memkit.MemoryBank, list[Fact]]) -> None:
    bank, facts = story
    home = facts[0]
    for (_, value), (until, _) in zip(home.told, home.told[1:], strict=False):
        hits = bank.recall(home.ask, valid_at=until - timedelta(days=15), kinds=["thought"], k=50, min_score=0)
        tails = [hit.memory.tail for hit in hits if hit.memory.relation == "lives in" and hit.memory.head == "Ana"]
        if home.at(until - timedelta(days=15)) == value:
            assert tails == [value]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_year_of_small_talk_adds_at_most_twenty_thoughts(path: Path, clock: FrozenClock, seed: int) -> None:
    talk = small_talk(2000, seed)
    turns = [memkit.Turn(text, "Ana", at=START + n * timedelta(hours=4)) for n, text in enumerate(talk)]
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        tell(store.bank("ana"), clock, turns, together=200)
        assert len(store.bank("ana").list(kinds=["thought"])) <= 20


def test_recalled_text_that_comes_back_a_thousand_times_adds_no_thought_and_no_vector(
    bank: memkit.MemoryBank, store: memkit.MemoryStore, clock: FrozenClock
) -> None:
    bank.observe(
        [memkit.Turn(t, "Ana") for t in ("I moved to Porto in May.", "My dog is called Pipo.", "I love rowing")]
    )
    bank.think()
    [before, *_] = store.stats()["banks"].values()
    vectors = store.stats()["bytes"]["vectors"]
    hits = bank.recall("Where does Ana live, what does she love, and what is her dog called?", min_score=0)
    recalled = [hit.memory for hit in hits] + [thought for hit in hits for thought in hit.thoughts]
    assert len(recalled) == 6
    for n in range(1000):
        clock.advance(timedelta(hours=1))
        memory = recalled[n % len(recalled)]
        bank.observe([memkit.Turn(memory.text, memory.speaker or "Ana")])
    bank.think()
    [after, *_] = store.stats()["banks"].values()
    assert after["kinds"]["thought"] == before["kinds"]["thought"] == 3
    assert after["kinds"]["turn"] == 1003
    assert store.stats()["bytes"]["vectors"] == vectors


def test_stats_say_how_many_turns_no_thoughts_can_form_from(bank: memkit.MemoryBank, store: memkit.MemoryStore) -> None:
    bank.observe([("Ana", "Je suis dans la maison avec lui"), ("Ana", "I am in the house with my dog"), ("Ana", "…")])
    figures = store.stats()["banks"]["acme/ana"]
    assert figures["languages"] == {"fr": 1, "en": 1}
    assert figures["without_rules"] == 1
