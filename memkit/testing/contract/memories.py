"""Contract of storages: memories: storing, changing, undoing."""

from datetime import timedelta

from memkit.errors import InputError, InvalidTextError, NaiveDatetimeError, UndoError, UnknownMemoryError
from memkit.models import Outcome, Placement
from memkit.operations import (
    Cite,
    Erase,
    Forget,
    Insert,
    Merge,
    Pin,
    Precede,
    Reinforce,
    Rename,
    Restore,
    Revert,
    Rewrite,
    Step,
    Supersede,
)
from memkit.protocols import BankView, Storage
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused


class MemoryContract(ContractSteps):
    """Memories: storing, changing, undoing."""

    def test_an_inserted_memory_is_read_back_whole(self, storage: Storage) -> None:
        given = memory("I moved to Lisbon", id="t1", role="user", metadata={"a": [1, "b"]}, session="s", salience=2.5)
        assert self.actions(storage, Insert(given, entry(), Placement(1, 2))) == ["added"]
        assert self.stored(storage, "t1") == given

    def test_any_characters_come_back_as_they_came(self, storage: Storage) -> None:
        text = "\0 nul\x01\x7f\ufffe\U0010ffff \u200d\u202e \u0301 \r\n\t \\ ' \" % $1 :id {} \\000 🤖 ñ ñ"
        given = memory(text, id=f"id{text}", speaker=text, session=text, metadata={text: [text]}, head=text)
        self.put(storage, Insert(given, entry()), Forget(given.id, text))
        assert self.stored(storage, given.id) == given.model_copy(update={"state": "forgotten"})
        assert [line.reason for line in self.history(storage, given.id)] == [None, text]

    def test_changes_are_counted_once_per_apply(self, storage: Storage) -> None:
        receipts = [self.put(storage, Insert(memory("a"), entry(1)), Insert(memory("b"), entry(2))) for _ in range(2)]
        assert [r.change for r in receipts] == [1, 2]
        assert storage.open_bank(("acme", "ana")).size == 4

    def test_an_id_given_again_is_a_repeat_or_a_conflict_and_never_an_overwrite(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("tea", id="t1"), entry()))
        again = [Insert(memory(text, id="t1"), entry()) for text in ("tea", "coffee")]
        assert self.actions(storage, *again) == ["skipped", "rejected"]
        assert self.stored(storage, "t1").text == "tea"

    def test_one_unknown_id_undoes_the_whole_apply(self, storage: Storage) -> None:
        with refused(UnknownMemoryError):
            self.put(storage, Insert(memory("a", id="t1"), entry()), Pin("nobody"))
        assert self.all(storage) == []

    def test_superseding_closes_the_old_and_points_at_the_new(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("lives in Lisbon", id="old", kind="thought"), entry()))
        new = memory("lives in Porto", id="new", kind="thought", valid_from=AT_NOON)
        receipt = self.put(storage, Supersede("old", new, entry(2)))
        assert [(o.id, o.action) for o in receipt.outcomes] == [("new", "superseded")]
        assert self.validity(storage, "old") == ("superseded", "new", AT_NOON)

    def test_what_held_before_is_stored_closed_between_what_was_there(self, storage: Storage) -> None:
        since, later = AT_NOON - timedelta(days=9), AT_NOON + timedelta(days=9)
        self.put(storage, Insert(memory("lives in Lisbon", id="a", kind="thought", occurred_at=since), entry()))
        self.put(storage, Supersede("a", memory("lives in Faro", id="c", kind="thought", valid_from=later), entry(2)))
        middle = memory("lives in Porto", id="b", kind="thought", valid_from=AT_NOON)
        receipt = self.put(storage, Precede("c", middle, entry(3), after="a"))
        assert [(o.id, o.action) for o in receipt.outcomes] == [("b", "added")]
        assert self.validity(storage, "a") == ("superseded", "b", AT_NOON)
        assert self.validity(storage, "b") == ("superseded", "c", later)
        assert self.validity(storage, "c") == ("active", None, None)
        self.put(storage, Erase(("b",)))
        assert self.validity(storage, "a") == ("superseded", "c", later)

    def test_what_held_before_a_state_without_a_beginning_gives_it_one(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("lives in Faro", id="now", kind="thought"), entry()))
        begun = self.stored(storage, "now").occurred_at
        first = memory("lives in Porto", id="then", kind="thought", occurred_at=begun - timedelta(days=99))
        self.put(storage, Precede("now", first, entry(2)))
        self.put(storage, Pin("now"))
        assert self.stored(storage, "now").valid_from == begun
        assert self.validity(storage, "then") == ("superseded", "now", begun)

    def test_merging_unites_sources(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"turn {i}", id=f"t{i}"), entry(i)) for i in (1, 2)))
        thoughts = [memory(f"thought {i}", id=f"h{i}", kind="thought", sources=(f"t{i}",)) for i in (1, 2)]
        self.put(storage, *(Insert(thought, entry(i)) for i, thought in enumerate(thoughts, start=3)))
        self.put(storage, Merge(("h1", "h2"), memory("both", id="m", kind="thought"), entry(5)))
        assert set(self.stored(storage, "m").sources) == {"t1", "t2"}
        assert {self.stored(storage, id).state for id in ("h1", "h2")} == {"merged"}

    def test_a_cited_thought_rests_on_more_and_one_by_hand_does_not(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in (1, 2)))
        thought = memory("told", id="h1", kind="thought", sources=("t1",), author="thinker")
        self.put(storage, Insert(thought, entry(3)), Insert(memory("typed", id="h2", kind="thought"), entry(4)))
        citations = Cite("h1", ("t2", "unknown")), Cite("h2", ("t2",)), Cite("unknown", ("t1",))
        assert self.actions(storage, *citations) == ["skipped"] * 3
        assert [self.stored(storage, id).sources for id in ("h1", "h2")] == [("t1", "t2"), ()]

    def test_forgetting_pinning_and_restoring_leave_their_history(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()))
        self.each(storage, Pin("t1"), Forget("t1", "why not"), Restore("t1"), Pin("t1", pinned=False))
        events = [(row.event, row.reason) for row in self.history(storage, "t1")]
        assert [event for event, _ in events][-4:] == ["pinned", "forgotten", "restored", "unpinned"]
        assert ("forgotten", "why not") in events

    def test_reinforcement_adds_up_and_leaves_no_history(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()))
        later = AT_NOON + timedelta(days=1)
        self.put(storage, Reinforce("t1", later, 1.0), Reinforce("t1", AT_NOON, 0.5), Reinforce("gone", AT_NOON, 1.0))
        recalled = self.stored(storage, "t1")
        assert (recalled.strength, recalled.recalled_at, recalled.recall_count) == (2.5, later, 2)
        assert "reinforced" not in [row.event for row in self.history(storage, "t1")]

    def test_rewriting_changes_the_given_parts_alone(self, storage: Storage) -> None:
        places = [Placement(1, 1 + i // 3) for i in range(5)]
        self.put(storage, *(Insert(memory(f"turn {i}", id=f"t{i}"), entry(i), places[i]) for i in range(1, 5)))
        self.put(storage, Rewrite("t3", placement=Placement(1, 1)), Rewrite("t4", session="later"))
        rows = self.read(storage, lambda view: view.rows_of_sessions(view.sessions_of([1])))
        assert [(row.seq, row.episode) for row in rows] == [(1, 1), (2, 1), (3, 1), (4, 2)]
        assert [self.stored(storage, id).session for id in ("t3", "t4")] == [None, "later"]

    def test_changes_are_reverted_unless_something_came_after_them(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("old", id="old", kind="thought"), entry()))
        new = memory("new", id="new", kind="thought", valid_from=AT_NOON)
        receipt = self.put(storage, Supersede("old", new, entry(2)))
        changes = frozenset([receipt.change])
        assert [o.change for o in receipt.outcomes] == [receipt.change]
        with self.view(storage) as view:
            old, new_seq = (view.locate([id])[id] for id in ("old", "new"))
            assert view.superseded_by_any([new_seq]) == [old]
        assert [row.change for row in self.history(storage, "old")] == [0, receipt.change]
        self.put(storage, Revert("new", changes, added=True), Revert("old", changes))
        was = self.stored(storage, "old")
        assert self.validity(storage, "old") == ("active", None, None)
        assert self.stored(storage, "new").state == "forgotten"
        with refused(UndoError):
            self.put(storage, Revert("old", changes))
        assert self.stored(storage, "old") == was

    def test_an_outcome_among_operations_stands_for_itself_and_changes_nothing(self, storage: Storage) -> None:
        outcomes = (Outcome.skipped("t0", "known"), Outcome.rejected(InputError("no text")))
        receipt = self.put(storage, outcomes[0], Insert(memory("a", id="t1"), entry()), outcomes[1])
        assert [outcome.action for outcome in receipt.outcomes] == ["skipped", "added", "rejected"]
        assert (receipt.outcomes[0], receipt.outcomes[2]) == outcomes
        assert self.put(storage, *outcomes).change == receipt.change

    def test_a_decision_is_made_on_the_bank_as_it_is_and_its_error_changes_nothing(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()))
        number = storage.open_bank(("acme", "ana")).number
        receipt = storage.apply(number, lambda view: [Pin(id) for id in view.locate(["t1", "t2"])], at=AT_NOON)
        assert [(outcome.id, outcome.action) for outcome in receipt.outcomes] == [("t1", "pinned")]

        def failing(view: BankView) -> list[Step]:
            raise InputError("no")

        with refused(InputError):
            storage.apply(number, failing, at=AT_NOON)
        assert storage.open_bank(("acme", "ana")).change == receipt.change

    def test_a_memory_that_can_not_be_stored_is_refused(self, storage: Storage) -> None:
        naive = memory("a").model_copy(update={"occurred_at": AT_NOON.replace(tzinfo=None)})
        for bad, error in (
            (naive, NaiveDatetimeError),
            (memory("a").model_copy(update={"tail": "\ud800"}), InvalidTextError),
            (memory("a").model_copy(update={"metadata": {"weight": float("nan")}}), InputError),
        ):
            with refused(error):
                self.put(storage, Insert(memory("first"), entry()), Insert(bad, entry()))
        assert self.all(storage) == []

    def test_an_echo_of_an_echo_is_one_of_the_original(self, storage: Storage) -> None:
        echoes = [memory("yes", id=f"t{n}", echo_of=f"t{n - 1}") for n in (2, 3)]
        turns = [Insert(turn, entry()) for turn in (memory("yes", id="t1"), *echoes)]
        assert self.actions(storage, *turns) == ["added", "echoed", "echoed"]
        assert [self.stored(storage, id).echo_of for id in ("t2", "t3")] == ["t1", "t1"]

    def test_a_memory_may_name_a_later_one_of_its_batch_as_its_successor(self, storage: Storage) -> None:
        old = memory("old", id="old", state="superseded", superseded_by="new")
        self.put(storage, Insert(old, entry(1)), Insert(memory("new", id="new"), entry(2)))
        assert self.stored(storage, "old").superseded_by == "new"
        with refused(UnknownMemoryError):
            self.put(storage, Insert(memory("a", id="a", superseded_by="nobody"), entry(3)))

    def test_an_operation_that_changes_nothing_says_so(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()), Pin("t1"))
        repeats = (Pin("t1"), Restore("t1"), Rewrite("gone", entry()), Rewrite("gone", session="later"))
        assert self.actions(storage, *repeats) == ["skipped"] * 3
        self.put(storage, Forget("t1", "test"))
        assert self.put(storage, Forget("t1", "test")).outcomes[0].reason == "already forgotten"

    def test_superseding_by_what_is_there_already_still_closes_the_old_one(self, storage: Storage) -> None:
        new = memory("lives in Porto", id="new", kind="thought", valid_from=AT_NOON, author="user")
        self.put(storage, Insert(memory("lives in Lisbon", id="old", kind="thought"), entry(1)), Insert(new, entry(2)))
        receipt = self.put(storage, Supersede("old", new, entry(2), "told so"))
        assert [(o.id, o.action, o.reason) for o in receipt.outcomes] == [("old", "corrected", "told so")]
        assert self.stored(storage, "old").superseded_by == "new"

    def test_a_renamed_memory_keeps_all_but_what_names_its_speaker(self, storage: Storage) -> None:
        turn = memory("I moved to Lisbon", id="t1", session="s", metadata={"n": 1}, role="user")
        self.put(storage, Insert(turn, entry(1), Placement(1, 1)), Pin("t1"))
        before = self.stored(storage, "t1")
        named = before.model_copy(update={"speaker": "Rita", "strength": 9.0, "session": "other"})
        assert self.actions(storage, Rename(named, entry(2))) == ["indexed"]
        assert self.stored(storage, "t1") == before.model_copy(update={"speaker": "Rita"})
        assert self.read(storage, lambda view: [list(view.speakers()), view.turns_of(1)]) == [["Rita"], [1]]

    def test_turns_in_whose_place_another_comes_are_forgotten_and_it_lies_where_it_is_placed(
        self, storage: Storage
    ) -> None:
        turns = [memory(text, id=id, session="home") for text, id in (("to", "t1"), ("fro", "t2"))]
        self.put(storage, *(Insert(turn, entry(n), Placement(1, 1)) for n, turn in enumerate(turns, start=1)))
        new = memory("and back", id="t3", session="home")
        receipt = self.put(storage, Supersede("t1", new, entry(3), "again", Placement(1, 1), ("t2",)))
        assert [(o.id, o.action, o.reason) for o in receipt.outcomes] == [("t3", "superseded", "again")]
        assert [self.validity(storage, id) for id in ("t1", "t2")] == [("forgotten", "t3", None)] * 2
        assert [row.event for row in self.history(storage, "t2")][1:] == ["superseded"]
        assert self.read(storage, lambda view: view.turns_of(1)) == [1, 2, 3]

    def test_restoring_reopens_the_last_closing_alone(self, storage: Storage) -> None:
        self.each(
            storage,
            Insert(memory("old", id="old", kind="thought"), entry(1)),
            Supersede("old", memory("new", id="new", kind="thought"), entry(2)),
            Forget("old", "test"),
            Restore("old"),
        )
        assert self.validity(storage, "old")[:2] == ("superseded", "new")
        self.put(storage, Restore("old"))
        assert self.validity(storage, "old") == ("active", None, None)

    def test_a_pin_is_undone(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()))
        pinned = self.put(storage, Pin("t1")).change
        assert self.actions(storage, Revert("t1", frozenset([pinned]))) == ["unpinned"]
