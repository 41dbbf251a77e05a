"""Contract of storages: views: everything that is read of a bank."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from memkit.errors import InputError
from memkit.models import Kind, Mention, Placement
from memkit.operations import (
    Enqueue,
    Erase,
    Forget,
    Insert,
    Pin,
    Restore,
    Rewrite,
    Supersede,
)
from memkit.protocols import Bookmark, PageOptions, Storage
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused
from memkit.times import from_micros, to_micros


class ViewContract(ContractSteps):
    """Views: everything that is read of a bank."""

    def test_the_last_saliences_are_those_of_turns_in_order(self, storage: Storage) -> None:
        saliences = [1.5, None, 2.5, 3.5]
        turns = [memory(f"turn {i}", id=f"t{i}", salience=salience) for i, salience in enumerate(saliences)]
        self.put(storage, *(Insert(turn, entry(i), Placement(1, 1)) for i, turn in enumerate(turns)))
        self.put(storage, Insert(memory("thought", id="h", kind="thought", salience=9.0), entry(9)))
        assert self.read(storage, lambda view: [view.last_saliences(3), view.last_saliences(128)]) == [
            [2.5, 3.5],
            [1.5, 2.5, 3.5],
        ]

    def test_visible_turns_are_those_of_a_session_that_nobody_took_back(self, storage: Storage) -> None:
        turns = [memory("a" * n, id=f"t{n}", salience=None if n == 2 else 1.5) for n in range(1, 5)]
        self.put(storage, *(Insert(turn, entry(n), Placement(1 + n // 4, 1)) for n, turn in enumerate(turns, start=1)))
        self.put(storage, Forget("t1", "test"))
        with self.view(storage) as view:
            assert [column.tolist() for column in view.visible_turns(1)] == [[2, 3], [2, 3], [0.0, 1.5]]
            assert [column.tolist() for column in view.visible_turns(9)] == [[], [], []]

    def test_lazy_memories_are_those_of_the_moment_when_they_were_read(self, storage: Storage) -> None:
        self.each(
            storage,
            Insert(memory("lives in Lisbon", id="t1"), entry(1)),
            Insert(memory("lives in Lisbon", id="h1", kind="thought", sources=("t1",)), entry(2)),
            Supersede("h1", memory("lives in Porto", id="h2", kind="thought"), entry(3)),
        )
        with self.view(storage) as view:
            eager, lazy, none = view.memories([3, 1, 2]), view.lazy_memories([3, 99, 1, 2]), view.lazy_memories([])
        self.put(storage, Erase(("t1",)))
        assert (dict(lazy), none, eager[2].superseded_by) == (eager, {}, "h2")

    def test_states_at_an_earlier_moment_are_those_before_later_changes(self, storage: Storage) -> None:
        bank = storage.open_bank(("acme", "ana")).number
        self.put(storage, Insert(memory("a", id="t1"), entry(1)), Insert(memory("b", id="t2"), entry(2)))
        storage.apply(bank, [Forget("t1", "test")], at=AT_NOON + timedelta(days=1))
        storage.apply(bank, [Restore("t1")], at=AT_NOON + timedelta(days=2))
        moments = [AT_NOON + timedelta(days=n, hours=12) for n in range(3)]
        states = self.read(storage, lambda view: [view.states_at(moment) for moment in moments])
        assert [{seq: past.state for seq, past in by_seq.items()} for by_seq in states] == [
            {1: "active"},
            {1: "forgotten"},
            {},
        ]

    def test_erased_seqs_are_listed_by_change_number(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 6)))
        change = self.put(storage, Erase(("t1", "t2"))).change
        self.put(storage, Erase(("t5",)))
        assert self.read(storage, lambda view: [view.erased_since(n) for n in (0, change)]) == [[[1, 2], [5]], [[5]]]

    def test_indexes_see_only_what_changed_since(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1)))
        change = self.put(storage, Insert(memory("b", id="t2"), entry(2))).change
        self.put(storage, Pin("t1"))
        with self.view(storage) as view:
            assert [row.seq for row in view.rows(change)] == [1]
            assert [seq for batch in view.sketches(change - 1) for seq in batch.seqs.tolist()] == [2]
            assert view.vectors([2, 1, 99]).tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]

    def test_a_missing_vector_is_listed_until_it_is_there(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), replace(entry(), vector=None, sketch=None)))
        assert [m.id for m in self.read(storage, lambda view: view.unencoded(10))] == ["t1"]
        self.put(storage, Rewrite("t1", entry()))
        assert self.read(storage, lambda view: view.unencoded(10)) == []

    def test_mentions_are_found_by_kind_and_by_the_time_that_they_overlap(self, storage: Storage) -> None:
        day, week, asked = Mention("day", 10, 20), Mention("week", 0, 70), Mention("standing", 15, 15)
        self.put(
            storage,
            Insert(memory("a", id="t1"), replace(entry(1), mentions=(day, asked))),
            Insert(memory("b", id="t2"), replace(entry(2), mentions=(week,))),
        )
        spans = [(None, None), (from_micros(20), None), (None, from_micros(10)), (from_micros(70), None)]
        with self.view(storage) as view:
            assert [view.mentions(("day", "week"), span) for span in spans] == [
                [(1, day), (2, week)],
                [(2, week)],
                [(2, week)],
                [],
            ]
            assert view.mentions(("standing", "change")) == [(1, asked)]
            assert view.entries([1])[1].mentions == (day, asked)

    def test_mentions_follow_the_index_entry_and_go_with_their_memory(self, storage: Storage) -> None:
        first, second = Mention("day", 10, 20), Mention("day", 30, 40)
        self.put(storage, Insert(memory("a", id="t1"), replace(entry(1), mentions=(first,))))
        self.put(storage, Rewrite("t1", replace(entry(1), mentions=(second,))))
        assert self.read(storage, lambda view: view.mentions(("day",))) == [(1, second)]
        self.put(storage, Forget("t1", "test"))
        assert self.read(storage, lambda view: view.mentions(("day",))) == [(1, second)]
        self.put(storage, Erase(("t1",)))
        assert self.read(storage, lambda view: view.mentions(("day",))) == []

    def test_metadata_is_matched_by_equal_values(self, storage: Storage) -> None:
        for id, project in (("t1", "x"), ("t2", "y"), ("t3", "x")):
            self.put(storage, Insert(memory(id, id=id, metadata={"project": project, "n": 1}), entry()))
        filters: tuple[dict[str, Any], ...] = ({"project": "x"}, {"project": ["x", "y"], "n": 1}, {"project": "z"})
        assert self.read(storage, lambda view: [sorted(view.matching(where)) for where in filters]) == [
            [1, 3],
            [1, 2, 3],
            [],
        ]

    def test_derived_memories_are_found_through_others(self, storage: Storage) -> None:
        self.each(
            storage,
            Insert(memory("a turn", id="t1"), entry(1)),
            Insert(memory("thought", id="h", kind="thought", sources=("t1",)), entry(2)),
            Insert(memory("portrait", id="p", kind="portrait", sources=("h",)), entry(3)),
        )
        assert sorted(self.read(storage, lambda view: view.derived_from([1]))) == [2, 3]

    def test_a_view_stays_as_it_was_while_somebody_writes(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1", metadata={"n": 1}), entry(1), Placement(1, 1)))
        with self.view(storage) as view:
            self.put(storage, Erase(("t1",)), Insert(memory("b", id="t2"), entry(2)))
            assert (view.locate(["t1", "t2"]), view.state.size) == ({"t1": 1}, 1)
            assert (view.memories([1])[1].text, [row.seq for row in view.rows()]) == ("a", [1])
            assert list(view.entries([1])) == [1]
        assert [stored.text for stored in self.all(storage)] == ["b"]

    def test_pages_follow_each_other_in_order_of_recording(self, storage: Storage) -> None:
        kinds: tuple[Kind, ...] = ("turn", "thought", "turn", "item", "thought")
        self.put(storage, *(Insert(memory(f"m{n}", id=f"m{n}", kind=k), entry(n)) for n, k in enumerate(kinds)))
        self.put(storage, Forget("m1", "test"))

        assert self.page(storage, limit=2) == ["m0", "m2"]
        assert self.page(storage, after=Bookmark(0, 3)) == ["m3", "m4"]
        closed = ("active", "forgotten")
        assert self.page(storage, kinds=("thought", "item"), states=closed) == ["m1", "m3", "m4"]
        assert self.page(storage, kinds=("turn",), after=Bookmark(0, 1), limit=1) == ["m2"]

    def page(self, storage: Storage, **options: Any) -> list[str]:
        """Ids of a page."""
        return [stored.id for stored in self.read(storage, lambda view: view.page(PageOptions(**options)))]

    def test_a_page_of_every_order_goes_on_behind_its_bookmark_whatever_was_erased(self, storage: Storage) -> None:
        hours = {"m0": 5, "m1": 2, "m2": 2, "m3": 9, "m4": 1}  # when each happened, in the order of recording
        moments = {id: AT_NOON + timedelta(hours=hour) for id, hour in hours.items()}
        kinds: tuple[Kind, ...] = ("turn", "thought", "turn", "item", "thought")
        memories = [memory(m, id=m, kind=k, occurred_at=moments[m]) for m, k in zip(hours, kinds, strict=True)]
        self.put(storage, *(Insert(each, entry(n)) for n, each in enumerate(memories)))
        by_time, behind = ["m4", "m1", "m2", "m0", "m3"], Bookmark(to_micros(moments["m1"]), 2)
        orders = {"recorded_at": list(hours), "occurred_at": by_time}
        orders |= {f"-{name}": ids[::-1] for name, ids in orders.items()}
        for order, ids in orders.items():
            assert self.page(storage, order=order) == ids
            assert self.page(storage, order=order, among=[1, 2, 4]) == [id for id in ids if id in ("m0", "m1", "m3")]
        thoughts = self.page(storage, order="-occurred_at", kinds=("thought", "item"))
        assert thoughts == ["m3", "m1", "m4"]
        self.put(storage, Erase(("m1",)))
        for order, ids in orders.items():
            left = ids[ids.index("m1") + 1 :]
            assert self.page(storage, order=order, after=behind) == left
            assert self.page(storage, order=order, after=behind, among=[1, 3, 4, 5], limit=1) == left[:1]

    def test_a_page_holds_what_happened_from_a_moment_on_and_before_another(self, storage: Storage) -> None:
        moments = [AT_NOON + timedelta(hours=hour) for hour in (3, 1, 2)]
        self.put(
            storage,
            *(Insert(memory("x", id=f"m{n}", occurred_at=at), entry(n)) for n, at in enumerate(moments)),
        )
        span = {"since": moments[1], "until": moments[0]}
        assert self.page(storage, **span) == ["m1", "m2"]
        assert self.page(storage, order="-occurred_at", **span) == ["m2", "m1"]
        assert self.page(storage, order="-recorded_at", among=[1, 2, 3], **span) == ["m2", "m1"]
        assert self.page(storage, order="-recorded_at", kinds=("item",)) == []

    def test_every_memory_matches_no_filter_and_a_filter_must_be_json(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1", metadata={"n": 1}), entry(1)), Insert(memory("b"), entry(2)))
        with self.view(storage) as view:
            assert [view.matching(where) for where in ({}, {"n": 1.0}, {"n": True})] == [[1, 2], [1], []]
            with refused(InputError):
                view.matching({"n": float("inf")})

    def test_the_last_position_tells_where_the_next_turn_may_join(self, storage: Storage) -> None:
        assert self.read(storage, lambda view: view.position(None)) is None
        turns = [memory(text, id=f"t{n}", session="home") for n, text in enumerate(("one", "three"), start=1)]
        self.put(storage, *(Insert(turn, entry(n), Placement(7, 7)) for n, turn in enumerate(turns, start=1)))
        self.each(
            storage,
            Insert(memory("elsewhere", id="t3", session="work"), entry(3), Placement(8, 8)),
            Enqueue(7, ("t1", "t2"), False, AT_NOON),
        )
        with self.view(storage) as view:
            last, home = view.position(None), view.position("home")
            assert (view.position("nowhere"), view.turns_of(7, after=1)) == (None, [2])
            assert view.speakers().keys() == {"ana"}
        assert last is not None
        assert home is not None
        assert (last.id, last.session, last.exchange) == ("t3", 8, None)
        assert (home.id, home.episode_turns, home.episode_characters) == ("t2", 2, 8)
        assert (home.exchange, home.exchange_turns) == (1, 2)

    def test_memories_are_found_by_text_group_and_head_while_they_are_active(self, storage: Storage) -> None:
        thoughts = [memory(f"thought {n}", id=f"h{n}", kind="thought", head="Rita") for n in range(3)]
        self.put(storage, *(Insert(thought, entry(8)) for thought in thoughts), Insert(memory("said"), entry(7)))
        self.put(storage, Forget("h2", "test"))
        with self.view(storage) as view:
            assert view.same_text([8, 9]) == {8: "h0"}
            assert [view.in_groups([0, 1], ("thought", "turn"), limit) for limit in (1, 9)] == [[2], [2, 1]]
            about = [view.about("RITA", ("thought",), 9), view.about("rita", ("turn",), 9)]
        assert [[thought.id for thought in thoughts] for thoughts in about] == [["h1", "h0"], []]

    def test_all_memories_that_name_a_session_are_found_and_only_turns_go_on_with_it(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("said", id="t1", session="home"), entry(1), Placement(0, 0)))
        self.put(storage, Insert(memory("elsewhere", id="t2", session="work"), entry(2), Placement(2, 2)))
        self.put(storage, Insert(memory("noted", id="n1", kind="thought", session="home"), entry(3)))
        with self.view(storage) as view:
            assert (view.labelled("home"), view.labelled("Home")) == ([1, 3], [])
            last = view.position("home")
        assert last is not None
        assert last.id == "t1"

    def test_thoughts_of_one_text_are_found_by_speaker_the_oldest_first(self, storage: Storage) -> None:
        voices = [None, "ana", "Ana", "bo"]
        thoughts = [memory("same", id=f"v{n}", kind="thought", speaker=voice) for n, voice in enumerate(voices)]
        self.put(storage, *(Insert(m, entry(8)) for m in [memory("same", id="t", speaker="ana"), *thoughts]))
        self.put(storage, Forget("v3", "test"))
        with self.view(storage) as view:
            same = [view.same_thoughts([8, 9], voice) for voice in (None, "ANA", "bo", "rita")]
        assert [{key: thought.id for key, thought in thoughts.items()} for thoughts in same] == [
            {8: "v0"},
            {8: "v1"},
            {},
            {},
        ]

    def test_vectors_that_are_missing_are_zeros_of_the_right_width(self, storage: Storage) -> None:
        assert self.read(storage, lambda view: view.vectors([1]).shape) == (1, 0)
        vector = entry(2).vector or b""
        self.put(storage, Insert(memory("a"), entry(1, passages=2 * vector)), Insert(memory("b"), entry(2)))
        self.put(storage, Insert(memory("c"), replace(entry(3), vector=None, sketch=None)))
        with self.view(storage) as view:
            assert view.vectors([3]).tolist() == [[0, 0, 0, 0]]
            vectors, passages = view.with_passages([1, 3, 2])
            own, parts = view.quantised([1, 2, 3], 4)
        assert vectors.any(axis=1).tolist() == [True, False, True]
        assert passages.seqs.tolist() == [1, 1]
        assert (own.seqs.tolist(), parts.seqs.tolist()) == ([1, 2], [1, 1])

    def test_the_words_of_a_text_are_those_of_its_index_entry_and_go_with_it(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="a"), entry(1, tokens=b"\x01\x01\x05")))
        self.put(storage, Insert(memory("b", id="b"), entry(2)), Insert(memory("c", id="c"), entry(3, tokens=b"\x00")))
        assert self.read(storage, lambda view: view.tokens([1, 2, 3, 9])) == {1: b"\x01\x01\x05", 3: b"\x00"}
        assert storage.sizes()["tokens"] == 4
        self.put(storage, Rewrite("c", entry(3, tokens=b"\x07\x07")), Erase(("a",)))
        assert self.read(storage, lambda view: view.tokens([1, 2, 3])) == {3: b"\x07\x07"}
        with self.view(storage) as view:
            assert [view.entries([seq])[seq].tokens for seq in (2, 3)] == [None, b"\x07\x07"]
