"""Contract of storages: banks that move from storage to storage, table by table."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from memkit.errors import BankGoneError, BankMovedError, ConflictError
from memkit.items import item_memory
from memkit.models import BankState, Mention, Placement
from memkit.operations import Enqueue, Erase, Forget, Insert, Pin, Put, Supersede
from memkit.protocols import BankName, BankVersion, RowPlace, Storage, TableRows
from memkit.storage.core.tables import PUBLISHED_TABLES
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory, refused

LOADING_NAME = ("", "move", "acme", "ana")


def rows_after(storage: Storage, name: BankName, place: RowPlace | None = None) -> list[TableRows]:
    """All rows of a bank behind a place."""
    batches: list[TableRows] = []
    while batch := storage.read_rows(name, place):
        batches += batch
        place = batch[-1].table, batch[-1].rows[-1]
    return batches


def places(batches: Sequence[TableRows]) -> list[RowPlace]:
    """Each row with its table."""
    return [(rows.table, row) for rows in batches for row in rows.rows]


def without_bytes(batches: Sequence[TableRows]) -> list[TableRows]:
    """Rows without what receipts say of bytes, which another storage may not be able to look at."""
    return [
        rows._replace(rows=[row[:-1] for row in rows.rows]) if rows.table == "erasure" else rows for rows in batches
    ]


class RowContract(ContractSteps):
    """Banks that move from storage to storage: read and written row by row, published, withdrawn."""

    def lived_rows(self, storage: Storage) -> list[TableRows]:
        """Make a bank with something in nearly every table; gives back its rows."""
        text = memory("I live in Lisbon", id="t1", metadata={"town": "Lisbon"})
        mentions = (Mention("day", 5, 9), Mention("month", 5, 7))
        self.each(
            storage,
            Insert(text, replace(entry(1), mentions=mentions), Placement(1, 1)),
            Insert(memory("never mind", id="t2"), entry(2), Placement(1, 1)),
            Insert(memory("lives in Lisbon", id="h1", kind="thought", sources=("t1",)), entry(3)),
            Supersede("h1", memory("lives in Porto", kind="thought", sources=("t1",)), entry(4), "moved"),
            Put(item_memory("i", "level 1", at=AT_NOON, ttl=60), entry(5)),
            Forget("item:i", "asked"),
            Enqueue(1, ("t1",), True, AT_NOON),
            Erase(("t2",), fingerprints=(b"digest",)),
        )
        storage.purge()
        return rows_after(storage, self.state_now(storage).name)

    def state_now(self, storage: Storage) -> BankState:
        """The bank as it is now."""
        with self.view(storage) as view:
            return view.state

    def loading(self, storage: Storage) -> BankState:
        """The bank that is being loaded."""
        return storage.open_bank(LOADING_NAME)

    def written(self, storage: Storage, batches: Sequence[TableRows]) -> list[TableRows]:
        """Write rows into a bank that is being loaded; gives back those that come when it is published."""
        storage.open_bank(LOADING_NAME)
        storage.write_rows(LOADING_NAME, [rows for rows in batches if rows.table not in PUBLISHED_TABLES])
        return [rows for rows in batches if rows.table in PUBLISHED_TABLES]

    def withdrawn(self, storage: Storage) -> tuple[BankName, list[TableRows]]:
        """Take a bank away that lived; its name, and the rows that it had."""
        batches, name = self.lived_rows(storage), self.state_now(storage).name
        assert storage.withdraw(name, storage.version(name))
        return name, batches

    def test_rows_are_read_again_as_they_were_written(self, storage: Storage) -> None:
        batches, before = self.lived_rows(storage), self.state_now(storage)
        assert {rows.version for rows in batches} == {BankVersion(before.change, 1)}
        last = self.written(storage, batches)
        assert places(rows_after(storage, LOADING_NAME)) == places(batches)[: -sum(len(rows.rows) for rows in last)]
        assert storage.withdraw(before.name, storage.version(before.name))
        state = storage.publish_rows(self.loading(storage), before.name, last)
        assert state == storage.find_bank(before.name)
        assert state == before.model_copy(update={"number": state.number})  # type: ignore[union-attr]
        assert places(without_bytes(rows_after(storage, before.name))) == places(without_bytes(batches))
        assert storage.fingerprints(before.name) == [b"digest"]
        storage.purge()
        assert storage.audit() == []

    def test_rows_are_read_on_behind_any_of_them(self, storage: Storage) -> None:
        every = places(self.lived_rows(storage))
        name = self.state_now(storage).name
        assert [places(rows_after(storage, name, place)) for place in every] == [
            every[number:] for number in range(1, len(every) + 1)
        ]

    def test_a_bank_in_parts_is_in_no_list_and_takes_rows_twice(self, storage: Storage) -> None:
        batches, name = self.lived_rows(storage), self.state_now(storage).name
        receipts = storage.receipts()
        for _ in range(2):
            self.written(storage, batches)
        assert ([state.name for state in storage.banks()], storage.receipts()) == ([name], receipts)
        assert len(places(rows_after(storage, LOADING_NAME))) == len(
            places([rows for rows in batches if rows.table not in PUBLISHED_TABLES])
        )
        state = storage.find_bank(LOADING_NAME)
        assert state is not None
        storage.discard(state.number)
        assert rows_after(storage, LOADING_NAME) == []
        assert places(rows_after(storage, name)) == places(batches)

    def test_a_bank_is_withdrawn_in_the_version_that_was_copied_alone(self, storage: Storage) -> None:
        self.lived_rows(storage)
        before = self.state_now(storage)
        version = storage.version(before.name)
        self.put(storage, Pin("t1"))
        assert not storage.withdraw(before.name, version)
        assert storage.withdraw(before.name, storage.version(before.name))
        assert (storage.find_bank(before.name), storage.receipts(), storage.fingerprints(before.name)) == (None, [], [])
        assert (rows_after(storage, before.name), storage.version(before.name)) == ([], BankVersion(None, 0))
        with refused(BankGoneError):
            storage.apply(before.number, [Pin("t1")], at=AT_NOON)
        with refused(BankMovedError):
            storage.open_bank(before.name)
        assert storage.open_bank(("acme", "bob")).number != before.number
        storage.purge()
        assert storage.audit() == []

    def test_a_receipt_whose_bytes_wait_elsewhere_says_that_nobody_can_tell(self, storage: Storage) -> None:
        name, batches = self.withdrawn(storage)
        last = self.written(storage, batches)
        waiting = [
            rows._replace(rows=[(*row[:-1], 1) for row in rows.rows]) for rows in last if rows.table == "erasure"
        ]
        storage.publish_rows(
            self.loading(storage), name, [*waiting, *(rows for rows in last if rows.table != "erasure")]
        )
        storage.purge()
        assert [(each.bytes_pending, each.bytes_checkable) for each in storage.receipts()] == [(True, False)]
        [erasure] = [rows for rows in rows_after(storage, name) if rows.table == "erasure"]
        assert erasure.rows[0][-1] == 3  # as it goes on from here

    def test_a_copy_that_was_begun_anew_is_not_taken_for_the_one_before(self, storage: Storage) -> None:
        name, batches = self.withdrawn(storage)
        last = self.written(storage, batches)
        before = self.loading(storage)
        storage.discard(before.number)
        self.loading(storage)
        with refused(BankGoneError):
            storage.publish_rows(before, name, last)
        assert (storage.banks(), storage.receipts()) == ([], [])

    def test_a_bank_that_was_written_to_is_not_replaced(self, storage: Storage) -> None:
        self.lived_rows(storage)
        name = self.state_now(storage).name
        last = self.written(storage, rows_after(storage, name))
        with refused(ConflictError):
            storage.publish_rows(self.loading(storage), name, last)
        assert [state.name for state in storage.banks()] == [name]
        assert storage.find_bank(LOADING_NAME) is not None

    def test_receipts_that_are_here_must_go_on_in_those_that_come(self, storage: Storage) -> None:
        name, batches = self.withdrawn(storage)
        last = self.written(storage, batches)
        storage.publish_rows(self.loading(storage), name, last)
        number = storage.version(name)
        state = storage.find_bank(name)
        assert state is not None
        storage.drop_bank(state.number, at=AT_NOON + timedelta(days=1))
        last = self.written(storage, batches)
        with refused(ConflictError):
            storage.publish_rows(self.loading(storage), name, last)
        assert (storage.version(name), number) == (BankVersion(None, 2), BankVersion(state.change, 1))

    def test_receipts_of_an_erased_bank_are_moved_without_one(self, storage: Storage) -> None:
        self.lived_rows(storage)
        before = self.state_now(storage)
        storage.drop_bank(before.number, at=AT_NOON + timedelta(days=1), fingerprints=[b"gone"])
        storage.purge()
        receipts, batches = storage.receipts(), rows_after(storage, before.name)
        assert storage.withdraw(before.name, storage.version(before.name))
        assert storage.receipts() == []
        for _ in range(2):  # again where nobody knows whether it was done
            assert storage.publish_rows(self.loading(storage), before.name, self.written(storage, batches)) is None
        assert ([each.hash for each in storage.receipts()], storage.banks()) == ([each.hash for each in receipts], [])
        assert storage.fingerprints(before.name) == [b"digest", b"gone"]
        state = storage.open_bank(before.name)
        storage.purge()
        assert (storage.version(before.name), storage.audit()) == (BankVersion(0, 2), [])
        assert storage.fingerprinted(state.number, [b"digest", b"other"]) == {b"digest"}
