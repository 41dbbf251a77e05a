"""A person who had no name yet gets one, and stays one person."""

import pytest

import memkit
from memkit import Turn
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import MemkitError
from memkit.models import Memory


def user(text: str, speaker: str = "user") -> Turn:
    return Turn(text, speaker, role="user")


def heads(bank: memkit.MemoryBank) -> set[str]:
    return {str(thought.head) for thought in bank.list(kinds=["thought"])}


def test_turns_and_thoughts_go_on_under_the_new_name(bank: memkit.MemoryBank) -> None:
    bank.observe([user("I live in Lisbon. My sister is called Rita."), Turn("Noted.", "assistant", role="assistant")])
    bank.think()
    receipt = bank.rename_speaker("user", "Ana")
    assert {(outcome.action, outcome.reason) for outcome in receipt.outcomes} == {
        ("indexed", "its speaker has another name")
    }
    assert [(m.speaker, m.text) for m in bank.list()] == [
        ("Ana", "I live in Lisbon. My sister is called Rita."),
        ("assistant", "Noted."),
        ("Ana", "Ana lives in Lisbon."),
        ("Ana", "Ana's sister is called Rita."),
    ]
    assert heads(bank) == {"Ana", "Ana's sister"}


def test_what_is_said_under_the_name_replaces_what_was_said_before_it_was_known(bank: memkit.MemoryBank) -> None:
    bank.observe([user("I live in Lisbon.")])
    bank.think()
    bank.rename_speaker("user", "Ana")
    bank.observe([user("I live in Porto.", "Ana")])
    bank.think()
    assert [thought.text for thought in bank.list(kinds=["thought"])] == ["Ana lives in Porto."]


def test_questions_filters_and_erasures_by_name_reach_both(bank: memkit.MemoryBank) -> None:
    bank.observe([user("The key lies under the green flowerpot."), user("The lamp stands in the hall.")])
    bank.rename_speaker("user", "Ana")
    bank.observe([user("The boat lies in the harbour.", "Ana")])
    assert {hit.memory.speaker for hit in bank.recall("What did Ana say of the key?", min_score=0)} == {"Ana"}
    assert len(bank.recall("key lamp boat", speaker="Ana", min_score=0)) == 3
    assert bank.recall("key", speaker="user", min_score=0).ids == []
    bank.erase(bank.plan_erase(speaker="Ana"))
    assert bank.list() == []


def test_a_portrait_a_summary_and_the_mood_know_the_name(bank: memkit.MemoryBank) -> None:
    bank.observe([user("I live in Lisbon."), user("I can't eat nuts.")])
    bank.think()
    bank.reflect()
    bank.rename_speaker("user", "Ana")
    portrait = bank.portrait()
    assert portrait is not None
    written = [portrait.text, *(summary.text for summary in bank.list(kinds=["summary"]))]
    assert not any("user" in text for text in written)
    assert {mood.speaker for mood in bank.mood()} == {"Ana"}
    assert bank.reflect().count("superseded") == 0


def test_echoes_small_talk_and_what_was_forgotten_are_renamed_and_sound(store: memkit.MemoryStore) -> None:
    bank = store.bank("ana")
    bank.observe([user("The key lies under the flowerpot."), user("Ha!"), user("The key lies under the flowerpot.")])
    forgotten = bank.observe([user("The lamp is broken.")]).ids[0]
    bank.forget(forgotten, reason="mended")
    bank.rename_speaker("user", "Ana")
    turns = bank.list(states=("active", "forgotten"))
    assert {turn.speaker for turn in turns} == {"Ana"}
    assert [turn.echo_of is not None for turn in turns] == [False, False, True, False]
    assert store.doctor() == []
    assert len(bank.recall("Where is the key?", min_score=0)) == len(
        bank.recall("Where is the key?", min_score=0, k=50)
    )


def test_words_that_only_look_like_the_name_stay(bank: memkit.MemoryBank) -> None:
    bank.observe([user("I write user manuals for username.example.")])
    thoughts = [
        Memory(id=f"h{n}", kind="thought", text=text, head="user", occurred_at=now, recorded_at=now)
        for n, text in enumerate(
            ["The user writes for a user group.", "username.example belongs to Rita.", "Rita helps: user is glad."]
        )
        for now in [bank.list()[0].recorded_at]
    ]
    bank.insert(thoughts)
    bank.rename_speaker("user", "Ana")
    assert [memory.text for memory in bank.list()] == [
        "I write user manuals for username.example.",
        "Ana writes for a user group.",
        "username.example belongs to Rita.",
        "Rita helps: Ana is glad.",
    ]


def test_a_large_bank_is_renamed_in_batches_and_stays_whole(store: memkit.MemoryStore) -> None:
    bank = store.bank("ana")
    bank.observe([user(f"Parcel {n} lies on shelf {n}.") for n in range(1203)])
    assert len(bank.rename_speaker("user", "Ana").outcomes) == 1203
    assert [bank.recall(f"parcel {n} on shelf {n}")[0].memory.text for n in (0, 600, 1202)] == [
        f"Parcel {n} lies on shelf {n}." for n in (0, 600, 1202)
    ]
    assert store.stats()["banks"]["ana"]["unencoded"] == 0
    assert store.doctor() == []


@pytest.mark.parametrize(("old", "new"), [("nobody", "Ana"), ("user", "User"), ("user", " user ")])
def test_nothing_happens_where_nobody_is_called_so_or_the_name_is_the_same(
    bank: memkit.MemoryBank, old: str, new: str
) -> None:
    bank.observe([user("I live in Lisbon.")])
    assert bank.rename_speaker(old, new).outcomes == ()
    assert bank.list()[0].speaker == "user"


def test_an_empty_bank_has_nobody_to_rename_and_a_name_must_be_one() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        assert store.bank("ana").rename_speaker("user", "Ana").outcomes == ()
        with pytest.raises(MemkitError, match="rename_speaker"):
            store.bank("ana").rename_speaker("user", " ")
