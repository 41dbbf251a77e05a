"""What goes in through observe: kept, found at once, never dropped, never merged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ConflictError, InputError, InvalidTurnError, NaiveDatetimeError
from memkit.protocols import FloatArray
from memkit.testing import FrozenClock


def texts(bank: memkit.MemoryBank) -> list[str]:
    return [m.text for m in bank.list(kinds=["turn"], limit=1000)]


def test_what_was_observed_is_found_at_once(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "I moved to Lisbon in May. I can't eat nuts.")])
    assert bank.recall("Where did Ana move to?")[0].memory.text.startswith("I moved to Lisbon")


def test_turns_pairs_dicts_and_messages_are_all_taken(bank: memkit.MemoryBank) -> None:
    receipt = bank.observe(
        [
            memkit.Turn("First of all, hello there", "ana", at="2025-06-01T10:00:00+02:00"),
            ("bob", "The second thing is a pair"),
            {"role": "user", "content": "The third thing is a dict"},
            HumanMessage("The fourth thing is a message"),
            AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Porto"}, "id": "c1"}]),
            ToolMessage("It rains in Porto today", tool_call_id="c1"),
            AIMessage([{"type": "text", "text": "Take an umbrella with you"}]),
            SystemMessage("You are a helpful companion"),
        ]
    )
    assert receipt.count("added") == 8
    roles = [m.role for m in bank.list(limit=10)]
    assert roles == [None, None, "user", "user", "assistant", "tool", "assistant", "system"]


def test_a_turn_without_words_is_kept_as_what_it_is(bank: memkit.MemoryBank) -> None:
    bank.observe([AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Porto"}, "id": "c1"}])])
    [turn] = bank.list()
    assert turn.text == ""
    assert "weather" in str(turn.metadata)


def test_fifty_times_yes_are_fifty_occurrences_and_one_vector(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    for _ in range(50):
        bank.observe([("ana", "yes")])
    assert texts(bank) == ["yes"] * 50
    first, *others = bank.list(limit=50)
    assert first.echo_of is None
    assert {m.echo_of for m in others} == {first.id}


def test_the_same_id_with_the_same_content_is_skipped_and_with_other_content_a_conflict(
    bank: memkit.MemoryBank,
) -> None:
    turn = memkit.Turn("I like tea", "ana", id="t1")
    assert bank.observe([turn]).count("added") == 1
    assert bank.observe([turn]).count("skipped") == 1
    with pytest.raises(ConflictError):
        bank.observe([memkit.Turn("I like coffee", "ana", id="t1")])
    assert texts(bank) == ["I like tea"]
    assert bank.get("t1") is not None


def test_one_bad_turn_does_not_reject_its_batch(bank: memkit.MemoryBank) -> None:
    receipt = bank.observe(
        [
            ("ana", "The first good one"),
            {"role": "pirate", "content": "A bad one"},
            {"role": "user", "content": "Another bad one", "at": datetime(2025, 1, 1)},
            ("ana", "The second good one"),
        ]
    )
    assert [o.action for o in receipt.outcomes] == ["added", "rejected", "rejected", "added"]
    assert [o.error for o in receipt.outcomes][1:3] == ["InvalidTurnError", "NaiveDatetimeError"]
    assert texts(bank) == ["The first good one", "The second good one"]


def test_where_nothing_could_be_taken_the_first_error_is_raised(bank: memkit.MemoryBank) -> None:
    with pytest.raises(InvalidTurnError):
        bank.observe([{"role": "pirate", "content": "Arr"}])


def test_a_naive_datetime_is_an_error_that_says_how_to_mend_it() -> None:
    with pytest.raises(NaiveDatetimeError, match="tzinfo"):
        memkit.Turn("hello", "ana", at=datetime(2025, 1, 1))


@pytest.mark.parametrize("text", ["x" * 10_000_000, "a\0b", "a\ud800b", 7], ids=["10 MB", "NUL", "surrogate", "number"])
def test_a_text_that_cannot_be_stored_is_a_clear_error_and_stores_nothing(bank: memkit.MemoryBank, text: str) -> None:
    with pytest.raises(InputError) as caught:
        bank.observe([("ana", text)])
    assert len(str(caught.value)) < 300
    assert bank.list() == []


class Broken(HashingEncoder):
    """An encoder that fails until it is mended."""

    mended = False

    def encode(self, texts: list[str]) -> np.ndarray:
        if not self.mended:
            raise RuntimeError("out of memory")
        return super().encode(texts)


def test_a_failing_encoder_leaves_turns_findable_by_words_and_their_vectors_are_made_later() -> None:
    encoder = Broken()
    with memkit.open(":memory:", encoder=encoder) as store:
        bank = store.bank("ana")
        bank.observe([("ana", "The key lies under the green flowerpot"), ("ana", "Tomorrow it will rain")])
        assert bank.recall("green flowerpot")[0].memory.text.startswith("The key")
        assert store.stats()["banks"]["ana"]["unencoded"] == 2
        encoder.mended = True
        assert store.maintain(budget_s=5).encoded == 2
        assert store.stats()["banks"]["ana"]["unencoded"] == 0


def test_sessions_are_cut_by_gaps_and_by_the_callers_names(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    start = datetime(2025, 5, 1, 9, tzinfo=UTC)
    bank.observe([memkit.Turn(f"Morning number {i}", "ana", at=start + timedelta(minutes=i)) for i in range(3)])
    bank.observe([memkit.Turn("Evening comes", "ana", at=start + timedelta(hours=10))])
    bank.observe([memkit.Turn("Somewhere else", "ana", at=start + timedelta(hours=10), session="work")])
    assert bank.list()[-1].session == "work"
    assert len({m.session for m in bank.list()}) >= 2


def test_every_turn_has_a_salience_and_small_talk_has_less_of_it(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "haha yes ok")] + [("ana", f"ok yes good {i}") for i in range(5)])
    bank.observe([("ana", "My blood group is AB negative and my surgeon is called Dr. Okonkwo")])
    turns = bank.list()
    assert all(t.salience is not None for t in turns if t.echo_of is None)
    small, telling = turns[3].salience, turns[-1].salience
    assert small is not None
    assert telling is not None
    assert telling > small


def test_banks_never_see_each_other(store: memkit.MemoryStore) -> None:
    ana, bob = store.bank("acme", "ana"), store.bank("acme", "bob")
    ana.observe([("ana", "My secret garden lies behind the mill")])
    bob.observe([("bob", "I grow tomatoes on the balcony")])
    assert [h.memory.text for h in bob.recall("secret garden behind the mill", min_score=0)] == [
        "I grow tomatoes on the balcony"
    ]
    both = store.recall("secret garden behind the mill", under=("acme",))
    assert both[0].bank == ("acme", "ana")


@pytest.mark.parametrize("location", [":memory:", "store.db"])
def test_what_is_observed_while_its_bank_is_erased_lies_whole_in_the_new_one(location: str, tmp_path: Path) -> None:
    class Erasing(HashingEncoder):
        """Erases the bank in the midst of the second observe."""

        texts = 0

        def encode(self, texts: list[str]) -> FloatArray:
            self.texts += len(texts)
            if self.texts == 2:
                store.bank("ana").erase_all(confirm=("ana",))
            return super().encode(texts)

    with memkit.open(location if location == ":memory:" else tmp_path / location, encoder=Erasing()) as store:
        bank = store.bank("ana")
        bank.observe([("ana", "I like tea.")])
        first = bank.observe([("ana", "The vault is under the green oak.")]).outcomes[0].id
        bank.observe([("ana", "The vault is under the green oak.")])
        assert [memory.echo_of for memory in bank.list()] == [None, first]  # known by its words' hash
        assert store.doctor() == []


def test_what_is_inserted_while_its_bank_is_erased_lies_whole_in_the_new_one(tmp_path: Path) -> None:
    class Erasing(HashingEncoder):
        """Erases the bank in the midst of the second insert."""

        calls = 0

        def encode(self, texts: list[str]) -> FloatArray:
            self.calls += 1
            if self.calls == 2:
                store.bank("ana").erase_all(confirm=("ana",))
            return super().encode(texts)

    with memkit.open(tmp_path / "store.db", encoder=Erasing()) as store:
        bank = store.bank("ana")
        bank.insert("Ana likes tea.")
        assert bank.insert("The vault is under the green oak.").count("added") == 1
        assert [o.action for o in bank.insert("The vault is under the green oak!").outcomes] == ["skipped"]
        assert [hit.memory.text for hit in bank.recall("green oak vault")] == ["The vault is under the green oak."]
        assert store.doctor() == []
