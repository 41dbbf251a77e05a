"""Contract of storages: erasure: memories that are gone, what pointed at them, receipts."""

from dataclasses import replace
from datetime import timedelta

from memkit.errors import UnknownMemoryError
from memkit.models import ErasureReceipt
from memkit.operations import (
    Erase,
    Forget,
    Insert,
    Pin,
    Remake,
    Supersede,
)
from memkit.protocols import Storage
from memkit.storage.core.receipts import receipt_hash
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused


class ErasureContract(ContractSteps):
    """Erasure: memories that are gone, what pointed at them, receipts."""

    def test_an_erased_memory_is_nowhere_and_its_echo_gets_its_index_entry(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("yes", id="t1"), entry(7)))
        echo = replace(entry(7), terms={}, vector=None, sketch=None, wanted=False)
        self.put(storage, Insert(memory("yes", id="t2", echo_of="t1"), echo))
        epoch = storage.open_bank(("acme", "ana")).epoch
        self.put(storage, Erase(("t1",)))
        assert storage.open_bank(("acme", "ana")).epoch > epoch
        with self.view(storage) as view:
            assert (view.locate(["t1"]), view.same_text([7])) == ({}, {7: "t2"})
            assert sum(len(batch.terms) for batch in view.terms()) > 0
        assert self.stored(storage, "t2").echo_of is None

    def test_a_memory_that_an_erased_one_superseded_is_active_again(self, storage: Storage) -> None:
        self.each(
            storage,
            Insert(memory("lives in Lisbon", id="a", kind="thought"), entry(1)),
            Supersede("a", memory("lives in Porto", id="b", kind="thought", valid_from=AT_NOON), entry(2)),
            Pin("a"),
            Erase(("b",)),
        )
        assert self.validity(storage, "a") == ("active", None, None)
        story = [(row.event, row.before and row.before.state) for row in self.history(storage, "a")]
        assert story == [("added", None), ("pinned", "active")]

    def test_a_memory_is_superseded_by_the_successor_of_an_erased_one(self, storage: Storage) -> None:
        later = AT_NOON + timedelta(days=3)
        self.each(
            storage,
            Insert(memory("lives in Lisbon", id="a", kind="thought"), entry(1)),
            Supersede("a", memory("lives in Porto", id="b", kind="thought", valid_from=AT_NOON), entry(2)),
            Supersede("b", memory("lives in Faro", id="c", kind="thought", valid_from=later), entry(3)),
            Erase(("b",)),
        )
        assert self.validity(storage, "a") == ("superseded", "c", later)
        self.put(storage, Erase(("c",)))
        assert self.validity(storage, "a") == ("active", None, None)

    def test_a_thinkers_reason_that_shares_a_word_with_an_erased_text_goes_with_it(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("I sold my zither", id="t1"), entry(1)))
        for number, reason in enumerate(("the zither was sold", "said twice"), start=2):
            self.each(
                storage,
                Insert(memory("a thought", id=f"h{number}", kind="thought"), entry(number)),
                Forget(f"h{number}", reason, author="thinker"),
            )
        self.put(storage, Erase(("t1",)))
        last_rows = [self.history(storage, id)[-1] for id in ("h2", "h3")]
        assert [(row.event, row.reason) for row in last_rows] == [
            ("forgotten", None),
            ("forgotten", "said twice"),
        ]

    def test_receipts_are_numbered_chained_and_sound(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 6)))
        self.each(
            storage,
            Erase(("t1", "t2"), chosen=1, requested_by="ana", fingerprints=(b"0123456789abcdef",)),
            Erase(("t3",)),
        )
        storage.drop_bank(storage.open_bank(("acme", "ana")).number, at=AT_NOON)
        first, second, third = storage.receipts()
        assert [r.number for r in storage.receipts(after=1)] == [2, 3]
        assert (first.chosen, first.counts, first.requested_by) == (1, {"turn": 2}, "ana")
        assert first.derived == first.erased[1:]
        assert ("", first.hash, second.hash) == (first.previous, second.previous, third.previous)
        assert (third.whole, third.counts) == (True, {"turn": 2})
        assert storage.receipts() == [first, second, third]

    def test_a_bank_made_again_takes_over_fingerprints_and_the_chain_of_its_name(self, storage: Storage) -> None:
        erased = b"0123456789abcdef"
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 3)))
        self.put(storage, Erase(("t1",), fingerprints=(erased,)))
        storage.drop_bank(storage.open_bank(("acme", "ana")).number, at=AT_NOON)
        again, other = storage.open_bank(("acme", "ana")).number, storage.open_bank(("acme", "bob")).number
        assert [storage.fingerprinted(bank, [erased, b"another one of 16"]) for bank in (again, other)] == [
            {erased},
            set(),
        ]
        self.each(storage, Insert(memory("text 3", id="t3"), entry(3)), Erase(("t3",)))
        receipts = storage.receipts()
        assert ([receipt.number for receipt in receipts], receipts[2].previous) == ([1, 2, 3], receipts[1].hash)
        assert [problem for problem in storage.audit() if not problem.startswith("erased bytes may still lie")] == []

    def test_adopted_receipts_end_the_chains_of_banks_that_are_there_and_of_others(self, storage: Storage) -> None:
        erased = b"0123456789abcdef"
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 5)))
        self.each(storage, Erase(("t1",)), Erase(("t2",)))
        first, second = (receipt.model_copy(update={"bytes_pending": False}) for receipt in storage.receipts())
        listed = [_rehashed(second, requested_by="another"), _rehashed(first, bank=("acme", "bob"))]
        before = storage.open_bank(("acme", "ana"))
        storage.adopt_receipts(listed, [(("acme", "ana"), erased)])
        after = storage.open_bank(("acme", "ana"))
        assert (after.epoch > before.epoch, after.change > before.change) == (True, True)
        assert storage.fingerprints(("acme", "ana")) == [erased]
        self.put(storage, Erase(("t3",)))
        chains = {name: [r.hash for r in storage.receipts() if r.bank == name] for name in {r.bank for r in listed}}
        assert chains[("acme", "bob")] == [listed[1].hash]
        assert chains[("acme", "ana")][:2] == [first.hash, listed[0].hash]
        assert len(chains[("acme", "ana")]) == 3
        bob = storage.open_bank(("acme", "bob"))
        storage.apply(bob.number, [Insert(memory("a", id="b1"), entry(1)), Erase(("b1",))], at=AT_NOON)
        assert [r.previous for r in storage.receipts() if r.bank == ("acme", "bob")] == ["", listed[1].hash]
        assert [problem for problem in storage.audit() if not problem.startswith("erased bytes may still lie")] == []

    def test_a_remade_memory_keeps_its_id_and_place_and_nothing_of_its_text(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("one", id="t1"), entry(1)), Insert(memory("two", id="t2"), entry(2)))
        summary = memory("one and two", id="s", kind="summary", sources=("t1", "t2"))
        self.put(storage, Insert(summary, entry(3)), Pin("s"))
        self.put(
            storage,
            Erase(("t1",), remade=("s",)),
            Remake(memory("two", id="s", kind="summary", sources=("t2",)), entry(4)),
        )
        summary = self.stored(storage, "s")
        assert (summary.text, summary.sources, summary.pinned) == ("two", ("t2",), True)
        assert len(storage.receipts()[0].remade) == 1
        with self.view(storage) as view:
            assert view.locate(["s"]) == {"s": 3}
            (terms,) = [batch.only(batch.seqs == 3) for batch in view.terms() if 3 in batch.seqs]
            assert dict(zip(terms.terms.tolist(), terms.counts.tolist(), strict=True)) == {4: 2, -4: 1}

    def test_erasing_an_unknown_id_erases_nothing(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry()))
        with refused(UnknownMemoryError):
            self.put(storage, Erase(("t1", "nobody")))
        assert [stored.id for stored in self.all(storage)] == ["t1"]
        assert storage.receipts() == []

    def test_a_receipt_is_found_by_bank_and_change(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("a", id="t1"), entry(1)), Insert(memory("b", id="t2"), entry(2)))
        changes = [self.put(storage, Erase((id,))).change for id in ("t1", "t2")]
        bank = storage.open_bank(("acme", "ana")).number
        receipts = [storage.receipt(bank, change) for change in (*changes, 1)]
        assert [receipt and receipt.number for receipt in receipts] == [1, 2, None]

    def test_links_to_erased_memories_are_gone_and_their_holders_count_as_changed(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {n}", id=f"t{n}"), entry(n)) for n in (1, 2)))
        self.put(storage, Insert(memory("both", id="h", kind="thought", sources=("t1", "t2")), entry(3)))
        change = self.put(storage, Pin("t2")).change
        self.put(storage, Erase(("t1",)))
        assert self.stored(storage, "h").sources == ("t2",)
        rows = self.read(storage, lambda view: list(view.rows(change)))
        assert [(row.seq, row.sources) for row in rows] == [(3, (2,))]

    def test_an_id_that_was_erased_can_be_stored_anew(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("old", id="t1"), entry(1)))
        assert self.actions(storage, Erase(("t1",)), Insert(memory("new", id="t1"), entry(2))) == ["erased", "added"]
        assert self.stored(storage, "t1").text == "new"

    def test_other_echoes_follow_the_oldest_once_the_original_is_erased(self, storage: Storage) -> None:
        echoes = [memory("yes", id=f"t{n}", echo_of="t1") for n in (2, 3)]
        self.put(storage, Insert(memory("yes", id="t1"), entry(7)), *(Insert(e, entry(7)) for e in echoes))
        self.put(storage, Erase(("t1",)))
        assert [self.stored(storage, id).echo_of for id in ("t2", "t3")] == [None, "t2"]


def _rehashed(receipt: ErasureReceipt, **changed: object) -> ErasureReceipt:
    """A receipt with other fields, and the hash that goes with them."""
    other = receipt.model_copy(update=changed)
    return other.model_copy(update={"hash": receipt_hash(other)})
