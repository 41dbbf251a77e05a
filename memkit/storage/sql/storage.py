"""Base of the storages of SQL engines: banks, views, apply, the store's own notes, over an engine's transactions."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from memkit.models import BankState, ErasureReceipt, Receipt
from memkit.storage.core.banks import (
    BankRow,
    bank_gone,
    checked_name,
    checked_zone,
    listed,
    moved_key,
    name_key,
    prefix_range,
    refuse_moved,
    rest_owner,
    term_rules_meta,
)
from memkit.storage.sql.queries import Connection, drop_bank, run, run_many, run_over
from memkit.times import MAX_DELAY, MAX_REST, to_micros, utc_now

if TYPE_CHECKING:  # what reads and changes memories is imported where that is done: names alone take none of it
    from memkit.exported import ExportedBank
    from memkit.operations import Step
    from memkit.protocols import BankClaim, BankName, BankRest, BankVersion, Decision, RowPlace, TableRows
    from memkit.storage.core.unit_of_work import Erased
    from memkit.storage.sql.callers import SqlCallerRecords
    from memkit.storage.sql.view import SqlView

T = TypeVar("T")
Work = Callable[[Connection], T]


class SqlStorage(ABC):
    """The part of protocols.Storage that is the same for every SQL engine; `place`: where it lies, for errors."""

    place: str

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """A connection inside a read transaction: one snapshot."""

    @abstractmethod
    def _write(self, work: Work[T], is_done: Callable[[Connection, T], bool] | None = None) -> T:
        """Result of `work` within one write transaction, once it is committed; it may be called again.

        `is_done` tells whether a commit was done whose answer was lost; without it the work may be done twice.
        """

    @abstractmethod
    def _new_number(self, connection: Connection, key: str) -> int:
        """The number of a bank that is made; `key`: its name, as stored."""

    @abstractmethod
    def _note_erasures(
        self, connection: Connection, row: BankRow, erased: "Sequence[Erased]", contents: Sequence[bytes], at: datetime
    ) -> None:
        """Write receipts of erasures within their transaction; `contents` went with them."""

    @abstractmethod
    def _drop_contents(
        self, connection: Connection, row: BankRow, at: datetime, requested_by: str | None
    ) -> ErasureReceipt:
        """Remove everything of a bank but its own row within a transaction, and write the receipt."""

    def _read(self, work: Work[T]) -> T:
        """Result of `work` within one snapshot; it may be called again."""
        with self._reading() as connection:
            return work(connection)

    def _read_statement(self, work: Work[T]) -> T:
        """Result of one statement, which is a transaction of its own."""
        return self._read(work)

    def _write_together(self, work: Work[T], is_done: Callable[[Connection, T], bool] | None = None) -> T:
        """The same as `_write`, in a transaction that several threads may share."""
        return self._write(work, is_done)

    @property
    def callers(self) -> "SqlCallerRecords":
        from memkit.storage.sql.callers import SqlCallerRecords

        return SqlCallerRecords(self._read_statement, self._write_together)

    # -- banks

    def open_bank(self, name: "BankName", *, zone: str | None = None) -> BankState:
        return self.find_bank(name) or self._make_bank(name, checked_zone(zone or "UTC"))

    def _make_bank(self, name: "BankName", zone: str) -> BankState:
        key = name_key(name)
        columns = {"zone": zone, "key": secrets.token_bytes(16), "created_at": to_micros(utc_now())}

        def make(connection: Connection) -> BankRow:
            self._lock_name(connection, key)
            row = self._row_by_name(connection, key)
            if row is None:
                refuse_moved(name, _meta_value(connection, moved_key(name)), self.place)
            return row or self._add_bank(connection, key, columns)

        return self._write(make).to_state()

    def _lock_name(self, connection: Connection, key: str) -> None:  # noqa: B027
        """Keep others from making a bank of this name within a transaction; nothing where one writes at a time."""

    def _add_bank(self, connection: Connection, name: str, columns: dict[str, Any]) -> BankRow:
        """Add a bank; it takes over receipts and fingerprints of an erased bank of the same name."""
        from memkit.storage.sql.publishing import take_over

        bank = self._new_number(connection, name)
        run(connection, "add_bank", bank=bank, name=name, **columns)
        run_many(connection, set_meta=[{"key": k, "value": v} for k, v in term_rules_meta(bank).items()])
        take_over(connection, bank, name)
        return BankRow(*run(connection, "bank", bank=bank).fetchone())

    def find_bank(self, name: "BankName") -> BankState | None:
        key = name_key(checked_name(name))
        row = self._read_statement(lambda connection: self._row_by_name(connection, key))
        return None if row is None else row.to_state()

    def _row_by_name(self, connection: Connection, key: str) -> BankRow | None:
        row = run(connection, "bank_by_name", name=key).fetchone()
        return None if row is None else BankRow(*row)

    def banks(self, prefix: "BankName" = (), *, items_at: datetime | None = None) -> list[BankState]:
        start, end = prefix_range(prefix)
        query, moment = ("banks_between", None) if items_at is None else ("banks_with_items", to_micros(items_at))
        rows = self._read(lambda connection: run(connection, query, start=start, end=end, moment=moment).fetchall())
        return listed((BankRow(*row).to_state() for row in rows), prefix)

    def unencoded_banks(self) -> list[BankState]:
        rows = self._read(lambda connection: run(connection, "unencoded_banks").fetchall())
        return listed((BankRow(*row).to_state() for row in rows), ())

    def drop_bank(
        self, bank: int, *, at: datetime, requested_by: str | None = None, fingerprints: Sequence[bytes] = ()
    ) -> ErasureReceipt | None:
        """Erase a bank and everything in it; None where it isn't there."""
        from memkit.storage.sql.callers import drop_answers

        def drop(connection: Connection) -> ErasureReceipt | None:
            row = self._row_for_change(connection, bank)
            if row is None:
                return None
            receipt = self._drop_contents(connection, row, at, requested_by)
            drop_answers(connection, row.name)
            drop_bank(connection, bank)
            run(connection, "drop_meta", key=moved_key(row.to_state().name))
            run_many(connection, add_fingerprint=[{"bank": bank, "mac": mac} for mac in fingerprints])
            return receipt

        def is_done(connection: Connection, receipt: ErasureReceipt | None) -> bool:
            from memkit.storage.sql.erasures import last_receipt

            return receipt is None or last_receipt(connection, bank) == receipt

        return self._write(drop, is_done)

    def discard(self, bank: int) -> None:
        from memkit.storage.sql.publishing import drop_unpublished

        self._write(lambda connection: drop_unpublished(connection, bank))

    def publish(
        self, bank: int, exported: "ExportedBank", receipts: Sequence[ErasureReceipt], fingerprints: Sequence[bytes]
    ) -> BankState:
        from memkit.storage.sql.publishing import publish

        def work(connection: Connection) -> BankState:
            self._lock_name(connection, name_key(exported.name))
            row = self._checked(self._row_for_change(connection, bank), bank)
            return publish(connection, row, exported, receipts, fingerprints)

        return self._write(work, lambda connection, state: self._row(connection, bank).to_state().name == state.name)

    # -- banks that move

    def version(self, name: "BankName") -> "BankVersion":
        from memkit.storage.sql.tables import version_of

        return self._read(lambda connection: version_of(connection, name))

    def read_rows(self, name: "BankName", after: "RowPlace | None" = None) -> "list[TableRows]":
        from memkit.storage.sql.tables import read_rows

        return self._read(lambda connection: read_rows(connection, name, after))

    def write_rows(self, name: "BankName", rows: "Sequence[TableRows]") -> None:
        from memkit.storage.sql.tables import write_rows

        def work(connection: Connection) -> None:
            bank = self._row(connection, name).bank
            for each in rows:
                write_rows(connection, bank, each)

        self._write(work)

    def publish_rows(self, loading: BankState, name: "BankName", rows: "Sequence[TableRows]") -> BankState | None:
        from memkit.storage.sql.tables import publish_rows

        def row_of(connection: Connection) -> BankRow | None:
            row = self._row_for_change(connection, loading.number)
            return row if row is not None and row.to_state() == loading else None

        def work(connection: Connection) -> BankRow | None:
            self._lock_name(connection, name_key(name))
            return publish_rows(connection, self._checked(row_of(connection), loading.name), name, rows)

        row = self._write(work, lambda connection, _: row_of(connection) is None)
        return None if row is None else row.to_state()

    def withdraw(self, name: "BankName", version: "BankVersion") -> bool:
        from memkit.storage.sql.callers import drop_answers
        from memkit.storage.sql.tables import version_of, withdraw

        def work(connection: Connection) -> bool:
            self._lock_name(connection, name_key(name))
            row = self._row_by_name(connection, name_key(name))
            if row is not None:
                self._row_for_change(connection, row.bank)
            if version_of(connection, name) != version:
                return False
            self._keep_numbers(connection)
            withdraw(connection, name)
            drop_answers(connection, name_key(name))
            return True

        return self._write(work, lambda connection, done: not done or version_of(connection, name) != version)

    def _keep_numbers(self, connection: Connection) -> None:  # noqa: B027
        """Keep a bank's number from being given again, within the transaction that withdraws the bank."""

    # -- reading and changing one bank

    def _applied(
        self, connection: Connection, view: "SqlView", decide: "Sequence[Step] | Decision", at: datetime
    ) -> Receipt:
        """Do operations on the bank of a view, within a transaction."""
        from memkit.storage.core.apply_operations import apply_operations
        from memkit.storage.sql.callers import drop_answers
        from memkit.storage.sql.writer import Writer

        steps = decide(view) if callable(decide) else decide
        changes, outcomes = apply_operations(steps, view, at=at)
        change = view.row.change
        if changes:
            writer = Writer(view, changes)
            row = writer.write()
            change = row.change
            self._note_changes(connection, row)
            if changes.removed:
                drop_answers(connection, row.name)
            if changes.erased:
                self._note_erasures(connection, row, changes.erased, writer.erased, at)
        return Receipt(bank=view.state.name, change=change, outcomes=outcomes)

    def _note_changes(self, connection: Connection, row: BankRow) -> None:  # noqa: B027
        """Note within their transaction that changes were made, where an answer can be lost; `row`: after them."""

    def _row(self, connection: Connection, bank: "int | BankName") -> BankRow:
        """A bank's row. Raises BankGoneError."""
        if isinstance(bank, int):
            row = self._row_by_number(connection, bank)
        else:
            row = self._row_by_name(connection, name_key(checked_name(bank)))
        return self._checked(row, bank)

    def _checked(self, row: BankRow | None, bank: "int | BankName") -> BankRow:
        if row is None:
            raise bank_gone(bank, self.place)
        return row.checked()

    def _row_by_number(self, connection: Connection, bank: int) -> BankRow | None:
        row = run(connection, "bank", bank=bank).fetchone()
        return None if row is None else BankRow(*row)

    def _row_for_change(self, connection: Connection, bank: int) -> BankRow | None:
        """A bank's row within a transaction that changes the bank."""
        return self._row_by_number(connection, bank)

    # -- the store's own notes

    def get_meta(self, key: str) -> str | None:
        return self._read_statement(lambda connection: _meta_value(connection, key))

    def set_meta(self, values: dict[str, str]) -> None:
        rows = [{"key": key, "value": value} for key, value in sorted(values.items())]
        self._write(lambda connection: run_many(connection, set_meta=rows))

    def claim_banks(self, claim: "BankClaim") -> list[BankState]:
        values = claim_values(claim)
        if not self._read_statement(lambda connection: run(connection, "due_banks", **values).fetchall()):
            return []
        return [row.to_state() for row in self._write(lambda connection: self._claimed(connection, values))]

    def _claimed(self, connection: Connection, values: dict[str, Any]) -> list[BankRow]:
        """Rows of the banks that are claimed, within a transaction."""
        rows = [BankRow(*row) for row in run(connection, "due_banks", **values).fetchall()]
        return [row for row in rows if run(connection, "take_lease", **{**values, "bank": row.bank}).rowcount > 0]

    def lease(self, bank: int, owner: str, now: datetime, seconds: float) -> bool:
        moments = lease_moments(now, seconds)

        def take(connection: Connection) -> bool:
            if run(connection, "bank", bank=bank).fetchone() is None:
                return False
            return run(connection, "take_lease", bank=bank, owner=owner, **moments).rowcount > 0

        return self._write(take)

    def release(self, bank: int, owner: str, rest: "BankRest | None" = None) -> None:
        def work(connection: Connection) -> None:
            if rest is None:
                run(connection, "drop_lease", bank=bank, owner=owner)
            else:
                values = {"rest": f"{rest_owner(rest.mark)}{rest.change}", "until": to_micros(rest.until)}
                run(connection, "rest", bank=bank, owner=owner, **values)

        self._write(work)

    def receipts(self, after: int = 0) -> list[ErasureReceipt]:
        from memkit.storage.sql.erasures import receipts

        return self._read(lambda connection: receipts(connection, after))

    def receipt(self, bank: int, change: int) -> ErasureReceipt | None:
        from memkit.storage.sql.erasures import receipt_at

        return self._read_statement(lambda connection: receipt_at(connection, bank, change))

    def adopt_receipts(
        self, receipts: Sequence[ErasureReceipt], fingerprints: "Sequence[tuple[BankName, bytes]]" = ()
    ) -> None:
        from memkit.storage.sql.adopting import adopt_receipts

        self._write(
            lambda connection: adopt_receipts(
                connection, receipts, fingerprints, lambda key: self._new_number(connection, key)
            )
        )

    def fingerprinted(self, bank: int, macs: Sequence[bytes]) -> set[bytes]:
        rows = self._read_statement(lambda connection: run_over(connection, "fingerprints_among", macs, bank=bank))
        return {row[0] for row in rows}

    def fingerprints(self, name: "BankName") -> list[bytes]:
        def read(connection: Connection) -> list[bytes]:
            banks = [row[0] for row in run(connection, "banks_of_name", name=name_key(name))]
            return [row[0] for row in run_over(connection, "fingerprints_of_name", banks)]

        return self._read(read)


def _meta_value(connection: Connection, key: str) -> str | None:
    row = run(connection, "get_meta", key=key).fetchone()
    return None if row is None else str(row[0])


def lease_moments(now: datetime, seconds: float) -> dict[str, int]:
    """Values of a lease that begins now."""
    start = to_micros(now)
    farthest = to_micros(now + MAX_DELAY)  # a clock was wrong where a lease ends beyond it
    return {"until": start + round(seconds * 1_000_000), "now": start, "farthest": farthest}


def claim_values(claim: "BankClaim") -> dict[str, Any]:
    """Values of the statements of a claim."""
    return {
        **lease_moments(claim.now, claim.seconds),
        "longest": to_micros(claim.now + MAX_REST),
        "rest": rest_owner(claim.mark),
        "owner": claim.owner,
        "after": claim.after,
        "last": claim.last,
        "limit": claim.limit,
    }


def sizes_of_parts(connection: Connection, bank: int | None) -> dict[str, int]:
    """Bytes by part, of one bank or of all."""
    from memkit.storage.core.blocks import ROW_PART, SKETCH_PART, TERM_PART, VECTOR_PART

    def size(name: str, **values: int) -> int:
        return int(run(connection, name, bank=bank, **values).fetchone()[0])

    return {
        "text": size("size_of_text"),
        "tokens": size("size_of_tokens"),
        "vectors": size("size_of_vectors") + size("size_of_entries", part=VECTOR_PART),
        "sketches": size("size_of_entries", part=SKETCH_PART),
        "terms": size("size_of_entries", part=TERM_PART),
        "rows": size("size_of_entries", part=ROW_PART),
        "history": size("size_of_history"),
    }
