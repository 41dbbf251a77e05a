"""Asking about an earlier moment: what was known then (`as_of`), and what was true then (`valid_at`)."""

import random
from datetime import timedelta

import memkit
from memkit.models import Memory
from memkit.testing import FrozenClock

ONE_DAY = timedelta(days=1)
CITY_NAMES = [
    f"{start}{end}" for start in ("Ber", "Lan", "Mor", "Tel", "Vas") for end in ("ville", "ford", "stad", "burgo")
]


def texts(bank: memkit.MemoryBank, query: str, **options: object) -> list[str]:
    return [hit.memory.text for hit in bank.recall(query, min_score=0, reinforce=False, **options)]  # type: ignore[arg-type]


def test_what_was_forgotten_later_is_known_at_an_earlier_moment_and_what_came_later_is_not(
    bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    [id] = bank.observe([("ana", "The spare key lies under the flowerpot")]).ids
    before = clock.now
    clock.advance(ONE_DAY)
    bank.forget(id, reason="it moved")
    bank.observe([("ana", "The spare key hangs in the shed")])
    assert texts(bank, "spare key") == ["The spare key hangs in the shed"]
    assert texts(bank, "spare key", as_of=before) == ["The spare key lies under the flowerpot"]
    assert texts(bank, "spare key", as_of=before - ONE_DAY) == []
    [hit] = bank.recall("spare key", min_score=0, as_of=before)
    assert hit.memory.state == "active"


def test_what_was_restored_later_is_not_known_in_between(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    [id] = bank.observe([("ana", "The spare key lies under the flowerpot")]).ids
    clock.advance(ONE_DAY)
    bank.forget(id, reason="it moved")
    between = clock.now
    clock.advance(ONE_DAY)
    bank.restore(id)
    assert texts(bank, "spare key", as_of=between) == []
    assert len(texts(bank, "spare key", as_of=clock.now)) == 1


def test_what_faded_later_is_known_at_an_earlier_moment(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe([("ana", "I had soup for lunch")])
    before = clock.now
    clock.advance(1000 * ONE_DAY)
    bank.decay()
    assert texts(bank, "soup for lunch") == []
    assert texts(bank, "soup for lunch", as_of=before) == ["I had soup for lunch"]


def test_what_was_superseded_later_is_the_answer_at_an_earlier_moment(
    bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    [old] = bank.insert("Ana lives in Lisbon").ids
    before = clock.now
    clock.advance(ONE_DAY)
    bank.supersede(old, "Ana lives in Porto")
    assert texts(bank, "Where does Ana live?") == ["Ana lives in Porto", "Ana lives in Lisbon"]
    [hit] = bank.recall("Where does Ana live?", min_score=0, as_of=before)
    assert (hit.memory.text, hit.memory.state, hit.memory.valid_until) == ("Ana lives in Lisbon", "active", None)


def test_the_portrait_is_that_of_the_moment(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe([("Ana", "I moved to Lisbon.")])
    bank.think()
    bank.reflect()
    before = clock.now
    clock.advance(ONE_DAY)
    bank.observe([("Ana", "I moved to Porto.")])
    bank.think()
    bank.reflect()
    then = bank.recall("Where does Ana live?", min_score=0, as_of=before).portrait
    now = bank.recall("Where does Ana live?", min_score=0).portrait
    assert then is not None
    assert now is not None
    assert "Lisbon" in then.text
    assert "Porto" in now.text


def chain(bank: memkit.MemoryBank, clock: FrozenClock, length: int) -> list[str]:
    """A value that changes every day."""
    names = [f"{CITY_NAMES[i % len(CITY_NAMES)]} {i}" for i in range(length)]
    [last] = bank.insert(Memory(id="first", kind="thought", text=f"Ana lives in {names[0]}", speaker="Ana",
                                occurred_at=clock.now, recorded_at=clock.now, head="Ana", relation="lives in",
                                tail=names[0], valid_from=clock.now)).ids  # fmt: skip
    for name in names[1:]:
        clock.advance(ONE_DAY)
        [last] = bank.supersede(last, f"Ana lives in {name}").ids
    return names


def test_a_chain_of_two_hundred_updates_gives_the_value_of_each_moment(
    bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    bank.observe([("Bo", f"Bo saw film number {i} and liked it") for i in range(50)])
    start = clock.now
    names = chain(bank, clock, 200)
    right = 0
    for day in range(200):
        moment = start + day * ONE_DAY + timedelta(hours=random.Random(day).randrange(1, 23))
        answers = texts(bank, "Where does Ana live?", valid_at=moment, k=1)
        right += answers == [f"Ana lives in {names[day]}"]
    assert right >= 190
    assert texts(bank, "Where does Ana live?", k=1) == [f"Ana lives in {names[-1]}"]


def test_what_a_person_said_two_hundred_times_anew_gives_the_value_of_each_moment(
    bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    start, names = clock.now, [f"{CITY_NAMES[i % len(CITY_NAMES)]}{'abcdefghij'[i // 20]}" for i in range(200)]
    for name in names:
        bank.observe([("Ana", f"I moved to {name.title()}.")])
        clock.advance(ONE_DAY)
    bank.think()
    right = 0
    for day in range(0, 200, 4):
        moment = start + day * ONE_DAY + timedelta(hours=12)
        answers = texts(bank, "Where does Ana live?", valid_at=moment, k=1)
        right += answers == [f"I moved to {names[day].title()}."]
    assert right >= 48
