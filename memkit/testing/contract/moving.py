"""Contract of storages: banks that move: exported, adopted under their own numbers, published."""

from datetime import timedelta

from memkit.errors import ConflictError
from memkit.items import item_memory
from memkit.models import MEMORY_STATES, BankState, Placement
from memkit.operations import (
    Adopt,
    Enqueue,
    Erase,
    Forget,
    Insert,
    Pin,
    Put,
    Relink,
    Requeue,
    Supersede,
)
from memkit.protocols import BankView, PageOptions, Storage
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused

LOADING_NAME = ("", "some export", "acme", "ana")


class MovingContract(ContractSteps):
    """Banks that move: exported, adopted under their own numbers, published."""

    def lived(self, storage: Storage) -> None:
        """Make a bank with links back and ahead, gaps in its numbers, histories and a queue."""
        self.each(
            storage,
            Insert(memory("I live in Lisbon", id="t1"), entry(1), Placement(1, 1)),
            Insert(memory("never mind", id="t2"), entry(2), Placement(1, 1)),
            Insert(memory("lives in Lisbon", id="h1", kind="thought", sources=("t1",)), entry(3)),
            Supersede("h1", memory("lives in Porto", kind="thought", sources=("t1",)), entry(4), "moved"),
            Put(item_memory("i", "level 1", at=AT_NOON, ttl=60), entry(5)),
            Put(item_memory("i", "level 2", at=AT_NOON, ttl=60), entry(6)),
            Pin("t1"),
            Forget("item:i", "asked"),
            Enqueue(1, ("t1",), True, AT_NOON),
            Erase(("t2",)),
        )
        storage.purge()

    def move(self, storage: Storage) -> BankState:
        """Adopt everything of the bank in one that is being loaded, a memory at a time."""
        with self.view(storage) as view:
            bank, exported, exchanges = view.outline(), view.exported(view.matching({})), view.exchanges()
            entries = [view.entries([each.number])[each.number] for each in exported]
        loading = storage.open_bank(LOADING_NAME, zone=bank.zone)
        for each, own in zip(exported, entries, strict=True):
            storage.apply(loading.number, [Adopt(each, own, bank.change)], at=AT_NOON)
        for each in exported:
            storage.apply(loading.number, [Relink(each, bank.change)], at=AT_NOON)
        storage.apply(loading.number, [Requeue(exchange, bank.change) for exchange in exchanges], at=AT_NOON)
        return loading

    def test_an_adopted_bank_is_the_exported_one_by_every_reading(self, storage: Storage) -> None:
        self.lived(storage)
        loading = self.move(storage)

        def everything(view: BankView) -> tuple[object, ...]:
            memories = view.page(PageOptions(states=MEMORY_STATES))
            histories = [view.history(each.id) for each in memories]
            rows = [row._replace(speaker=None) for row in view.rows()]
            return memories, histories, rows, view.exchanges(), view.outline().next_number

        with self.view(storage) as first, storage.view(loading.number) as second:
            assert everything(first) == everything(second)
            assert second.exported(second.matching({})) == first.exported(first.matching({}))
            assert len(first.exported([1, 99])) == 1

    def test_a_bank_that_is_being_loaded_is_not_listed_until_it_is_published(self, storage: Storage) -> None:
        self.lived(storage)
        with self.view(storage) as view:
            bank = view.outline()
        receipts, number = storage.receipts(), self.move(storage).number
        assert [state.name for state in storage.banks()] == [bank.name]
        assert [state.name for state in storage.banks(("",))] == [LOADING_NAME]
        with refused(ConflictError):
            storage.publish(number, bank, receipts, [])
        other = bank.model_copy(update={"name": ("acme", "bob")})
        published = storage.publish(number, other, [], [b"digest"])
        assert (published, published.change) == (storage.find_bank(("acme", "bob")), bank.change)
        assert (published.number, published.created_at) == (number, bank.created_at)
        assert [state.name for state in storage.banks()] == [bank.name, other.name]
        assert storage.fingerprints(("acme", "bob")) == [b"digest"]
        receipt = storage.apply(number, [Insert(memory("new"), entry(9))], at=AT_NOON)
        assert receipt.change == bank.change + 1
        assert storage.audit() == []

    def test_a_published_bank_goes_on_with_the_receipts_of_its_name(self, storage: Storage) -> None:
        self.lived(storage)
        with self.view(storage) as view:
            bank = view.outline()
        receipts, loading = storage.receipts(), self.move(storage)
        number = storage.open_bank(bank.name).number
        storage.drop_bank(number, at=AT_NOON + timedelta(days=1), fingerprints=[b"gone"])
        storage.open_bank(bank.name)  # untouched, it gives way
        storage.publish(loading.number, bank, receipts, [])
        assert [(each.number, each.whole) for each in storage.receipts()] == [(1, False), (2, True)]
        assert storage.fingerprints(bank.name) == [b"gone"]
        self.put(storage, Erase(("t1",)))
        storage.purge()
        assert [each.number for each in storage.receipts()] == [1, 2, 3]
        assert storage.audit() == []

    def test_receipts_of_two_banks_of_one_name_never_become_one_chain(self, storage: Storage) -> None:
        self.lived(storage)
        with self.view(storage) as view:
            bank = view.outline()
        others = [storage.receipts()[0].model_copy(update={"hash": "0" * 64})]
        loading = self.move(storage)
        storage.drop_bank(storage.open_bank(bank.name).number, at=AT_NOON)
        with refused(ConflictError):
            storage.publish(loading.number, bank, others, [])
        assert storage.find_bank(bank.name) is None

    def test_a_discarded_bank_is_nowhere_and_has_no_receipt(self, storage: Storage) -> None:
        self.lived(storage)
        receipts, loading = storage.receipts(), self.move(storage)
        storage.discard(loading.number)
        storage.discard(loading.number)
        assert (storage.find_bank(LOADING_NAME), storage.banks(("",))) == (None, [])
        assert (storage.receipts(), storage.audit()) == (receipts, [])

    def test_a_number_or_an_id_is_adopted_once(self, storage: Storage) -> None:
        self.lived(storage)
        loading = self.move(storage)
        with self.view(storage) as view:
            exported = view.exported([1])[0]
        again = exported.model_copy(update={"number": 50})
        for each in (exported, again):
            with refused(ConflictError):
                storage.apply(loading.number, [Adopt(each, entry(1), 9)], at=AT_NOON)
