"""Recall brings along the turns around its hits, for the prompt."""

from datetime import timedelta

import memkit
from memkit.testing import FrozenClock

TALK_TURNS = [
    ("bob", "Hello, how was the weekend?"),
    ("ana", "Rainy, and we slept for most of it, with the cats on our feet and the radio on low."),
    ("bob", "Which allergy do you have?"),
    ("ana", "Peanuts, and they nearly sent me to hospital when I was a child of six or seven years, in Coimbra."),
    ("bob", "Dreadful."),
]
QUERY_TEXT = "peanuts hospital Coimbra"


def best(bank: memkit.MemoryBank, query: str = QUERY_TEXT, **options: object) -> memkit.Recollection:
    return bank.recall(query, k=1, min_score=0, **options)  # type: ignore[arg-type]


def test_a_prompt_shows_an_answer_with_its_question_by_default(bank: memkit.MemoryBank) -> None:
    bank.observe(TALK_TURNS)
    block = best(bank).prompt(1000)
    assert "Which allergy" in block
    assert "weekend" not in block
    assert "Dreadful" not in block


def test_around_stays_empty_unless_it_is_asked_for(bank: memkit.MemoryBank) -> None:
    bank.observe(TALK_TURNS)
    assert best(bank)[0].around == ()
    assert [memory.text for memory in best(bank, around=1)[0].around] == [TALK_TURNS[2][1], TALK_TURNS[4][1]]


def test_what_was_forgotten_or_erased_is_not_shown_as_a_neighbour(bank: memkit.MemoryBank) -> None:
    ids = bank.observe(TALK_TURNS).ids
    bank.forget([ids[2]], reason="test")
    assert "allergy" not in best(bank).prompt(1000)
    assert "allergy" not in best(bank, around=2).prompt(1000)
    bank.restore(ids[2])
    assert "allergy" in best(bank).prompt(1000)
    bank.erase(ids=[ids[2]])
    assert "allergy" not in best(bank).prompt(1000)


def test_a_neighbour_is_from_the_same_session(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe([("bob", "Where did I leave my umbrella?")])
    clock.advance(timedelta(days=3))
    bank.observe([("ana", "Peanuts!")])
    assert "umbrella" not in best(bank, "peanuts").prompt(1000)


def test_sessions_that_run_at_the_same_time_do_not_mix(bank: memkit.MemoryBank) -> None:
    said = [("s", "Which allergy do you have?"), ("z", "Is the shop open?"), ("s", "Peanuts!"), ("z", "Until ten.")]
    bank.observe([memkit.Turn(text, "ana", session=session) for session, text in said])
    block = best(bank, "peanuts").prompt(1000)
    assert "allergy" in block
    assert "shop" not in block


def test_thoughts_between_two_turns_do_not_part_them(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe(TALK_TURNS[:3])
    bank.insert(["Bob is fond of radios."])
    clock.advance(timedelta(minutes=1))
    bank.observe(TALK_TURNS[3:])
    assert "Which allergy" in best(bank).prompt(1000)


def test_neighbours_obey_the_filters_of_the_recall(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe([memkit.Turn("Which allergy do you have?", "bob", metadata={"room": "b"})])
    clock.advance(timedelta(minutes=1))
    bank.observe([memkit.Turn("Peanuts!", "ana", metadata={"room": "a"})])
    then = clock()
    clock.advance(timedelta(minutes=1))
    bank.observe([memkit.Turn("Dreadful.", "bob", metadata={"room": "a"})])
    assert "allergy" not in best(bank, "peanuts", where={"room": "a"}).prompt(1000)
    assert "allergy" not in best(bank, "peanuts", since=then).prompt(1000)
    assert "Dreadful" in best(bank, "peanuts").prompt(1000)
    assert "Dreadful" not in best(bank, "peanuts", as_of=then).prompt(1000)
    assert "Dreadful" not in best(bank, "peanuts", around=1, as_of=then).prompt(1000)


def test_only_the_hit_grows_stronger(store: memkit.MemoryStore, bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    ids = bank.observe(TALK_TURNS).ids
    clock.advance(timedelta(days=3))
    assert "Which allergy" in best(bank).prompt(1000)
    store.maintain(budget_s=1)
    question, answer = (bank.get(id) for id in ids[2:4])
    assert answer is not None
    assert question is not None
    assert answer.strength > 1
    assert question.strength == 1


def test_each_banks_hit_keeps_its_own_neighbours(store: memkit.MemoryStore) -> None:
    store.bank("acme", "ana").observe([("bob", "Which allergy do you have?"), ("ana", "Peanuts!")])
    store.bank("acme", "eva").observe([("bob", "What do you feed the birds?"), ("eva", "Peanuts.")])
    block = store.recall("peanuts", under=("acme",), k=2, min_score=0).prompt(1000)
    assert block.index("Which allergy") < block.index("Peanuts!")
    assert block.index("feed the birds") < block.index('Peanuts."')
