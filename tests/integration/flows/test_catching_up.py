"""Catching up with what is handed in again and again: what is new is stored, what was erased stays away."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import EVERY_ENGINE, Engine

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, InvalidTurnError
from memkit.flows.observe import TURNS_PER_TRANSACTION
from memkit.testing import FrozenClock

SECRET = "My door code is 4711 since Monday."
TALK = (SECRET, "Noted.", "It rains in the garden today.", "Take an umbrella then.")


def said(*texts: str, ids: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Messages of a person and an assistant by turns."""
    roles = ("user", "assistant")
    turns: list[dict[str, Any]] = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    return [turn | {"id": id} for turn, id in zip(turns, ids, strict=True)] if ids else turns


def texts(bank: memkit.MemoryBank, session: str | None = "first") -> list[str]:
    return [turn.text for turn in bank.session(session)]


def erase(bank: memkit.MemoryBank, text: str) -> None:
    bank.erase(ids=[turn.id for turn in bank.session("first") if turn.text == text])


@pytest.mark.parametrize("ids", [(), ("m1", "m2", "m3", "m4")])
@pytest.mark.parametrize("erased", TALK)
def test_what_was_erased_does_not_come_back_with_its_history(
    bank: memkit.MemoryBank, erased: str, ids: Sequence[str]
) -> None:
    bank.session("first").catch_up(said(*TALK, ids=ids))
    erase(bank, erased)
    for _ in range(2):
        receipt = bank.session("first").catch_up(said(*TALK, ids=ids))
        assert {outcome.action for outcome in receipt.outcomes} == {"skipped"}
    assert texts(bank) == [text for text in TALK if text != erased]


@pytest.mark.parametrize("ids", [(), ("m1", "m2", "m3", "m4")])
def test_what_was_popped_or_cleared_does_not_come_back(bank: memkit.MemoryBank, ids: Sequence[str]) -> None:
    session = bank.session("first")
    session.catch_up(said(*TALK, ids=ids))
    session.pop()
    session.catch_up(said(*TALK, ids=ids))
    assert texts(bank) == list(TALK[:3])
    session.clear()
    session.catch_up(said(*TALK, "I have one.", ids=[*ids, "m5"] if ids else ()))
    assert texts(bank) == ["I have one."]


def test_a_new_conversation_in_a_session_that_was_cleared_is_stored(bank: memkit.MemoryBank) -> None:
    session = bank.session("first")
    session.catch_up(said(*TALK))
    session.clear()
    begun = said("Good evening.", "Hello again.", "I moved to Faro.")
    for end in (1, 2, 3):
        session.catch_up(begun[:end])
    assert texts(bank) == ["Good evening.", "Hello again.", "I moved to Faro."]


def test_what_was_erased_stays_away_in_the_next_process(path: Path) -> None:
    for opened in range(3):
        with memkit.open(path, encoder=HashingEncoder()) as store:
            bank = store.bank("ana")
            bank.session("first").catch_up(said(*TALK))
            if not opened:
                erase(bank, SECRET)
            assert texts(bank) == list(TALK[1:])


def test_nothing_of_an_erased_turn_is_left_in_the_files(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.session("first").catch_up(said(*TALK))
        erase(bank, SECRET)
        bank.session("first").catch_up(said(*TALK))
        assert not store.receipts()[-1].bytes_pending
    assert b"4711" not in path.read_bytes()


def test_a_turn_in_the_place_of_an_erased_one_is_told_and_left_out(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said("Hello there.", "Good morning to you."))
    erase(bank, "Good morning to you.")
    receipt = bank.session("first").catch_up(said("Hello there.", "Something that is quite different."))
    assert receipt.outcomes[1].reason == "stands where a turn was erased, and is not taken in"
    assert texts(bank) == ["Hello there."]


def test_with_a_key_another_turn_in_the_place_of_an_erased_one_is_known_to_be_new(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder(), erasure_key=b"k" * 16) as store:
        bank = store.bank("ana")
        bank.session("first").catch_up(said("Hello there.", "Good morning to you."))
        erase(bank, "Good morning to you.")
        bank.session("first").catch_up(said("Hello there.", "Good morning to you."))
        bank.session("first").catch_up(said("Hello there.", "Something that is quite different."))
        assert texts(bank) == ["Hello there.", "Something that is quite different."]


def test_a_person_may_speak_where_an_answer_was_erased(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said("Hello there.", "Good morning."))
    bank.session("first").pop()
    bank.session("first").catch_up([("user", "Hello there."), {"role": "user", "content": "Anybody home?"}])
    assert texts(bank) == ["Hello there.", "Anybody home?"]


def test_the_end_of_a_conversation_is_enough_to_know_where_it_goes_on(bank: memkit.MemoryBank) -> None:
    talk = said("one", "two", "three", "four", "five", "six")
    bank.session("first").catch_up(talk[:4])
    bank.session("first").catch_up(talk[2:])
    assert texts(bank) == ["one", "two", "three", "four", "five", "six"]


def test_what_leaves_the_conversation_is_not_looked_for_any_more(bank: memkit.MemoryBank) -> None:
    for _ in range(3):
        bank.session("first").catch_up(said("Go on.", "Done."), leaving=2)
    assert texts(bank) == ["Go on.", "Done."] * 3


def test_another_answer_takes_the_place_of_the_one_before(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said("Hello.", "Hi.", "What can I eat?", "Nuts."))
    bank.session("first").catch_up(said("Hello.", "Hi.", "What can I eat?", "Rice."))
    bank.session("first").catch_up(said("Hello.", "Hi.", "What can I eat?", "Rice."))
    assert texts(bank) == ["Hello.", "Hi.", "What can I eat?", "Rice."]


def test_a_conversation_that_went_another_way_is_known_as_far_as_it_goes(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said("Hello.", "Hi.", "What can I eat?"))
    bank.session("first").catch_up(said("Hello.", "Hi.", "Where is Bo?", "In Rome."))
    assert texts(bank) == ["Hello.", "Hi.", "What can I eat?", "Where is Bo?", "In Rome."]


def test_a_conversation_that_begins_anew_is_stored_anew(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said("Hi.", "Hello!", "I like rain."))
    bank.session("first").catch_up(said("Hi."))
    bank.session("first").catch_up(said("Hi.", "Hello!", "I like snow."))
    assert texts(bank) == ["Hi.", "Hello!", "I like rain.", "Hi.", "Hello!", "I like snow."]


def test_turns_that_came_in_another_way_are_known(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    session = bank.session("first")
    session.extend(said("Hello.", "Hi."))
    session.catch_up(said("Hello.", "Hi.", "I like rain."))
    clock.advance(timedelta(minutes=1))
    session.append({"role": "assistant", "content": "So do I."})
    session.catch_up(said("Hello.", "Hi.", "I like rain.", "So do I.", "Good."))
    assert texts(bank) == ["Hello.", "Hi.", "I like rain.", "So do I.", "Good."]


def test_a_turn_that_was_put_beside_a_conversation_does_not_hide_it(
    bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    session = bank.session("first")
    session.catch_up(said("Hello."))
    clock.advance(timedelta(minutes=1))
    session.append(("user", "A note of somebody else."))
    session.catch_up(said("Hello.", "Hi."))
    session.catch_up(said("Hello.", "Hi.", "I like rain."))
    assert texts(bank) == ["Hello.", "A note of somebody else.", "Hi.", "I like rain."]


def test_a_message_that_cant_be_stored_is_told_once_and_the_rest_is_stored(bank: memkit.MemoryBank) -> None:
    first = bank.session("first").catch_up(said("bad\0", "Noted."))
    again = bank.session("first").catch_up(said("bad\0", "Noted.", "I like rain."))
    assert [outcome.action for outcome in first.outcomes] == ["rejected", "added"]
    assert [outcome.action for outcome in again.outcomes] == ["skipped", "skipped", "added"]
    assert texts(bank) == ["Noted.", "I like rain."]


def test_other_words_under_an_id_are_told_and_change_nothing(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said("Hello.", "Hi.", ids=("m1", "m2")))
    receipt = bank.session("first").catch_up(said("Hello.", "Good day.", ids=("m1", "m2")))
    assert (receipt.outcomes[1].action, receipt.outcomes[1].error) == ("rejected", "ConflictError")
    assert texts(bank) == ["Hello.", "Hi."]


def test_a_turn_with_the_id_of_an_erased_one_can_be_appended(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said("Hello.", ids=("m1",)))
    bank.session("first").pop()
    bank.session("first").append({"role": "user", "content": "Hello after all.", "id": "m1"})
    assert texts(bank) == ["Hello after all."]


def test_a_session_that_is_caught_up_with_by_many_at_once_holds_each_turn_once(path: Path) -> None:
    talk = said(*(f"line {number}" for number in range(30)))
    with memkit.open(path, encoder=HashingEncoder()) as store, ThreadPoolExecutor(4) as threads:
        session = store.bank("ana").session("first")
        list(threads.map(lambda end: session.catch_up(talk[:end]), sorted(range(2, 31, 2), key=lambda end: end % 5)))
        assert [turn.text for turn in session] == [turn["content"] for turn in talk]


def test_a_long_history_comes_in_over_several_transactions(bank: memkit.MemoryBank) -> None:
    talk = said(*(f"line {number}" for number in range(2 * TURNS_PER_TRANSACTION + 10)))
    receipt = bank.session("first").catch_up(talk)
    assert [outcome.action for outcome in receipt.outcomes] == ["added"] * len(talk)
    assert bank.session("first").catch_up(talk).count("skipped") == len(talk)
    assert len(bank.session("first")) == len(talk)


def test_nothing_is_written_where_nothing_is_new(bank: memkit.MemoryBank) -> None:
    bank.session("first").catch_up(said(*TALK))
    state = bank._context.state()
    bank.session("first").catch_up(said(*TALK))
    bank.session("first").catch_up([])
    assert bank._context.state() == state


def test_sessions_are_caught_up_with_apart(bank: memkit.MemoryBank) -> None:
    for session in ("first", "second"):
        bank.session(session).catch_up(said("Hello.", "Hi."))
    assert texts(bank, "first") == texts(bank, "second") == ["Hello.", "Hi."]


async def test_it_is_awaited_too(bank: memkit.MemoryBank) -> None:
    for _ in range(2):
        await bank.aio.session("first").catch_up(said("Hello.", "Hi."), leaving=0)
    assert texts(bank) == ["Hello.", "Hi."]


def test_it_needs_a_session_with_a_name_and_a_count(bank: memkit.MemoryBank) -> None:
    with pytest.raises(InvalidTurnError):
        bank.session().catch_up(said("Hello."))
    for leaving in (-1, True, 1.5):
        with pytest.raises(InputError):
            bank.session("first").catch_up(said("Hello."), leaving=leaving)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", EVERY_ENGINE)
def test_many_may_catch_up_at_once_on_every_engine_and_what_was_erased_stays_away(engine: Engine) -> None:
    talk = said(*(f"line {number} of the talk in the garden" for number in range(12)))
    with engine.database() as location, memkit.open(location, encoder=HashingEncoder()) as store:
        session = store.bank("ana").session("first")
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda end: session.catch_up(talk[:end]), [4, 12, 8, 12, 6, 12]))
        store.bank("ana").erase(ids=[session[3].id, session[11].id])
        session.catch_up(talk)
        session.catch_up([{**turn, "id": f"m{place}"} for place, turn in enumerate(said("Good night.", "Sleep well."))])
        session.pop()
        session.catch_up([{**turn, "id": f"m{place}"} for place, turn in enumerate(said("Good night.", "Sleep well."))])
        kept = [turn["content"] for place, turn in enumerate(talk) if place not in (3, 11)]
        assert [turn.text for turn in session] == [*kept, "Good night."]
