"""Contract of items: values by key that take each other's place and go without a trace."""

from datetime import timedelta
from typing import Any

from memkit.errors import ConflictError, UnknownMemoryError
from memkit.items import Item, item_memory
from memkit.models import IndexEntry, Memory
from memkit.operations import Discard, Expect, Extend, Insert, Put
from memkit.protocols import Storage
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused

AN_HOUR = timedelta(hours=1)
ONE_TICK = timedelta(microseconds=1)
PLAIN_ENTRY = IndexEntry(text_key=0, wanted=False)


def put(key: str, value: Any, *, plain: bool = True, **options: Any) -> Put:
    """A value that is put under a key, without an index unless asked for."""
    item = item_memory(key, value, index=False if plain else None, **{"at": AT_NOON, **options})
    return Put(item, PLAIN_ENTRY if plain else entry(1))


class ItemContract(ContractSteps):
    """Items: put, replaced, extended, discarded."""

    def item(self, storage: Storage, key: str) -> Item | None:
        seqs = self.read(storage, lambda view: view.memories(list(view.locate([f"item:{key}"]).values())))
        return next(map(Item.of, seqs.values()), None)

    def test_a_value_comes_back_as_it_was_put(self, storage: Storage) -> None:
        value = {"z": [1, 1.5, True, None, "né\0l\n"], "a": {"": {}}, "b": [], "big": 2**70}
        self.put(storage, put("odd key\0\n", value), put("list", [2, 2, 1]), put("none", None))
        item = self.item(storage, "odd key\0\n")
        assert item is not None
        assert (item.value, list(item.value)) == (value, list(value))
        assert [each and each.value for each in (self.item(storage, "list"), self.item(storage, "none"))] == [
            [2, 2, 1],
            None,
        ]

    def test_a_value_takes_the_place_of_the_one_before_and_keeps_only_when_the_key_was_made(
        self, storage: Storage
    ) -> None:
        later = AT_NOON + AN_HOUR
        assert self.actions(storage, put("k", {"n": 1}, plain=False)) == ["added"]
        assert self.actions(storage, put("k", {"n": 2}, at=later), put("k", {"n": 3}, at=later)) == ["superseded"] * 2
        item = self.item(storage, "k")
        assert item is not None
        assert (item.value, item.created_at, item.updated_at) == ({"n": 3}, AT_NOON, later + ONE_TICK)
        assert ([h.event for h in self.history(storage, "item:k")], len(self.all(storage))) == (["added"], 1)
        with self.view(storage) as view:
            [own] = view.entries([1]).values()
            assert (own.terms, own.sketch, own.vector) == ({}, None, None)
            assert [view.matching({"value.n": n}) for n in (1, 2, 3)] == [[], [], [1]]

    def test_a_value_is_always_later_than_the_one_before_whatever_the_clock_says(self, storage: Storage) -> None:
        self.put(storage, put("k", 1))
        self.put(storage, put("k", 2, at=AT_NOON - AN_HOUR))
        item = self.item(storage, "k")
        assert item is not None
        assert item.updated_at == AT_NOON + ONE_TICK

    def test_a_value_whose_time_is_over_gives_way_to_a_new_item(self, storage: Storage) -> None:
        self.put(storage, put("k", 1, at=AT_NOON - AN_HOUR, ttl=30))
        assert self.actions(storage, put("k", 2)) == ["added"]
        item = self.item(storage, "k")
        assert item is not None
        assert (item.value, item.created_at, item.expires_at) == (2, AT_NOON, None)

    def test_items_are_discarded_silently_and_nothing_else_is(self, storage: Storage) -> None:
        before = self.put(storage, put("a", 1), put("b", 2), Insert(memory("said", id="t1"), entry())).change
        assert self.actions(storage, Discard(("item:a", "item:nobody", "t1"))) == ["erased"]
        assert self.actions(storage, Discard(("item:a",))) == ["skipped"]
        assert [m.id for m in self.all(storage)] == ["item:b", "t1"]
        assert self.read(storage, lambda view: (view.erased_since(before), view.erased_since(before + 1))) == (
            [[1]],
            [],
        )
        assert (storage.receipts(), storage.audit()) == ([], [])

    def test_values_are_put_only_where_items_are_as_they_were_read(self, storage: Storage) -> None:
        self.put(storage, Expect("item:k", None), put("k", 1))
        for moment in (None, AT_NOON - AN_HOUR):
            with refused(ConflictError):
                self.put(storage, put("other", 1), Expect("item:k", moment), put("k", 2))
        assert [m.id for m in self.all(storage)] == ["item:k"]
        later = AT_NOON + AN_HOUR
        assert self.actions(storage, Expect("item:k", AT_NOON), put("k", 3, at=later)) == ["superseded"]
        with refused(ConflictError):
            self.put(storage, Expect("item:k", AT_NOON), Discard(("item:k",)))
        self.put(storage, Expect("item:k", later), Discard(("item:k",)))
        assert self.all(storage) == []
        assert self.actions(storage, Expect("item:k", None)) == []

    def test_an_item_whose_time_is_over_is_expected_not_to_be_there(self, storage: Storage) -> None:
        self.put(storage, put("k", 1, at=AT_NOON - AN_HOUR, ttl=30))
        with refused(ConflictError):
            self.put(storage, Expect("item:k", AT_NOON - AN_HOUR), put("k", 2))
        assert self.actions(storage, Expect("item:k", None), put("k", 2)) == ["added"]

    def test_only_what_has_expired_is_discarded_as_due(self, storage: Storage) -> None:
        self.put(storage, put("soon", 1, ttl=1), put("late", 2, ttl=90), put("never", 3))
        soon, later = AT_NOON + timedelta(minutes=1), AT_NOON + timedelta(days=1)
        with self.view(storage) as view:
            ends = [view.expiring(moment, limit) for moment, limit in ((AT_NOON, 9), (soon, 9), (later, 9), (later, 1))]
        assert ends == [[], [1], [1, 2], [1]]
        ids = tuple(f"item:{key}" for key in ("soon", "late", "never"))
        self.put(storage, Discard(ids, due_by=soon))
        assert [m.id for m in self.all(storage)] == ["item:late", "item:never"]

    def test_an_end_is_only_moved_away(self, storage: Storage) -> None:
        self.put(storage, put("k", 1, ttl=30), put("never", 2))
        ends = (AT_NOON + AN_HOUR, AT_NOON)
        assert [self.actions(storage, Extend("item:k", end)) for end in ends] == [["indexed"], ["skipped"]]
        assert self.actions(storage, Extend("item:never", AT_NOON), Extend("item:nobody", AT_NOON)) == ["skipped"] * 2
        item = self.item(storage, "k")
        assert item is not None
        assert item.expires_at == AT_NOON + AN_HOUR

    def test_an_item_names_the_turns_that_it_belongs_to(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("said", id="t1"), entry()))
        self.put(storage, put("k", 1, sources=["t1"]))
        item = self.item(storage, "k")
        assert item is not None
        assert item.sources == ("t1",)
        assert self.read(storage, lambda view: view.derived_from([1])) == [2]
        with refused(UnknownMemoryError):
            self.put(storage, put("k", 2, sources=["nobody"]))
        self.put(storage, put("k", 2))
        assert self.read(storage, lambda view: view.derived_from([1])) == []

    def test_an_item_is_never_the_original_of_a_turn(self, storage: Storage) -> None:
        self.put(storage, put("k", "said"))
        assert self.read(storage, lambda view: view.same_text([entry(1).text_key])) == {}
        assert [type(m) for m in self.all(storage)] == [Memory]

    def test_banks_that_hold_items_are_told(self, storage: Storage) -> None:
        self.put(storage, put("k", 1, ttl=60))
        storage.open_bank(("acme", "bo"))
        assert [state.name for state in storage.banks(("acme",), items_at=AT_NOON)] == [("acme", "ana")]
        assert storage.banks(items_at=AT_NOON + AN_HOUR) == []
        self.put(storage, put("k", 1))
        assert [state.name for state in storage.banks(items_at=AT_NOON + AN_HOUR)] == [("acme", "ana")]
        self.put(storage, Discard(("item:k",)))
        assert storage.banks(items_at=AT_NOON) == []
