"""Doubles for users' tests, and the contract that every storage passes. Nothing here needs a network."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from memkit.errors import UnknownMemoryError
from memkit.flows.identifiers import uuid7
from memkit.models import CountedSegment, Kind, Memory, Placement, Receipt, Trace
from memkit.operations import (
    CloseExchange,
    Enqueue,
    Erase,
    Forget,
    Insert,
    Learn,
    Merge,
    Operation,
    Pin,
    Postpone,
    Proposal,
    Reindex,
    Reinforce,
    Reject,
    Restore,
    Settle,
    Skip,
    Supersede,
)
from memkit.protocols import Storage, Task

__all__ = ["FrozenClock", "ScriptedThinker", "StorageContract"]


class FrozenClock:
    """A clock that stands still until it is moved: `memkit.open(..., clock=FrozenClock(moment))`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move on (or back)."""
        self.now += by


class ScriptedThinker:
    """Answers with given proposals, one list for each call; an exception in the script is raised."""

    name = "scripted"

    def __init__(self, script: Sequence[Sequence[Proposal] | Exception]) -> None:
        self._script = list(script)
        self.tasks: list[Task] = []

    def think(self, task: Task) -> list[Proposal]:
        """The next answer of the script; nothing after its end."""
        self.tasks.append(task)
        answer = self._script.pop(0) if self._script else []
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)


def memory(text: str, *, id: str | None = None, kind: Kind = "turn", **fields: Any) -> Memory:
    """A memory for tests, recorded at a fixed moment."""
    values = {"occurred_at": NOW, "recorded_at": NOW, "speaker": "ana", **fields}
    return Memory(id=id or uuid7(NOW), kind=kind, text=text, **values)


def trace(number: int = 1, **fields: Any) -> Trace:
    """A trace of a four-dimensional vector and a 64-bit sketch, for tests."""
    import numpy as np

    vector = np.zeros(4, dtype="<f2")
    vector[number % 4] = 1
    values = {"terms": {number: 2, -number: 1}, "sketch": bytes([number % 256] * 8), "group": number % 8, **fields}
    return Trace(text_key=number, vector=vector.tobytes(), **values)


class StorageContract:
    """What every storage must do. A subclass gives the fixture `storage`, an empty storage.

    class TestMine(StorageContract):
        @pytest.fixture
        def storage(self): ...
    """

    def put(self, storage: Storage, *operations: Operation) -> Receipt:
        bank = storage.open_bank(("acme", "ana"))
        return storage.apply(bank.number, list(operations), at=NOW)

    def all(self, storage: Storage, *states: str) -> list[Memory]:
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            return view.page(None, None, 1000, states or ("active",))

    def one(self, storage: Storage, id: str) -> Memory:
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            [seq] = view.locate([id]).values()
            return view.memories([seq])[seq]

    def test_a_bank_is_found_only_once_it_was_opened(self, storage: Storage) -> None:
        assert storage.find_bank(("acme", "ana")) is None
        made = storage.open_bank(("acme", "ana"), zone="Europe/Lisbon")
        assert storage.find_bank(("acme", "ana")) == made
        assert made.zone == "Europe/Lisbon"
        assert made.change == 0
        storage.open_bank(("acme", "bob"))
        storage.open_bank(("other",))
        assert [b.name for b in storage.banks(("acme",))] == [("acme", "ana"), ("acme", "bob")]

    def test_what_was_inserted_is_read_back_whole(self, storage: Storage) -> None:
        given = memory("I moved to Lisbon", id="t1", role="user", metadata={"a": [1, "b"]}, session="s", salience=2.5)
        receipt = self.put(storage, Insert(given, trace(), Placement(1, 2)))
        assert [o.action for o in receipt.outcomes] == ["added"]
        assert self.one(storage, "t1") == given

    def test_changes_are_counted_once_per_apply(self, storage: Storage) -> None:
        receipts = [self.put(storage, Insert(memory("a"), trace(1)), Insert(memory("b"), trace(2))) for _ in range(2)]
        assert [r.change for r in receipts] == [1, 2]
        assert storage.open_bank(("acme", "ana")).size == 4

    def test_an_id_given_again_is_a_repeat_or_a_conflict_and_never_an_overwrite(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("tea", id="t1"), trace()))
        again = self.put(storage, Insert(memory("tea", id="t1"), trace()), Insert(memory("coffee", id="t1"), trace()))
        assert [o.action for o in again.outcomes] == ["skipped", "rejected"]
        assert self.one(storage, "t1").text == "tea"

    def test_one_unknown_id_undoes_the_whole_apply(self, storage: Storage) -> None:
        try:
            self.put(storage, Insert(memory("a", id="t1"), trace()), Pin("nobody"))
        except UnknownMemoryError:
            assert self.all(storage) == []
        else:
            raise AssertionError("an unknown id was taken")

    def test_an_item_is_replaced_in_place(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("1", id="k", kind="item"), trace()))
        self.put(storage, Insert(memory("2", id="k", kind="item"), trace()))
        assert [m.text for m in self.all(storage)] == ["2"]

    def test_superseding_closes_the_old_and_points_at_the_new(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("lives in Lisbon", id="old", kind="thought"), trace()))
        new = memory("lives in Porto", id="new", kind="thought", valid_from=NOW)
        receipt = self.put(storage, Supersede("old", new, trace(2)))
        assert [(o.id, o.action) for o in receipt.outcomes] == [("new", "superseded")]
        old = self.one(storage, "old")
        assert (old.state, old.superseded_by, old.valid_until) == ("superseded", "new", NOW)

    def test_merging_unites_sources(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a turn", id="t1"), trace(1)), Insert(memory("another", id="t2"), trace(2)))
        thoughts = [memory(f"thought {i}", id=f"h{i}", kind="thought", sources=(f"t{i}",)) for i in (1, 2)]
        self.put(storage, *(Insert(thought, trace(i)) for i, thought in enumerate(thoughts, start=3)))
        self.put(storage, Merge(("h1", "h2"), memory("both", id="m", kind="thought"), trace(5)))
        assert set(self.one(storage, "m").sources) == {"t1", "t2"}
        assert {self.one(storage, id).state for id in ("h1", "h2")} == {"merged"}

    def test_forgetting_pinning_and_restoring_leave_their_history(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), trace()))
        for operation in (Pin("t1"), Forget("t1", "why not"), Restore("t1"), Pin("t1", pinned=False)):
            self.put(storage, operation)
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            events = [(entry.event, entry.reason) for entry in view.history("t1")]
        assert [event for event, _ in events][-4:] == ["pinned", "forgotten", "restored", "unpinned"]
        assert ("forgotten", "why not") in events

    def test_reinforcement_adds_up_and_leaves_no_history(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), trace()))
        later = NOW + timedelta(days=1)
        self.put(storage, Reinforce("t1", later, 1.0), Reinforce("t1", NOW, 0.5), Reinforce("gone", NOW, 1.0))
        kept = self.one(storage, "t1")
        assert (kept.strength, kept.recalled_at, kept.recall_count) == (2.5, later, 2)
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert "reinforced" not in [entry.event for entry in view.history("t1")]

    def test_an_erased_memory_is_nowhere_and_its_echo_inherits(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("yes", id="t1"), trace(7)))
        echo = replace(trace(7), terms={}, vector=None, sketch=None, wanted=False)
        self.put(storage, Insert(memory("yes", id="t2", echo_of="t1"), echo))
        epoch = storage.open_bank(("acme", "ana")).epoch
        self.put(storage, Erase(("t1",)))
        state = storage.open_bank(("acme", "ana"))
        with storage.view(state.number) as view:
            assert view.locate(["t1"]) == {}
            assert view.same_text([7]) == {7: "t2"}
            assert sum(len(batch.terms) for batch in view.terms()) > 0
        assert state.epoch > epoch
        assert self.one(storage, "t2").echo_of is None

    def test_indexes_see_only_what_changed_since(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), trace(1)))
        change = self.put(storage, Insert(memory("b", id="t2"), trace(2))).change
        self.put(storage, Pin("t1"))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert [row.seq for row in view.rows(change)] == [1]
            assert [seq for batch in view.codes(change - 1) for seq in batch.seqs.tolist()] == [2]
            assert view.vectors([2, 1, 99]).shape == (3, 4)
            assert view.vectors([2])[0].tolist() == [0, 0, 1, 0]

    def test_a_missing_vector_is_listed_until_it_is_made(self, storage: Storage) -> None:
        bare = replace(trace(), vector=None, sketch=None)
        self.put(storage, Insert(memory("a", id="t1"), bare))
        number = storage.open_bank(("acme", "ana")).number
        with storage.view(number) as view:
            assert [m.id for m in view.unencoded(10)] == ["t1"]
        self.put(storage, Reindex("t1", trace()))
        with storage.view(number) as view:
            assert view.unencoded(10) == []

    def test_metadata_is_matched_by_equal_values(self, storage: Storage) -> None:
        for id, project in (("t1", "x"), ("t2", "y"), ("t3", "x")):
            self.put(storage, Insert(memory(id, id=id, metadata={"project": project, "n": 1}), trace()))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert sorted(view.matching({"project": "x"})) == [1, 3]
            assert sorted(view.matching({"project": ["x", "y"], "n": 1})) == [1, 2, 3]
            assert view.matching({"project": "z"}) == []

    def test_the_queue_keeps_an_exchange_until_it_is_settled(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), trace(1), Placement(1, 1)), Enqueue(1, ("t1",), False, NOW))
        number = storage.open_bank(("acme", "ana")).number
        with storage.view(number) as view:
            [waiting] = view.exchanges()
        assert (waiting.turn_ids, waiting.closed, waiting.attempts) == (("t1",), False, 0)
        self.put(storage, Postpone(waiting.number, "ThinkerError", NOW + timedelta(hours=1)))
        self.put(storage, CloseExchange(waiting.number))
        with storage.view(number) as view:
            assert view.exchanges(due_at=NOW) == []
            [due] = view.exchanges(due_at=NOW + timedelta(hours=2))
        assert (due.closed, due.attempts, due.error) == (True, 1, "ThinkerError")
        receipt = self.put(storage, Settle(waiting.number), Skip(None, "nothing"), Reject(UnknownMemoryError("x")))
        assert [o.action for o in receipt.outcomes] == ["skipped", "rejected"]
        with storage.view(number) as view:
            assert view.exchanges() == []

    def test_segments_of_the_surprisal_model_are_kept_replaced_and_dropped(self, storage: Storage) -> None:
        number = storage.open_bank(("acme", "ana")).number
        first, second = CountedSegment(0, 1, 9, b"a"), CountedSegment(1, 10, 12, b"b")
        self.put(storage, Learn((first, second), oldest=0))
        with storage.view(number) as view:
            assert view.segments() == [first, second]
        self.put(storage, Learn((second._replace(last_seq=20, data=b"c"),), oldest=1))
        with storage.view(number) as view:
            assert view.segments() == [CountedSegment(1, 10, 20, b"c")]
        assert storage.sizes(number)["surprisal"] == 1

    def test_what_was_derived_is_found_through_others(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a turn", id="t1"), trace(1)))
        self.put(storage, Insert(memory("thought", id="h", kind="thought", sources=("t1",)), trace(2)))
        self.put(storage, Insert(memory("portrait", id="p", kind="portrait", sources=("h",)), trace(3)))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert sorted(view.derived_from([1])) == [2, 3]

    def test_banks_never_meet(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("mine", id="t1"), trace(1)))
        other = storage.open_bank(("acme", "bob"))
        with storage.view(other.number) as view:
            assert view.locate(["t1"]) == {}
            assert view.same_text([1]) == {}
            assert list(view.rows()) == []
        assert storage.drop_bank(storage.open_bank(("acme", "ana")).number) == 1
        assert storage.banks() == [other]

    def test_a_lease_is_held_by_one_until_it_runs_out(self, storage: Storage) -> None:
        bank = storage.open_bank(("acme", "ana")).number
        assert storage.lease(bank, "one", NOW, 60)
        assert storage.lease(bank, "one", NOW, 60)
        assert not storage.lease(bank, "two", NOW, 60)
        assert storage.lease(bank, "two", NOW + timedelta(seconds=61), 60)
        storage.release(bank, "two")
        assert storage.lease(bank, "one", NOW, 60)

    def test_a_storage_that_was_used_is_sound(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), trace(i)) for i in range(1, 50)))
        self.put(storage, Erase(("t7", "t8")), Forget("t9", "test"))
        assert storage.purge()
        assert storage.audit() == []
        assert len(self.all(storage, "active", "forgotten")) == 47
        assert storage.sizes()["total"] > 0
