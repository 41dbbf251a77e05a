"""The contract that every storage passes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from memkit.errors import UndoError, UnknownMemoryError
from memkit.identifiers import uuid7
from memkit.models import CountedSegment, Exchange, IndexEntry, Kind, Memory, Placement, Receipt
from memkit.operations import (
    Cite,
    Claim,
    CloseExchange,
    Enqueue,
    Erase,
    Forget,
    Insert,
    Learn,
    Merge,
    Operation,
    Pin,
    Place,
    Postpone,
    Reindex,
    Reinforce,
    Reject,
    Remake,
    Restore,
    Revert,
    Settle,
    Skip,
    Supersede,
    Weigh,
)
from memkit.protocols import Storage

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)


def memory(text: str, *, id: str | None = None, kind: Kind = "turn", **fields: Any) -> Memory:
    """A memory for tests, recorded at a fixed moment."""
    values = {"occurred_at": NOW, "recorded_at": NOW, "speaker": "ana", **fields}
    return Memory(id=id or uuid7(NOW), kind=kind, text=text, **values)


def entry(number: int = 1, **fields: Any) -> IndexEntry:
    """A trace of a four-dimensional vector and a 64-bit sketch, for tests."""
    import numpy as np

    vector = np.zeros(4, dtype="<f2")
    vector[number % 4] = 1
    values = {"terms": {number: 2, -number: 1}, "sketch": bytes([number % 256] * 8), "group": number % 8, **fields}
    return IndexEntry(text_key=number, vector=vector.tobytes(), **values)


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
        receipt = self.put(storage, Insert(given, entry(), Placement(1, 2)))
        assert [o.action for o in receipt.outcomes] == ["added"]
        assert self.one(storage, "t1") == given

    def test_changes_are_counted_once_per_apply(self, storage: Storage) -> None:
        receipts = [self.put(storage, Insert(memory("a"), entry(1)), Insert(memory("b"), entry(2))) for _ in range(2)]
        assert [r.change for r in receipts] == [1, 2]
        assert storage.open_bank(("acme", "ana")).size == 4

    def test_an_id_given_again_is_a_repeat_or_a_conflict_and_never_an_overwrite(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("tea", id="t1"), entry()))
        again = self.put(storage, Insert(memory("tea", id="t1"), entry()), Insert(memory("coffee", id="t1"), entry()))
        assert [o.action for o in again.outcomes] == ["skipped", "rejected"]
        assert self.one(storage, "t1").text == "tea"

    def test_one_unknown_id_undoes_the_whole_apply(self, storage: Storage) -> None:
        try:
            self.put(storage, Insert(memory("a", id="t1"), entry()), Pin("nobody"))
        except UnknownMemoryError:
            assert self.all(storage) == []
        else:
            raise AssertionError("an unknown id was taken")

    def test_an_item_is_replaced_in_place(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("1", id="k", kind="item"), entry()))
        self.put(storage, Insert(memory("2", id="k", kind="item"), entry()))
        assert [m.text for m in self.all(storage)] == ["2"]

    def test_superseding_closes_the_old_and_points_at_the_new(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("lives in Lisbon", id="old", kind="thought"), entry()))
        new = memory("lives in Porto", id="new", kind="thought", valid_from=NOW)
        receipt = self.put(storage, Supersede("old", new, entry(2)))
        assert [(o.id, o.action) for o in receipt.outcomes] == [("new", "superseded")]
        old = self.one(storage, "old")
        assert (old.state, old.superseded_by, old.valid_until) == ("superseded", "new", NOW)

    def test_merging_unites_sources(self, storage: Storage) -> None:
        self.put(
            storage,
            Insert(memory("a turn", id="t1"), entry(1)),
            Insert(memory("another", id="t2"), entry(2)),
        )
        thoughts = [memory(f"thought {i}", id=f"h{i}", kind="thought", sources=(f"t{i}",)) for i in (1, 2)]
        self.put(storage, *(Insert(thought, entry(i)) for i, thought in enumerate(thoughts, start=3)))
        self.put(storage, Merge(("h1", "h2"), memory("both", id="m", kind="thought"), entry(5)))
        assert set(self.one(storage, "m").sources) == {"t1", "t2"}
        assert {self.one(storage, id).state for id in ("h1", "h2")} == {"merged"}

    def test_a_cited_thought_rests_on_more_and_one_by_hand_does_not(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in (1, 2)))
        told = memory("told", id="h1", kind="thought", sources=("t1",), author="thinker")
        self.put(storage, Insert(told, entry(3)), Insert(memory("typed", id="h2", kind="thought"), entry(4)))
        done = self.put(storage, Cite("h1", ("t2", "unknown")), Cite("h2", ("t2",)), Cite("unknown", ("t1",)))
        assert [outcome.action for outcome in done.outcomes] == ["skipped"] * 3
        assert [self.one(storage, id).sources for id in ("h1", "h2")] == [("t1", "t2"), ()]

    def test_forgetting_pinning_and_restoring_leave_their_history(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()))
        for operation in (Pin("t1"), Forget("t1", "why not"), Restore("t1"), Pin("t1", pinned=False)):
            self.put(storage, operation)
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            events = [(row.event, row.reason) for row in view.history("t1")]
        assert [event for event, _ in events][-4:] == ["pinned", "forgotten", "restored", "unpinned"]
        assert ("forgotten", "why not") in events

    def test_reinforcement_adds_up_and_leaves_no_history(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()))
        later = NOW + timedelta(days=1)
        self.put(storage, Reinforce("t1", later, 1.0), Reinforce("t1", NOW, 0.5), Reinforce("gone", NOW, 1.0))
        kept = self.one(storage, "t1")
        assert (kept.strength, kept.recalled_at, kept.recall_count) == (2.5, later, 2)
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert "reinforced" not in [row.event for row in view.history("t1")]

    def test_what_is_made_later_is_as_it_was_when_it_was_read(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("lives in Lisbon", id="t1"), entry(1)))
        self.put(storage, Insert(memory("lives in Lisbon", id="h1", kind="thought", sources=("t1",)), entry(2)))
        self.put(storage, Supersede("h1", memory("lives in Porto", id="h2", kind="thought"), entry(3)))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            then, later, none = view.memories([3, 1, 2]), view.later([3, 99, 1, 2]), view.later([])
        self.put(storage, Erase(("t1",)))
        assert (later(), none(), then[2].superseded_by) == (then, {}, "h2")

    def test_an_erased_memory_is_nowhere_and_its_echo_inherits(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("yes", id="t1"), entry(7)))
        echo = replace(entry(7), terms={}, vector=None, sketch=None, wanted=False)
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

    def test_what_an_erased_memory_closed_is_open_again(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("lives in Lisbon", id="a", kind="thought"), entry(1)))
        self.put(storage, Supersede("a", memory("lives in Porto", id="b", kind="thought", valid_from=NOW), entry(2)))
        self.put(storage, Pin("a"))
        self.put(storage, Erase(("b",)))
        kept = self.one(storage, "a")
        assert (kept.state, kept.superseded_by, kept.valid_until) == ("active", None, None)
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            story = view.history("a")
        assert [row.event for row in story] == ["added", "pinned"]
        assert story[-1].before is not None
        assert story[-1].before.state == "active"

    def test_a_chain_closes_over_an_erased_memory_as_if_it_had_never_been(self, storage: Storage) -> None:
        later = NOW + timedelta(days=3)
        self.put(storage, Insert(memory("lives in Lisbon", id="a", kind="thought"), entry(1)))
        self.put(storage, Supersede("a", memory("lives in Porto", id="b", kind="thought", valid_from=NOW), entry(2)))
        self.put(storage, Supersede("b", memory("lives in Faro", id="c", kind="thought", valid_from=later), entry(3)))
        self.put(storage, Erase(("b",)))
        kept = self.one(storage, "a")
        assert (kept.state, kept.superseded_by, kept.valid_until) == ("superseded", "c", later)
        self.put(storage, Erase(("c",)))
        kept = self.one(storage, "a")
        assert (kept.state, kept.superseded_by, kept.valid_until) == ("active", None, None)

    def test_a_thinkers_reason_goes_with_what_it_tells_of(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("I sold my zither", id="t1"), entry(1)))
        for number, reason in enumerate(("the zither was sold", "said twice"), start=2):
            self.put(storage, Insert(memory("a thought", id=f"h{number}", kind="thought"), entry(number)))
            self.put(storage, Forget(f"h{number}", reason, author="thinker"))
        self.put(storage, Erase(("t1",)))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            told = [view.history(id)[-1] for id in ("h2", "h3")]
        assert [(row.event, row.reason) for row in told] == [
            ("forgotten", None),
            ("forgotten", "said twice"),
        ]

    def test_receipts_are_numbered_chained_and_sound(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 6)))
        self.put(storage, Erase(("t1", "t2"), chosen=1, requested_by="ana", fingerprints=(b"0123456789abcdef",)))
        self.put(storage, Erase(("t3",)))
        storage.drop_bank(storage.open_bank(("acme", "ana")).number, at=NOW)
        first, second, third = storage.receipts()
        assert [r.number for r in storage.receipts(after=1)] == [2, 3]
        assert (first.chosen, first.counts, first.requested_by) == (1, {"turn": 2}, "ana")
        assert first.derived == first.erased[1:]
        assert ("", first.hash, second.hash) == (first.previous, second.previous, third.previous)
        assert (third.whole, third.counts) == (True, {"turn": 2})
        assert storage.fingerprinted([b"0123456789abcdef", b"another one of 16"]) == {b"0123456789abcdef"}
        assert storage.audit() in ([], ["erased bytes may still lie in the files: an erasure was interrupted."])

    def test_a_memory_that_is_made_again_keeps_its_id_and_place_and_nothing_of_its_text(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("one", id="t1"), entry(1)), Insert(memory("two", id="t2"), entry(2)))
        summary = memory("one and two", id="s", kind="summary", sources=("t1", "t2"))
        self.put(storage, Insert(summary, entry(3)), Pin("s"))
        again = memory("two", id="s", kind="summary", sources=("t2",))
        self.put(storage, Erase(("t1",), remade=("s",)), Remake(again, entry(4)))
        kept = self.one(storage, "s")
        assert (kept.text, kept.sources, kept.pinned) == ("two", ("t2",), True)
        assert len(storage.receipts()[0].remade) == 1
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert view.locate(["s"]) == {"s": 3}
            (terms,) = [batch.only(batch.seqs == 3) for batch in view.terms() if 3 in batch.seqs]
            assert dict(zip(terms.terms.tolist(), terms.counts.tolist(), strict=True)) == {4: 2, -4: 1}

    def test_turns_get_other_places_and_other_saliences(self, storage: Storage) -> None:
        turns = (Insert(memory(f"turn {i}", id=f"t{i}"), entry(i), Placement(1, 1 + i // 3)) for i in range(1, 5))
        self.put(storage, *turns)
        self.put(storage, Place("t3", Placement(1, 1)), Weigh("t3", 7.5, ("turn 3",)), Weigh("t4", 2.0, ()))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            rows = view.rows_of_sessions(view.sessions_of([1]))
        assert [(row.seq, row.episode, row.salience) for row in rows] == [
            (1, 1, None),
            (2, 1, None),
            (3, 1, 7.5),
            (4, 2, 2.0),
        ]
        assert self.one(storage, "t3").key_phrases == ("turn 3",)

    def test_states_of_an_earlier_moment_are_told(self, storage: Storage) -> None:
        bank = storage.open_bank(("acme", "ana")).number
        self.put(storage, Insert(memory("a", id="t1"), entry(1)), Insert(memory("b", id="t2"), entry(2)))
        storage.apply(bank, [Forget("t1", "test")], at=NOW + timedelta(days=1))
        storage.apply(bank, [Restore("t1")], at=NOW + timedelta(days=2))
        with storage.view(bank) as view:
            states = [view.states_at(NOW + timedelta(days=n, hours=12)) for n in range(3)]
        assert [{seq: past.state for seq, past in found.items()} for found in states] == [
            {1: "active"},
            {1: "forgotten"},
            {},
        ]

    def test_what_was_erased_is_told_by_change_number(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 6)))
        change = self.put(storage, Erase(("t1", "t2"))).change
        self.put(storage, Erase(("t5",)))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert view.gone(0) == [[1, 2], [5]]
            assert view.gone(change) == [[5]]

    def test_indexes_see_only_what_changed_since(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1)))
        change = self.put(storage, Insert(memory("b", id="t2"), entry(2))).change
        self.put(storage, Pin("t1"))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert [row.seq for row in view.rows(change)] == [1]
            assert [seq for batch in view.sketches(change - 1) for seq in batch.seqs.tolist()] == [2]
            assert view.vectors([2, 1, 99]).shape == (3, 4)
            assert view.vectors([2])[0].tolist() == [0, 0, 1, 0]

    def test_a_missing_vector_is_listed_until_it_is_made(self, storage: Storage) -> None:
        bare = replace(entry(), vector=None, sketch=None)
        self.put(storage, Insert(memory("a", id="t1"), bare))
        number = storage.open_bank(("acme", "ana")).number
        with storage.view(number) as view:
            assert [m.id for m in view.unencoded(10)] == ["t1"]
        self.put(storage, Reindex("t1", entry()))
        with storage.view(number) as view:
            assert view.unencoded(10) == []

    def test_metadata_is_matched_by_equal_values(self, storage: Storage) -> None:
        for id, project in (("t1", "x"), ("t2", "y"), ("t3", "x")):
            self.put(storage, Insert(memory(id, id=id, metadata={"project": project, "n": 1}), entry()))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert sorted(view.matching({"project": "x"})) == [1, 3]
            assert sorted(view.matching({"project": ["x", "y"], "n": 1})) == [1, 2, 3]
            assert view.matching({"project": "z"}) == []

    def test_the_queue_keeps_an_exchange_until_it_is_settled(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1), Placement(1, 1)), Enqueue(1, ("t1",), False, NOW))
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

    def test_a_claim_keeps_an_exchange_and_one_that_never_ended_counts_as_an_attempt(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1), Placement(1, 1)), Enqueue(1, ("t1",), True, NOW))
        number, soon = storage.open_bank(("acme", "ana")).number, NOW + timedelta(minutes=2)

        def kept() -> Exchange:
            with storage.view(number) as view:
                [exchange] = view.exchanges(numbers=[1])
            return exchange

        self.put(storage, Claim(1, soon))
        assert kept().leased(NOW)
        assert not kept().leased(soon)
        assert kept().attempts == 0
        self.put(storage, Claim(1, soon + timedelta(minutes=2)))
        assert kept().attempts == 1
        self.put(storage, Claim(1, None))
        assert (kept().attempts, kept().due_at) == (1, None)
        self.put(storage, Postpone(1, "ThinkerError", soon))
        self.put(storage, Claim(1, soon))
        assert (kept().attempts, kept().error) == (2, None)

    def test_changes_are_reverted_unless_something_came_after_them(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("old", id="old", kind="thought"), entry()))
        new = memory("new", id="new", kind="thought", valid_from=NOW)
        receipt = self.put(storage, Supersede("old", new, entry(2)))
        changes = frozenset([receipt.change])
        assert [o.change for o in receipt.outcomes] == [receipt.change]
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            old, new_seq = (view.locate([id])[id] for id in ("old", "new"))
            assert view.replaced_by([new_seq]) == [old]
            assert [row.change for row in view.history("old")] == [0, receipt.change]
        self.put(storage, Revert("new", changes, added=True), Revert("old", changes))
        was = self.one(storage, "old")
        assert (was.state, was.valid_until, was.superseded_by) == ("active", None, None)
        assert self.one(storage, "new").state == "forgotten"
        try:
            self.put(storage, Revert("old", changes))
        except UndoError:
            assert self.one(storage, "old") == was
        else:
            raise AssertionError("a change was reverted twice")

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
        self.put(storage, Insert(memory("a turn", id="t1"), entry(1)))
        self.put(storage, Insert(memory("thought", id="h", kind="thought", sources=("t1",)), entry(2)))
        self.put(storage, Insert(memory("portrait", id="p", kind="portrait", sources=("h",)), entry(3)))
        with storage.view(storage.open_bank(("acme", "ana")).number) as view:
            assert sorted(view.derived_from([1])) == [2, 3]

    def test_banks_never_meet(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("mine", id="t1"), entry(1)))
        other = storage.open_bank(("acme", "bob"))
        with storage.view(other.number) as view:
            assert view.locate(["t1"]) == {}
            assert view.same_text([1]) == {}
            assert list(view.rows()) == []
        receipt = storage.drop_bank(storage.open_bank(("acme", "ana")).number, at=NOW)
        assert receipt is not None
        assert (receipt.bank, receipt.whole, receipt.counts) == (("acme", "ana"), True, {"turn": 1})
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
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 50)))
        self.put(storage, Erase(("t7", "t8")), Forget("t9", "test"))
        assert storage.purge()
        assert storage.audit() == []
        assert len(self.all(storage, "active", "forgotten")) == 47
        assert storage.sizes()["total"] > 0
