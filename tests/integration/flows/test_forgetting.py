"""Fading and erasing: two different promises, both kept."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, StalePlanError
from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.settings import DecaySettings
from memkit.testing import FrozenClock


def held(folder: Path, secret: str) -> list[str]:
    """Files of a folder that hold a text in one of its encodings."""
    forms = [secret.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")]
    return [f.name for f in folder.iterdir() if f.is_file() and any(form in f.read_bytes() for form in forms)]


def test_a_dry_run_of_decay_reports_and_changes_nothing(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe([("ana", "I had soup for lunch")])
    clock.advance(timedelta(days=1000))
    report = bank.decay(dry_run=True)
    assert len(report.rows) == 1
    assert bank.list()[0].state == "active"


def test_what_fades_leaves_recall_but_stays_in_history(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    [id] = bank.observe([("ana", "I had soup for lunch")]).ids
    clock.advance(timedelta(days=1000))
    bank.decay()
    assert len(bank.recall("soup for lunch", min_score=0)) == 0
    assert bank.history(id)[-1].event == "archived"
    bank.restore(id)
    assert len(bank.recall("soup for lunch", min_score=0)) == 1


def left_after(path: Path, days: list[int]) -> set[str]:
    """Ids of the turns that are left when the store was opened and faded on each of these days."""
    clock = FrozenClock(datetime(2025, 1, 1, tzinfo=UTC))
    settings = memkit.Settings(decay=DecaySettings(days=100, archive_after=0, salience_weight=0, sampled=True))
    with memkit.open(path, encoder=HashingEncoder(), clock=clock, settings=settings) as store:
        said = [memkit.Turn(f"Ticket {i} went to stall {i * 7}", "ana", id=f"t{i}") for i in range(300)]
        store.bank("ana").observe(said)
    for day in days:
        clock.now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)
        with memkit.open(path, clock=clock, settings=settings) as store:
            store.bank("ana").decay()
            left = {memory.id for memory in store.bank("ana").list(limit=1000)}
    return left


def test_sampled_decay_at_every_start_loses_no_more_than_at_one(tmp_path: Path) -> None:
    often = left_after(tmp_path / "often.db", [*range(0, 100, 9), 100, 100, 100])
    assert often == left_after(tmp_path / "once.db", [100])
    assert 85 <= len(often) <= 135  # of 300, the curve keeps 1/e


def test_what_is_pinned_never_fades(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    [id] = bank.observe([("ana", "I had soup for lunch")]).ids
    bank.pin(id)
    clock.advance(timedelta(days=10_000))
    assert bank.decay(dry_run=True).rows == ()


def test_being_placed_in_a_prompt_makes_a_memory_stronger(path: Path, clock: FrozenClock) -> None:
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        bank = store.bank("ana")
        [id] = bank.observe([("ana", "The key lies under the flowerpot")]).ids
        clock.advance(timedelta(days=3))
        bank.recall("Where is the key under the flowerpot?").prompt(max_tokens=200)
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        memory = store.bank("ana").get(id)
        assert memory is not None
        assert memory.strength > 1
        assert memory.recalled_at == clock()
        assert store.bank("ana").history(id)[-1].event != "reinforced"


def test_an_old_fact_that_answers_the_question_still_wins(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.observe([("ana", "My blood group is AB negative")])
    clock.advance(timedelta(days=365))
    bank.observe([("ana", f"Today I walked {n} miles along the river") for n in range(20)])
    assert bank.recall("What is my blood group?")[0].memory.text == "My blood group is AB negative"


def test_after_an_erasure_no_file_holds_the_text_and_nobody_finds_it(
    store: memkit.MemoryStore, bank: memkit.MemoryBank, path: Path
) -> None:
    secret = "The vault code is quetzal-9471-marimba"
    bank.observe([("ana", f"Small talk number {i} about gardens") for i in range(50)])
    bank.observe([("ana", secret), ("bob", "I will remember that")])
    assert held(path.parent, secret) != []
    plan = bank.plan_erase(about="vault code quetzal")
    assert [m for m in bank.list(limit=100) if m.id in plan.ids and m.text == secret]
    receipt = bank.erase(plan)
    assert not receipt.bytes_pending
    assert held(path.parent, secret) == []
    assert secret not in [h.memory.text for h in bank.recall("vault code quetzal", k=100, min_score=0)]
    assert store.doctor() == []


def test_what_was_derived_from_an_erased_turn_goes_with_it(bank: memkit.MemoryBank) -> None:
    [id] = bank.observe([memkit.Turn("I moved to Lisbon in May 2024.", "Ana", id="t1")]).ids
    bank.think()
    thoughts = bank.list(kinds=["thought"])
    assert thoughts
    assert all("t1" in t.sources for t in thoughts)
    bank.erase(ids=[id])
    assert bank.list(limit=100) == []


def test_a_plan_of_another_bank_erases_nothing(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    other = store.bank("acme", "ben")
    for each in (bank, other):
        each.observe([{"text": "I had soup.", "speaker": "ana", "id": "soup"}])
    with pytest.raises(InputError, match="another bank"):
        bank.erase(other.plan_erase(ids=["soup"]))
    assert bank.get("soup") is not None


def test_a_stale_plan_is_refused(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "The first thing")])
    plan = bank.plan_erase(speaker="ana")
    bank.observe([("ana", "The second thing")])
    with pytest.raises(StalePlanError):
        bank.erase(plan)
    assert len(bank.list()) == 2


def test_erasing_everything_needs_the_banks_own_name(
    store: memkit.MemoryStore, bank: memkit.MemoryBank, path: Path
) -> None:
    secret = "The vault code is quetzal-9471-marimba"
    bank.observe([("ana", secret)])
    store.bank("acme", "bob").observe([("bob", "Bob stays as he is")])
    with pytest.raises(InputError):
        bank.erase_all(confirm=("acme", "bob"))
    bank.erase_all(confirm=bank.name)
    assert held(path.parent, secret) == []
    assert store.banks() == [("acme", "bob")]
    bank.observe([("ana", "A new beginning")])
    assert len(bank.list()) == 1


def test_erasing_the_first_of_several_equal_turns_keeps_the_others_findable(bank: memkit.MemoryBank) -> None:
    first, *_ = bank.observe([("ana", "The bakery opens at seven")] * 3).ids
    bank.erase(ids=[first])
    assert [h.memory.text for h in bank.recall("When does the bakery open?")] == ["The bakery opens at seven"]
    assert len(bank.list()) == 2


def test_bytes_that_a_reader_kept_are_gone_after_maintenance(path: Path) -> None:
    secret = "The vault code is quetzal-9471-marimba"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        [id] = bank.observe([("ana", secret)]).ids
        reader = sqlite3.connect(path)
        reader.execute("begin")
        reader.execute("select count(*) from content").fetchone()
        receipt = bank.erase(ids=[id])
        assert receipt.bytes_pending
        reader.close()
        store.maintain(budget_s=1)
        assert held(path.parent, secret) == []


class Eraser:
    """A thinker during whose thinking a turn is erased."""

    name = "eraser"

    def __init__(self) -> None:
        self.bank: memkit.MemoryBank | None = None

    def think(self, task: Task) -> list[Proposal]:
        if self.bank is not None:
            bank, self.bank = self.bank, None
            bank.erase(ids=["secret"])
        texts = " and ".join(turn.text for turn in task.turns)
        return [Proposal("insert", text=f"It was said: {texts}", source_ids=tuple(t.id for t in task.turns))]


def test_a_thought_about_something_that_is_erased_meanwhile_is_not_kept(path: Path) -> None:
    thinker = Eraser()
    with memkit.open(path, encoder=HashingEncoder(), thinker=thinker) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("The vault code is quetzal-9471", "ana", id="secret"), ("ana", "I like tea")])
        thinker.bank = bank
        bank.think()
        assert bank.list(kinds=["thought"]) == []
        bank.think()
        assert [m.text for m in bank.list(kinds=["thought"])] == ["It was said: I like tea"]
        assert held(path.parent, "quetzal-9471") == []


def test_a_merged_thought_stays_where_its_other_sources_say_all_of_it(bank: memkit.MemoryBank) -> None:
    bank.observe([memkit.Turn(text, "Ana", id=f"t{i}") for i, text in enumerate(
        ["I live in Lisbon now", "As I told you, I live in Lisbon", "My street is called Rua Augusta"])])  # fmt: skip
    said = [
        Memory(id=f"h{i}", kind="thought", text=text, speaker="Ana", sources=(f"t{i}",),
               occurred_at=memory.occurred_at, recorded_at=memory.recorded_at)
        for i, text in enumerate(["Ana lives in Lisbon", "Ana's home is Lisbon", "Ana lives on Rua Augusta"])
        if (memory := bank.get(f"t{i}")) is not None
    ]  # fmt: skip
    bank.insert(said)
    [same] = bank.merge(["h0", "h1"], "Ana lives in Lisbon").ids
    plan = bank.plan_erase(ids=["t0"])
    assert plan.remade == (same,)
    assert set(plan.ids) == {"t0", "h0"}
    bank.erase(plan)
    kept = bank.get(same)
    assert kept is not None
    assert (kept.text, kept.sources) == ("Ana lives in Lisbon", ("t1",))
    bank.erase(ids=["t1"])
    assert bank.get(same) is None
    assert {m.id for m in bank.list(limit=10)} == {"t2", "h2"}


@pytest.mark.parametrize("together", [True, False])
def test_what_was_said_twice_is_known_from_the_other_time_when_one_is_erased(
    bank: memkit.MemoryBank, together: bool
) -> None:
    for id, text in (("t1", "I like dancing."), ("t2", "Really, I love dancing a lot.")):
        bank.observe([memkit.Turn(text, "Ana", id=id, session=None if together else id)])
        if not together:
            bank.think()
    bank.think()
    [thought] = bank.list(kinds=["thought"])
    assert thought.sources == ("t1", "t2")
    bank.erase(ids=["t1"])
    bank.think()
    assert [(m.tail, m.sources) for m in bank.list(kinds=["thought"])] == [("dancing", ("t2",))]
    bank.erase(ids=["t2"])
    bank.think()
    assert bank.list(states=("active", "superseded", "forgotten")) == []


def test_a_correction_by_hand_rests_on_nothing_that_says_the_same_later(bank: memkit.MemoryBank) -> None:
    bank.observe([memkit.Turn("I moved to Lisbon.", "Ana", id="t1")])
    bank.think()
    [thought] = bank.list(kinds=["thought"])
    bank.correct(thought.id, "Ana lives in Porto.")
    bank.observe([memkit.Turn("I live in Porto.", "Ana", id="t2")])
    bank.think()
    bank.erase(ids=["t2"])
    assert [m.text for m in bank.list(kinds=["thought"])] == ["Ana lives in Porto."]


def test_what_was_superseded_holds_again_when_what_replaced_it_is_erased(bank: memkit.MemoryBank) -> None:
    bank.observe([memkit.Turn("I moved to Lisbon.", "Ana", id="t1")])
    bank.think()
    bank.observe([memkit.Turn("I moved to Porto.", "Ana", id="t2")])
    bank.think()
    bank.reflect()
    [lives] = bank.beliefs()["Ana"]["lives in"]
    assert lives.tail == "Porto"
    receipt = bank.erase(ids=["t2"])
    [lives] = bank.beliefs()["Ana"]["lives in"]
    assert lives.tail == "Lisbon"
    assert bank.portrait() is None
    assert receipt.counts == {"portrait": 1, "summary": 1, "thought": 1, "turn": 1}
    bank.reflect()
    portrait = bank.portrait()
    assert portrait is not None
    assert "Lisbon" in portrait.text
    assert "Porto" not in portrait.text
