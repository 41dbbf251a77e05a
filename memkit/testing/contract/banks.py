"""Contract of storages: banks, their names, leases and notes."""

from datetime import timedelta

from memkit.errors import BankGoneError, ClosedError, InvalidNameError, UnknownOptionError
from memkit.operations import (
    Erase,
    Forget,
    Insert,
)
from memkit.protocols import Storage
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused


class BankContract(ContractSteps):
    """Banks, their names, leases and notes."""

    def test_a_bank_is_found_only_once_it_was_opened(self, storage: Storage) -> None:
        assert storage.find_bank(("acme", "ana")) is None
        state = storage.open_bank(("acme", "ana"), zone="Europe/Lisbon")
        assert storage.find_bank(("acme", "ana")) == state
        assert state.zone == "Europe/Lisbon"
        assert state.change == 0
        storage.open_bank(("acme", "bob"))
        storage.open_bank(("other",))
        assert [b.name for b in storage.banks(("acme",))] == [("acme", "ana"), ("acme", "bob")]

    def test_banks_never_meet(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("mine", id="t1"), entry(1)))
        other = storage.open_bank(("acme", "bob"))
        with storage.view(other.number) as view:
            assert view.locate(["t1"]) == {}
            assert view.same_text([1]) == {}
            assert list(view.rows()) == []
        receipt = storage.drop_bank(storage.open_bank(("acme", "ana")).number, at=AT_NOON)
        assert receipt is not None
        assert (receipt.bank, receipt.whole, receipt.counts) == (("acme", "ana"), True, {"turn": 1})
        assert storage.banks() == [other]

    def test_a_lease_is_held_by_one_owner_until_it_runs_out(self, storage: Storage) -> None:
        bank = storage.open_bank(("acme", "ana")).number
        assert storage.lease(bank, "one", AT_NOON, 60)
        assert storage.lease(bank, "one", AT_NOON, 60)
        assert not storage.lease(bank, "two", AT_NOON, 60)
        assert storage.lease(bank, "two", AT_NOON + timedelta(seconds=61), 60)
        storage.release(bank, "two")
        assert storage.lease(bank, "one", AT_NOON, 60)

    def test_a_storage_that_was_used_is_sound(self, storage: Storage) -> None:
        self.put(storage, *(Insert(memory(f"text {i}", id=f"t{i}"), entry(i)) for i in range(1, 50)))
        self.put(storage, Erase(("t7", "t8")), Forget("t9", "test"))
        assert storage.purge()
        assert storage.audit() == []
        assert len(self.all(storage, "active", "forgotten")) == 47
        assert storage.sizes()["total"] > 0

    def test_a_bank_opened_again_keeps_its_zone(self, storage: Storage) -> None:
        state = storage.open_bank(("acme", "ana"), zone="Europe/Lisbon")
        assert storage.open_bank(("acme", "ana"), zone="Asia/Tokyo") == state

    def test_names_and_zones_that_can_not_be_stored_are_refused(self, storage: Storage) -> None:
        for name in ((), ("",), ("acme", "\ud800")):
            with refused(InvalidNameError):
                storage.open_bank(name)
        with refused(UnknownOptionError):
            storage.open_bank(("acme", "ana"), zone="Atlantis/Capital")
        assert storage.banks() == []

    def test_a_bank_that_is_gone_is_neither_read_nor_written(self, storage: Storage) -> None:
        number = storage.open_bank(("acme", "ana")).number
        storage.drop_bank(number, at=AT_NOON)
        with refused(BankGoneError):
            storage.apply(number, [Insert(memory("a"), entry())], at=AT_NOON)
        with refused(BankGoneError), storage.view(number):
            pass
        assert storage.drop_bank(number, at=AT_NOON) is None
        assert not storage.lease(number, "one", AT_NOON, 60)

    def test_a_dropped_banks_number_is_not_given_again(self, storage: Storage) -> None:
        number = storage.open_bank(("acme", "ana")).number
        storage.drop_bank(number, at=AT_NOON)
        assert storage.open_bank(("acme", "ana")).number > number

    def test_notes_of_the_store_are_read_back_and_overwritten(self, storage: Storage) -> None:
        assert storage.get_meta("colour") is None
        storage.set_meta({"colour": "red", "size": "9"})
        storage.set_meta({"colour": "blue"})
        assert (storage.get_meta("colour"), storage.get_meta("size")) == ("blue", "9")

    def test_a_closed_storage_refuses_every_call(self, storage: Storage) -> None:
        number = storage.open_bank(("acme", "ana")).number
        storage.close()
        storage.close()
        for call in (storage.banks, storage.receipts, lambda: storage.lease(number, "one", AT_NOON, 60)):
            with refused(ClosedError):
                call()
