"""Undo: every change can be taken back, as long as nothing was built on it; the user's word stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, UndoError
from memkit.models import Memory, Receipt
from memkit.operations import Proposal
from memkit.testing import FrozenClock, ScriptedThinker

START = datetime(2025, 6, 2, 12, tzinfo=UTC)


def said(bank: memkit.MemoryBank, text: str, days: int = 0) -> Receipt:
    bank.observe([memkit.Turn(text, "Ana", at=START + timedelta(days=days))])
    return bank.think()


def standing(bank: memkit.MemoryBank) -> dict[str, tuple[str, object, object, bool]]:
    """What undo has to bring back: state, end, successor, pin of everything."""
    states = ("active", "superseded", "merged", "archived", "forgotten")
    memories = bank.list(limit=1000, states=states)  # type: ignore[arg-type]
    return {m.id: (m.state, m.valid_until, m.superseded_by, m.pinned) for m in memories}


def gone(before: dict[str, object], after: dict[str, tuple[str, object, object, bool]]) -> set[str]:
    """States of what wasn't there before."""
    return {state for id, (state, *_) in after.items() if id not in before}


@pytest.fixture(params=["file", ":memory:"])
def anas(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    place = tmp_path / "m.db" if request.param == "file" else ":memory:"
    with memkit.open(place, encoder=HashingEncoder(), clock=FrozenClock(START + timedelta(days=99))) as store:
        yield store.bank("ana")


def test_undoing_a_thought_brings_back_what_it_superseded_and_undoing_that_brings_it_again(
    anas: memkit.MemoryBank,
) -> None:
    said(anas, "I live in Lisbon.")
    before = standing(anas)
    receipt = said(anas, "I moved to Porto in May.", 40)
    moved = standing(anas)
    undone = anas.undo(receipt)
    after = standing(anas)
    assert {id: after[id] for id in before} == before
    assert gone(dict(before), {id: after[id] for id in after if anas.get(id).kind == "thought"}) == {"forgotten"}  # type: ignore[union-attr]
    assert [m.tail for m in anas.beliefs()["Ana"]["lives in"]] == ["Lisbon"]
    assert [entry.event for entry in anas.history(next(iter(before)))][-1] != "undone"
    anas.undo(undone)
    assert standing(anas) == moved


def test_merge_forget_pin_and_restore_are_taken_back(anas: memkit.MemoryBank) -> None:
    one, two = anas.insert(["Ana likes tea.", "Ana likes green tea."]).ids
    changes = [
        lambda: anas.merge([one, two], "Ana likes green tea most."),
        lambda: anas.forget(one, reason="test"),
        lambda: anas.pin(one),
        lambda: anas.supersede(two, "Ana likes coffee."),
        lambda: anas.correct(two, "Ana likes milk."),
    ]
    for change in changes:
        before = standing(anas)
        receipt = change()
        assert standing(anas) != before
        anas.undo(receipt)
        after = standing(anas)
        assert {id: after[id] for id in before} == before
        assert gone(dict(before), after) <= {"forgotten"}
    anas.forget(one, reason="test")
    before = standing(anas)
    anas.undo(anas.restore(one))
    assert standing(anas) == before
    assert anas.restore(one).count("restored") == 1


def test_undo_refuses_where_something_was_built_on_it_and_changes_nothing(anas: memkit.MemoryBank) -> None:
    said(anas, "I live in Lisbon.")
    first = said(anas, "I moved to Porto in May.", 40)
    second = said(anas, "I moved to Rome in July.", 90)
    before = standing(anas)
    with pytest.raises(UndoError, match="later operations"):
        anas.undo(first)
    assert standing(anas) == before
    anas.undo(second)
    with pytest.raises(UndoError):
        anas.undo(second)  # undone already
    assert [m.tail for m in anas.beliefs()["Ana"]["lives in"]] == ["Porto"]


def test_a_pin_on_what_was_superseded_keeps_undo_away(anas: memkit.MemoryBank) -> None:
    said(anas, "I live in Lisbon.")
    [old] = anas.list(kinds=["thought"])
    receipt = said(anas, "I moved to Porto in May.", 40)
    anas.pin(old.id)
    with pytest.raises(UndoError):
        anas.undo(receipt)


def test_one_receipt_of_several_exchanges_is_undone_as_a_whole(anas: memkit.MemoryBank) -> None:
    before = standing(anas)
    for day, text in enumerate(["I live in Lisbon.", "I moved to Porto.", "I moved to Rome."]):
        anas.observe([memkit.Turn(text, "Ana", at=START + timedelta(days=day))])
    receipt = anas.think()
    assert receipt.count("superseded") == 2
    anas.undo(receipt)
    assert anas.beliefs() == {}
    assert gone(dict(before), standing(anas)) == {"active", "forgotten"}  # the turns, the thoughts


def test_an_erasure_cannot_be_undone_nor_what_it_took_away(anas: memkit.MemoryBank) -> None:
    said(anas, "I live in Lisbon.")
    receipt = said(anas, "I moved to Porto in May.", 40)
    [old] = anas.list(kinds=["thought"], states=["superseded"])
    anas.erase(ids=[old.id])
    with pytest.raises(UndoError, match="erased"):
        anas.undo(receipt)
    erased = Receipt.model_validate({"bank": anas.name, "change": 1, "outcomes": [{"id": None, "action": "erased"}]})
    with pytest.raises(UndoError, match="erasure"):
        anas.undo(erased)


def test_what_was_done_before_something_erased_can_still_be_undone(anas: memkit.MemoryBank) -> None:
    [old] = anas.insert(["Ana lives in Lisbon."]).ids
    receipt = anas.pin(old)
    anas.erase(ids=[anas.supersede(old, "Ana lives in Porto.").outcomes[0].id])
    assert [entry.change for entry in anas.history(old)] == [0, receipt.change]
    assert anas.undo(receipt).count("unpinned") == 1


def test_a_receipt_of_another_bank_is_refused(anas: memkit.MemoryBank) -> None:
    receipt = said(anas, "I live in Lisbon.").model_copy(update={"bank": ("bob",)})
    with pytest.raises(InputError, match="another bank"):
        anas.undo(receipt)


def test_what_was_observed_can_be_undone_and_is_then_not_thought_about(anas: memkit.MemoryBank) -> None:
    receipt = anas.observe([memkit.Turn("I live in Lisbon.", "Ana", at=START)])
    anas.undo(receipt)
    anas.think()
    assert anas.list() == []


async def test_undo_is_awaitable(anas: memkit.MemoryBank) -> None:
    receipt = said(anas, "I live in Lisbon.")
    assert (await anas.aio.undo(receipt)).count("forgotten") == 1


LIVES = {"head": "Ana", "relation": "lives in", "speaker": "Ana"}


def corrected(script: list[Proposal]) -> list[Memory]:
    """Beliefs after the user corrected Lisbon to Porto, and a thinker then said something else."""
    first = [Proposal("insert", "Ana lives in Lisbon.", tail="Lisbon", **LIVES)]
    store = memkit.open(":memory:", encoder=HashingEncoder(), thinker=ScriptedThinker([first]))
    with store:
        bank = store.bank("ana")
        said(bank, "I live in Lisbon.")
        [thought] = bank.list(kinds=["thought"])
        bank.correct(thought.id, "Ana lives in Porto.")
        [correction] = bank.list(kinds=["thought"])
        target = {"TARGET": correction.id}
        proposals = [replace(p, ids=tuple(target.get(id, id) for id in p.ids)) for p in script]
        object.__setattr__(store._services, "thinker", ScriptedThinker([proposals]))
        bank.observe([memkit.Turn("Something new about Ana in Rome", "Ana", at=START + timedelta(days=9))])
        receipt = bank.think()
        assert {o.reason for o in receipt.outcomes} == {"a correction by the user stands"}
        return bank.list(kinds=["thought"])


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal("supersede", "Ana lives in Rome.", ids=("TARGET",), head="Ana", relation="lives in", tail="Rome"),
        Proposal("insert", "Ana lives in Rome.", head="Ana", relation="lives in", tail="Rome"),
        Proposal("insert", "Ana lives in Lisbon!", head="Ana", relation="is at home in", tail="Lisbon"),
        Proposal("forget", ids=("TARGET",), reason="joke"),
        Proposal("merge", "Ana lives somewhere.", ids=("TARGET", "TARGET")),
    ],
)
def test_no_extracted_thought_supersedes_contradicts_or_forgets_a_correction(proposal: Proposal) -> None:
    [kept] = corrected([proposal])
    assert (kept.text, kept.author) == ("Ana lives in Porto.", "user")
