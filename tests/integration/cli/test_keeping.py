"""Rules of retention: how long a kind is kept, in which banks, and what becomes of it then."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import State
from memkit.settings import DecaySettings, KeepRule
from memkit.testing import FrozenClock

DAY = timedelta(days=1)
SECRET = "quetzal-9471-marimba"
FOREVER = KeepRule(kinds=("thought",), days=None)
TURNS = KeepRule(kinds=("turn",), days=90)
ERASED = KeepRule(kinds=("turn",), days=90, then="erase")
ALL: tuple[State, ...] = ("active", "superseded", "merged", "archived", "forgotten")


def opened(path: Path | str, clock: FrozenClock, *rules: KeepRule, **more: object) -> memkit.MemoryStore:
    settings = memkit.Settings.model_validate({"keep": rules, **more})
    return memkit.open(path, encoder=HashingEncoder(), clock=clock, settings=settings)


def told(bank: memkit.MemoryBank) -> None:
    """A turn that a thought rests on, and one that nothing rests on."""
    bank.observe([memkit.Turn("I moved to Lisbon.", "Ana", id="t1")])
    bank.observe([memkit.Turn(f"Well then, {SECRET} and so on, isn't it?", "Ana", id="t2")])
    bank.think()


@pytest.mark.parametrize("place", ["file", ":memory:"])
def test_turns_are_archived_after_ninety_days_and_thoughts_kept_for_ever(
    path: Path, clock: FrozenClock, place: str
) -> None:
    with opened(path if place == "file" else place, clock, TURNS, FOREVER) as store:
        bank = store.bank("ana")
        told(bank)
        clock.advance(89 * DAY)
        assert bank.decay().rows == ()
        clock.advance(DAY)
        assert {(row.id, row.rule) for row in bank.decay().rows} == {("t1", "turn=90"), ("t2", "turn=90")}
        assert bank.list(kinds=["turn"]) == []
        assert bank.history("t1")[-1].reason == "the rule turn=90"
        clock.advance(20_000 * DAY)
        assert bank.decay().rows == ()
        [hit] = bank.recall("Where does Ana live?", min_score=0)
        assert hit.memory.kind == "thought"
        assert hit.memory.sources == ("t1",)


def test_a_dry_run_says_by_which_rule_and_changes_nothing(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock, ERASED, decay=DecaySettings(days=10, archive_after=0)) as store:
        bank = store.bank("ana")
        told(bank)
        clock.advance(50 * DAY)
        assert {row.rule for row in bank.decay(dry_run=True).rows} == {None}
        clock.advance(50 * DAY)
        faded, pruned = bank.decay(dry_run=True), bank.prune(dry_run=True)
        assert {row.rule for row in faded.rows if row.kind == "turn"} == {"turn=90,erase"}
        assert pruned.rules == {"t1": "turn=90,erase", "t2": "turn=90,erase"}
        assert pruned.receipt is None
        assert pruned.plan is not None
        assert pruned.plan.counts == {"thought": 1, "turn": 2}
        assert {m.state for m in bank.list()} == {"active"}


def test_what_is_erased_after_its_span_is_nowhere_and_takes_along_what_no_rule_keeps(
    path: Path, clock: FrozenClock
) -> None:
    with opened(path, clock, ERASED) as store:
        bank = store.bank("ana")
        told(bank)
        clock.advance(90 * DAY)
        receipt = bank.prune().receipt
        assert receipt is not None
        assert (receipt.counts, receipt.requested_by) == ({"thought": 1, "turn": 2}, "rules of retention")
        assert not receipt.bytes_pending
        assert bank.list(states=ALL) == []
        assert store.doctor() == []
        assert bank.prune().receipt is None
    assert all(SECRET.encode() not in file.read_bytes() for file in path.parent.iterdir())


def test_what_a_thought_rests_on_that_a_rule_keeps_is_archived_instead_of_erased(
    path: Path, clock: FrozenClock
) -> None:
    with opened(path, clock, ERASED, FOREVER) as store:
        bank = store.bank("ana")
        told(bank)
        clock.advance(90 * DAY)
        report = bank.prune()
        assert (report.held, set(report.rules)) == (("t1",), {"t2"})
        assert [row.id for row in bank.decay().rows] == ["t1"]
        assert {m.id: m.state for m in bank.list(kinds=["turn"], states=ALL)} == {"t1": "archived"}
        assert len(bank.list(kinds=["thought"])) == 1


def test_each_bank_has_its_own_rule_where_there_is_one(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock, TURNS, KeepRule(under=("acme", "trial"), days=7, then="erase")) as store:
        banks = [store.bank("acme", "ana"), store.bank("acme", "trial", "bo")]
        for bank in banks:
            told(bank)
        clock.advance(7 * DAY)
        report = store.maintain(budget_s=60)
        assert report.erased >= 2
        assert [len(bank.list(kinds=["turn"], states=ALL)) for bank in banks] == [2, 0]
        clock.advance(83 * DAY)
        assert store.maintain(budget_s=60).archived == 2
        assert [r.bank for r in store.receipts()] == [("acme", "trial", "bo")]
        assert not any(r.bytes_pending for r in store.receipts())


def test_what_is_pinned_stays_and_so_does_what_it_rests_on(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock, KeepRule(days=30, then="erase")) as store:
        bank = store.bank("ana")
        told(bank)
        [thought] = bank.list(kinds=["thought"])
        bank.pin(thought.id)
        clock.advance(40 * DAY)
        report = bank.prune()
        assert (set(report.rules), report.held) == ({"t2"}, ("t1",))
        bank.decay()
        bank.pin(thought.id, pinned=False)
        bank.prune()
        assert bank.list(states=ALL) == []


@pytest.mark.parametrize("then", ["archive", "erase"])
def test_what_was_corrected_does_not_hold_again_because_the_correction_is_old(
    path: Path, clock: FrozenClock, then: str
) -> None:
    rule = KeepRule.model_validate({"kinds": ("thought",), "days": 30, "then": then})
    with opened(path, clock, rule, KeepRule(kinds=("turn",), days=60, then="erase")) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("My aunt is called Berta.", "Ana", id="t1")])
        bank.correct("t1", "Ana's aunt is called Clara.")
        clock.advance(50 * DAY)
        bank.prune()
        bank.decay()
        assert {m.text: m.state for m in bank.list(states=ALL)} == {
            "My aunt is called Berta.": "superseded",
            "Ana's aunt is called Clara.": "active",
        }
        clock.advance(10 * DAY)
        bank.prune()
        bank.decay()
        assert bank.list(states=("active", "superseded")) == []


def test_an_import_of_old_conversations_is_kept_from_when_it_was_stored(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock, ERASED) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("We met at the fair.", "Ana", at=clock.now - 400 * DAY)])
        assert bank.prune().receipt is None
        clock.advance(90 * DAY)
        assert bank.prune().receipt is not None


def test_rules_live_in_the_file_until_others_are_given(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock, TURNS) as store:
        told(store.bank("ana"))
    with memkit.open(path, clock=clock) as store:
        assert store.settings.keep == (TURNS,)
    with memkit.open(path, clock=clock, settings=memkit.Settings()) as store:
        assert store.settings.keep == (TURNS,)
        clock.advance(90 * DAY)
        assert len(store.bank("ana").decay(dry_run=True).rows) == 2
    with opened(path, clock) as store:
        assert store.settings.keep == ()
    with memkit.open(path, clock=clock, read_only=True) as store:
        assert store.bank("ana").decay(dry_run=True).rows == ()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"kinds": ["turn"], "days": 0}], "greater than or equal to 1"),
        ([{"kinds": ["turns"], "days": 9}], "'turn', 'thought'"),
        ([{"kinds": ["turn"]}], "days"),
        ([{"days": 9, "then": "drop"}], "'archive' or 'erase'"),
        ([{"days": 9}, {"days": 10}], "2 rules for all kinds; leave one"),
        ([{"kinds": ["turn"], "days": 9}, {"kinds": ["item", "turn"], "days": 8}], "2 rules for turn; leave one"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(rules: list[object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        memkit.Settings.model_validate({"keep": rules})


async def test_prune_is_awaitable(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock, ERASED) as store:
        told(store.bank("ana"))
        clock.advance(90 * DAY)
        assert (await store.bank("ana").aio.prune()).receipt is not None
