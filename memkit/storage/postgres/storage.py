"""Banks in the tables of one PostgreSQL schema. Each call is one transaction; what returned survives a crash."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from memkit.errors import StorageError
from memkit.models import BankState, ErasureReceipt, Receipt
from memkit.storage.core.banks import LOADING_MARK, BankRow, checked_name, name_hash, name_key, name_parts
from memkit.storage.locations import server_error
from memkit.storage.postgres import schema, server
from memkit.storage.postgres.connection import Transaction
from memkit.storage.postgres.dialect import plain
from memkit.storage.postgres.errors import translated
from memkit.storage.postgres.location import Location
from memkit.storage.postgres.pool import Pool
from memkit.storage.postgres.transactions import Transactions
from memkit.storage.sql.queries import Connection, run
from memkit.storage.sql.row_blocks import last_in_blocks
from memkit.storage.sql.storage import SqlStorage, T, Work, claim_values, sizes_of_parts

if TYPE_CHECKING:
    from memkit.operations import Step
    from memkit.protocols import BankClaim, BankName, BankView, Decision
    from memkit.settings import RuntimeSettings
    from memkit.storage.core.unit_of_work import Erased

NUMBER_TRIES = 8  # numbers that a name may get, where other banks have the first ones
KEPT_APPLIES = 1000  # changes of a bank, whose tokens are kept

BYTES_LEFT_WORDS = (
    "erased bytes may still lie in the tables. `memkit purge` rewrites them, and so does repairing; each is locked "
    "meanwhile."
)


class PostgresStorage(SqlStorage):
    """protocols.Storage over one schema of a server; safe to share between threads, begun anew after a fork.

    Raises the StorageError of what went wrong; a call that raised changed nothing, but see UnsettledError.
    """

    def __init__(self, location: Location, *, read_only: bool, settings: "RuntimeSettings") -> None:
        self.location, self.place = location, location.shown
        self._pool = Pool(location, settings.busy_timeout)
        self._transactions = Transactions(self._pool, read_only=read_only, timeout=settings.busy_timeout)
        try:
            self._prepare(read_only=read_only, lock_seconds=settings.busy_timeout)
        except BaseException:
            self.close()
            raise

    def _prepare(self, *, read_only: bool, lock_seconds: float) -> None:
        """Check the server, and make the tables where they aren't there."""
        with translated(self.place), closing(self._pool.dial()) as raw:
            is_pooled, is_asynchronous = server.check(raw, self.place)
            schema.prepare(raw, self.location, read_only=read_only, lock_seconds=lock_seconds)
        if is_pooled and self.location.prepare is None:
            self._pool.stop_preparing()
        if is_asynchronous:
            self._transactions.set_by_transaction.append(plain("SET LOCAL synchronous_commit = on"))

    # -- transactions

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._transactions.reading(lambda transaction: None) as (transaction, _):
            yield transaction

    def _read(self, work: Work[T]) -> T:
        return self._transactions.read(work)

    def _read_statement(self, work: Work[T]) -> T:
        return self._transactions.read_statement(work)

    def _write(self, work: Work[T], is_done: Callable[[Connection, T], bool] | None = None) -> T:
        return self._transactions.write(work, is_done)

    @contextmanager
    def view(self, bank: "int | BankName") -> "Iterator[BankView]":
        from memkit.storage.sql.view import SqlView

        with self._transactions.reading(lambda transaction: self._row(transaction, bank)) as (transaction, row):
            yield SqlView(transaction, row)

    def apply(self, bank: "int | BankName", decide: "Sequence[Step] | Decision", *, at: datetime) -> Receipt:
        """Do operations in one transaction, all or none; changes of one bank are made one after the other.

        Raises UnknownMemoryError where an operation names an id that isn't there, and whatever `decide`
        raises; nothing was changed then.
        """
        from memkit.storage.sql.view import SqlView

        token = secrets.randbits(63)

        def work(transaction: Transaction) -> tuple[int, Receipt]:
            transaction.token = token
            view = SqlView(transaction, self._row_to_change(transaction, bank))
            return view.bank, self._applied(transaction, view, decide, at)

        def is_done(transaction: Transaction, value: tuple[int, Receipt]) -> bool:
            number, receipt = value
            run(transaction, "bank_for_change", bank=number).fetchall()
            count = run(transaction, "is_applied", bank=number, change=receipt.change, token=token).fetchone()
            return bool(count[0])

        _, receipt = self._transactions.write(work, is_done)
        return receipt

    def _note_changes(self, connection: Connection, row: BankRow) -> None:
        token = cast("Transaction", connection).token
        run(connection, "add_applied", bank=row.bank, change=row.change, token=token)
        run(connection, "drop_applied", bank=row.bank, before=row.change - KEPT_APPLIES)

    # -- banks and their numbers

    def _row_by_name(self, connection: Connection, key: str) -> BankRow | None:
        return self._named(connection, "bank_named", key)

    def _named(self, connection: Connection, name: str, key: str) -> BankRow | None:
        """A bank's row by its first number; a bank that was published may have another."""
        row = run(connection, name, bank=name_hash(key), name=key).fetchone()
        row = row or run(connection, "bank_by_name", name=key).fetchone()
        return None if row is None else BankRow(*row)

    def _row_to_change(self, transaction: Transaction, bank: "int | BankName") -> BankRow:
        """A bank's row, locked; with it comes what writing asks for at its end. Raises BankGoneError."""
        number = bank if isinstance(bank, int) else name_hash(name_key(checked_name(bank)))
        transaction.read_ahead(
            [lambda: self._locked_row(transaction, bank), lambda: last_in_blocks(transaction, number)]
        )
        return self._locked_row(transaction, bank)

    def _locked_row(self, transaction: Transaction, bank: "int | BankName") -> BankRow:
        if isinstance(bank, int):
            return self._checked(self._row_for_change(transaction, bank), bank)
        row = self._named(transaction, "bank_named_for_change", name_key(checked_name(bank)))
        if row is not None and row.bank != name_hash(row.name):
            row = self._row_for_change(transaction, row.bank)
        return self._checked(row, bank)

    def _row_for_change(self, connection: Connection, bank: int) -> BankRow | None:
        row = run(connection, "bank_for_change", bank=bank).fetchone()
        return None if row is None else BankRow(*row)

    def _lock_name(self, connection: Connection, key: str) -> None:
        run(connection, "lock_name", number=name_hash(key)).fetchall()

    def _new_number(self, connection: Connection, key: str) -> int:
        """A hash of the name; of a bank that is being loaded, of the name that it gets."""
        for number in candidates(key):
            other = run(connection, "bank", bank=number).fetchone()
            erased = run(connection, "erased_name", bank=number).fetchone()
            if other is None and (erased is None or erased[0] == key):
                return number
        raise StorageError(f"{self.place}: the bank's name gets no number, as other banks have all that it could get.")

    # -- maintenance

    def claim_banks(self, claim: "BankClaim") -> list[BankState]:
        """One statement where any is due; it passes over the banks that others claim at this moment."""
        values = claim_values(claim)
        if not self._read_statement(
            lambda connection: run(connection, "due_banks", **{**values, "limit": 1}).fetchall()
        ):
            return []
        rows = self._write(lambda connection: run(connection, "claim_banks", **values).fetchall())
        return [BankRow(*row).to_state() for row in rows]

    # -- erasure

    def _note_erasures(
        self, connection: Connection, row: BankRow, erased: "Sequence[Erased]", contents: Sequence[bytes], at: datetime
    ) -> None:
        from memkit.storage.sql.erasures import add_receipts

        add_receipts(connection, row, erased, at)

    def _drop_contents(
        self, connection: Connection, row: BankRow, at: datetime, requested_by: str | None
    ) -> ErasureReceipt:
        from memkit.storage.sql.erasures import add_bank_receipt

        return add_bank_receipt(connection, row, at, requested_by)

    def purge(self, *, thorough: bool = True, wait: float = 0.0, locking: bool = True) -> bool:
        """Rewrite the tables without what was erased, where others may be locked out meanwhile; follow the log.

        False where something is left to be done: readers were in the way, the log is not used again yet, or the tables
        are left for a call that may lock them. Raises PermissionDeniedError where they are another role's.
        """
        from memkit.storage.postgres.purge import TablesPurge

        return TablesPurge(self._pool, self._transactions).run(rewriting=thorough and locking, wait=wait)

    # -- the tables

    def audit(self, *, repair: bool = False) -> list[str]:
        """Problems of the stored data, one sentence each."""
        from memkit.storage.core.receipts import chain_flaws
        from memkit.storage.postgres.audit import audit
        from memkit.storage.sql.erasures import bytes_left

        problems = self._read(audit) + chain_flaws(self.receipts())
        left = self._read(bytes_left)
        if left and repair:
            self.purge()
        return problems + [BYTES_LEFT_WORDS] * bool(left)

    def sizes(self, bank: int | None = None) -> dict[str, int]:
        """Bytes by part; `total` is that of the tables with their indexes, or of one bank's parts."""
        parts = self._read(lambda connection: sizes_of_parts(connection, bank))
        if bank is not None:
            return {**parts, "free": 0, "total": sum(parts.values())}
        with translated(self.place), closing(self._pool.dial()) as raw:
            row: Any = raw.execute(TOTAL_SIZE, [self.location.schema]).fetchone()
        return {**parts, "free": 0, "total": int(row[0])}

    def backup(self, path: str) -> None:
        """Raises StorageError: PostgreSQL's own tools do that."""
        raise server_error("back up", self.place)

    def close(self) -> None:
        """Close the connections; harmless to repeat. Calls afterwards raise ClosedError."""
        self._pool.close()


TOTAL_SIZE = (
    b"SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n "
    b"ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'"
)


def candidates(key: str) -> list[int]:
    """Numbers that a new bank may get, the first that is free."""
    name = name_parts(key)
    target = [name_key(name[2:])] if name[0] == LOADING_MARK else []
    return [name_hash(each) for each in (*target, key, *(f"{key}{n}" for n in range(NUMBER_TRIES)))]
