"""Sessions: their turns in order, and answers that come in the place of those before them."""

from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit import Turn
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, InvalidTurnError
from memkit.models import Role

FIRST = "In the fridge, wrapped in paper."
SECOND = "In a dry box under the stairs."


def said(text: str, *, id: str | None = None, session: str | None = "kitchen") -> Turn:
    return Turn(text, "user", role="user", id=id, session=session)


def answered(text: str, reply_to: str | None = None, *, role: Role = "assistant", session: str = "kitchen") -> Turn:
    return Turn(text, role, role=role, session=session, reply_to=reply_to)


def texts(bank: memkit.MemoryBank, session: str | None = "kitchen") -> list[str]:
    return [turn.text for turn in bank.session(session)]


@pytest.fixture
def asked(bank: memkit.MemoryBank) -> memkit.MemoryBank:
    bank.observe([said("How do I store figs?", id="u1"), answered(FIRST, "u1")])
    return bank


def test_an_answer_to_the_same_turn_takes_the_place_of_the_one_before(asked: memkit.MemoryBank) -> None:
    receipt = asked.observe([answered(SECOND, "u1")])
    assert [(o.action, o.reason) for o in receipt.outcomes] == [("superseded", "answered again")]
    assert texts(asked) == ["How do I store figs?", SECOND]
    assert FIRST not in [hit.memory.text for hit in asked.recall("figs in the fridge, wrapped in paper", min_score=0)]
    assert "fridge" not in str(asked.window(500, session="kitchen"))
    assert "…" not in str(asked.window(500, session="kitchen"))
    [old] = asked.list(states=("forgotten",))
    assert (old.text, old.superseded_by) == (FIRST, receipt.ids[0])
    assert [(entry.event, entry.reason) for entry in asked.history(old.id)][1:] == [("superseded", "answered again")]


def test_answered_a_third_time_only_the_last_answer_is_left(asked: memkit.MemoryBank) -> None:
    for text in (SECOND, "On a plate.", "In the shade."):
        asked.observe([answered(text, "u1")])
    assert texts(asked) == ["How do I store figs?", "In the shade."]
    assert len(asked.list(states=("forgotten",))) == 3


def test_answers_in_one_batch_follow_the_same_rule(bank: memkit.MemoryBank) -> None:
    receipt = bank.observe(
        [
            said("How do I store figs?", id="u1"),
            answered(FIRST, "u1"),
            answered(SECOND, "u1"),
            said("And pears?", id="u2"),
            answered("The same way.", "u2"),
        ]
    )
    assert [outcome.action for outcome in receipt.outcomes] == ["added", "added", "superseded", "added", "added"]
    assert texts(bank) == ["How do I store figs?", SECOND, "And pears?", "The same way."]


def test_the_answer_in_a_file_of_dicts_and_in_messages_names_its_question(asked: memkit.MemoryBank) -> None:
    from langchain_core.messages import AIMessage

    asked.observe([{"role": "assistant", "content": SECOND, "session": "kitchen", "reply_to": "u1"}])
    asked.observe([AIMessage("On a plate.", additional_kwargs={"memkit": {"session": "kitchen", "reply_to": "u1"}})])
    assert texts(asked) == ["How do I store figs?", "On a plate."]


def test_a_chain_of_tools_is_taken_back_as_a_whole(bank: memkit.MemoryBank) -> None:
    bank.observe([said("Will it rain?", id="u1"), answered("", "u1"), answered("yes, 8 mm", role="tool")])
    bank.observe([answered("It will rain.")])
    assert texts(bank) == ["Will it rain?", "", "yes, 8 mm", "It will rain."]
    bank.observe([answered("Take an umbrella.", "u1")])
    assert texts(bank) == ["Will it rain?", "Take an umbrella."]


UNTOUCHED: list[tuple[str, list[Turn]]] = [
    ("two answers in a row", [answered(SECOND)]),
    ("a stream of answers", [answered("Figs"), answered("keep"), answered("for days.")]),
    ("another question, answered the same way", [said("And dates?", id="u2"), answered(FIRST, "u2")]),
    ("the same question asked again", [said("How do I store figs?", id="u2"), answered(SECOND, "u2")]),
    ("an answer to an unknown turn", [answered(SECOND, "u9")]),
    ("an answer to an answer", [Turn("Paper?", "a", role="assistant", session="kitchen", reply_to="a1")]),
    ("an answer in another session", [answered(SECOND, "u1", session="cellar")]),
    ("a person's turn that names another", [Turn("I see.", "user", role="user", session="kitchen", reply_to="u1")]),
    ("a tool's result of its own", [answered("3 °C", role="tool"), answered(SECOND)]),
]


@pytest.mark.parametrize(("case", "turns"), UNTOUCHED, ids=[case for case, _ in UNTOUCHED])
def test_nothing_else_takes_an_answer_back(asked: memkit.MemoryBank, case: str, turns: list[Turn]) -> None:
    asked.observe(turns)
    assert texts(asked)[:2] == ["How do I store figs?", FIRST]
    assert asked.list(states=("forgotten", "superseded")) == []


def test_once_a_person_went_on_an_earlier_answer_stays(asked: memkit.MemoryBank) -> None:
    asked.observe([said("Thank you, and pears?", id="u2")])
    asked.observe([answered(SECOND, "u1")])
    assert texts(asked) == ["How do I store figs?", FIRST, "Thank you, and pears?", SECOND]


def test_the_same_answer_again_is_a_repeat(asked: memkit.MemoryBank) -> None:
    [outcome] = asked.observe([answered(FIRST, "u1")]).outcomes
    assert (outcome.action, outcome.reason) == ("skipped", "the same answer was given to it before")
    assert texts(asked) == ["How do I store figs?", FIRST]


def test_undoing_brings_the_answer_before_back(asked: memkit.MemoryBank) -> None:
    asked.undo(asked.observe([answered(SECOND, "u1")]))
    assert texts(asked) == ["How do I store figs?", FIRST]
    assert asked.recall("figs wrapped in paper", min_score=0)[0].memory.text in (FIRST, "How do I store figs?")


def test_an_answer_that_was_taken_back_is_not_thought_about(bank: memkit.MemoryBank) -> None:
    bank.observe([said("I live in Lisbon.", id="u1"), answered(FIRST, "u1"), answered(SECOND, "u1")])
    bank.think()
    assert [thought.text for thought in bank.list(kinds=["thought"])] == ["user lives in Lisbon."]


def test_a_session_is_read_in_order_whatever_lies_between(bank: memkit.MemoryBank) -> None:
    for number in range(6):
        bank.observe([said(f"cellar {number}", session="cellar"), said(f"attic {number}", session="attic")])
    assert texts(bank, "cellar") == [f"cellar {number}" for number in range(6)]
    assert [turn.text for turn in bank.session("attic").last(2)] == ["attic 4", "attic 5"]
    assert texts(bank, None) == texts(bank, "attic")
    assert (texts(bank, "roof"), bank.session()[0].session) == ([], "attic")


def test_a_session_is_read_without_what_was_forgotten_or_erased(bank: memkit.MemoryBank) -> None:
    ids = bank.observe([said(f"number {number}") for number in range(5)]).ids
    bank.forget(ids[1], reason="wrong")
    bank.erase(ids=[ids[2]])
    assert texts(bank) == ["number 0", "number 3", "number 4"]
    assert [turn.text for turn in bank.session("kitchen").last(2)] == ["number 3", "number 4"]


def test_a_long_session_is_read_whole_and_its_end_alone(bank: memkit.MemoryBank) -> None:
    bank.observe([said(f"number {number}") for number in range(1203)])
    assert texts(bank) == [f"number {number}" for number in range(1203)]
    assert [turn.text for turn in bank.session("kitchen").last(3)] == [f"number {n}" for n in (1200, 1201, 1202)]


async def test_a_session_is_read_beside_the_event_loop(bank: memkit.MemoryBank) -> None:
    bank.observe([said("hello")])
    assert [turn.text for turn in await bank.aio.session("kitchen").last()] == ["hello"]


def test_what_can_not_be_meant_is_an_error(bank: memkit.MemoryBank) -> None:
    with pytest.raises(InputError, match="last"):
        bank.session("kitchen").last(0)
    with pytest.raises(InvalidTurnError, match="reply_to"):
        Turn("hello", "assistant", reply_to="  ")


@pytest.mark.parametrize("location", ["memory", "file"])
def test_a_bank_with_answers_taken_back_is_sound_and_travels(location: str, tmp_path: Path) -> None:
    place: Any = ":memory:" if location == "memory" else tmp_path / "m.db"
    with memkit.open(place, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([said("How do I store figs?", id="u1"), answered(FIRST, "u1"), answered(SECOND, "u1")])
        assert store.doctor() == []
        assert texts(bank) == ["How do I store figs?", SECOND]
        bank.erase(ids=[bank.list()[-1].id])
        assert texts(bank) == ["How do I store figs?", FIRST]
        assert store.doctor() == []


def test_a_session_is_a_sequence_of_its_turns(bank: memkit.MemoryBank) -> None:
    kitchen = bank.session("kitchen")
    assert (len(kitchen), list(kitchen), kitchen.last(2)) == (0, [], [])
    for number in range(6):
        kitchen.append(said(f"number {number}", session="elsewhere"), ("user", f"word {number}"))
        bank.session("attic").append(("user", f"attic {number}"))
    own = [turn.text for turn in kitchen]
    assert own == [f"{kind} {number}" for number in range(6) for kind in ("number", "word")]
    parts = (slice(None), slice(2, 4), slice(-3, None), slice(-3, -1), slice(None, None, -2), slice(20, None))
    assert [[turn.text for turn in kitchen[part]] for part in parts] == [own[part] for part in parts]
    assert [kitchen[place].text for place in (0, 5, -1, -12)] == [own[place] for place in (0, 5, -1, -12)]
    assert (len(kitchen), kitchen[3] in kitchen, [t.text for t in reversed(kitchen)]) == (12, True, own[::-1])
    for place in (12, -13):
        with pytest.raises(IndexError):
            kitchen[place]


def test_what_is_popped_or_cleared_is_erased_and_other_sessions_stay(bank: memkit.MemoryBank) -> None:
    kitchen, attic = bank.session("kitchen"), bank.session("attic")
    kitchen.extend([said("I live in Lisbon."), said("The key is 4471.")])
    attic.append(said("boxes"))
    bank.think()
    assert kitchen.pop().text == "The key is 4471."
    assert [m.text for m in bank.list() if "4471" in m.text] == []
    assert (kitchen.clear(), list(kitchen), kitchen.clear()) == (1, [], 0)
    assert [m.text for m in bank.list()] == ["boxes"]
    with pytest.raises(IndexError):
        kitchen.pop()


def test_a_session_without_a_name_is_the_banks_last_and_takes_no_turns(bank: memkit.MemoryBank) -> None:
    bank.session("kitchen").append(said("hello"))
    assert [turn.text for turn in bank.session()] == ["hello"]
    with pytest.raises(InvalidTurnError, match="name"):
        bank.session().append(said("again"))


def test_of_what_was_popped_or_cleared_no_byte_is_left_after_maintenance(path: Path, store: memkit.MemoryStore) -> None:
    kitchen = store.bank("ana").session("kitchen")
    kitchen.extend([said(f"the locker code is 4471{n}-zebrafinch") for n in range(3)])
    kitchen.pop()
    assert [receipt.bytes_pending for receipt in store.receipts()] == [True]
    kitchen.clear()
    store.maintain(5)
    assert [receipt.bytes_pending for receipt in store.receipts()] == [False, False]
    assert [file.name for file in path.parent.iterdir() if b"zebrafinch" in file.read_bytes()] == []


async def test_a_session_is_written_beside_the_event_loop(bank: memkit.MemoryBank) -> None:
    kitchen = bank.aio.session("kitchen")
    await kitchen.append(said("one"))
    await kitchen.extend([said("two"), said("three")])
    assert [turn.text for turn in await kitchen.last(2)] == ["two", "three"]
    assert (await kitchen.count(), (await kitchen.pop()).text, await kitchen.clear()) == (3, "three", 2)
