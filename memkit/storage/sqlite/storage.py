"""Banks in one SQLite file. Each call is one transaction; what returned survives kill -9 and power loss."""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from memkit.errors import InputError
from memkit.models import ErasureReceipt, Receipt
from memkit.storage.core.banks import BankRow
from memkit.storage.sql.queries import Connection, run
from memkit.storage.sql.storage import SqlStorage, T, Work, sizes_of_parts
from memkit.storage.sqlite.connections import Connections
from memkit.storage.sqlite.filesystem import sync
from memkit.storage.sqlite.group_commit import GroupCommit
from memkit.storage.sqlite.opening import prepare
from memkit.storage.sqlite.secure_delete.files import Files

if TYPE_CHECKING:  # what reads and changes memories is imported where that is done: names alone take none of it
    from memkit.operations import Step
    from memkit.protocols import BankName, BankView, Decision
    from memkit.settings import RuntimeSettings
    from memkit.storage.core.unit_of_work import Erased
    from memkit.storage.sqlite.purge import Erasures


LAST_BANK_KEY = "bank.last"  # the greatest number that a bank had which was moved away; see the query `last_bank`


class SqliteStorage(SqlStorage):
    """protocols.Storage over one file; safe to share between threads, reopened after a fork.

    Raises the StorageError of what went wrong; a call that raised changed nothing.
    """

    def __init__(self, path: Path, *, read_only: bool, settings: "RuntimeSettings") -> None:
        self.path, self.place = path, str(path)
        self._connections = Connections(path, read_only=read_only, busy_timeout=settings.busy_timeout)
        self._writes = GroupCommit(self._connections)
        self._files = Files(path)
        self._made_erasures: Erasures | None = None
        self._lock = threading.Lock()
        self._closed = False
        try:
            prepare(self._connections)
        except BaseException:
            self.close()
            raise

    @property
    def _erasures(self) -> "Erasures":
        """Erasures through this store, made with the first one: names alone are read without them."""
        with self._lock:
            if self._made_erasures is None:
                from memkit.storage.sqlite.purge import Erasures

                self._made_erasures = Erasures(self._connections, self._files)
            return self._made_erasures

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._connections.reading() as connection:
            yield connection

    def _read_statement(self, work: Work[T]) -> T:
        with self._connections.borrowed() as connection:
            return self._connections.retry_while_busy(lambda: work(connection))

    def _write(self, work: Work[T], is_done: Callable[[Connection, T], bool] | None = None) -> T:
        with self._connections.writing() as connection:
            return work(connection)

    def _write_together(self, work: Work[T], is_done: Callable[[Connection, T], bool] | None = None) -> T:
        return self._writes.run(work)

    def _new_number(self, connection: Connection, key: str) -> int:
        return int(run(connection, "last_bank").fetchone()[0]) + 1

    @contextmanager
    def view(self, bank: "int | BankName") -> "Iterator[BankView]":
        from memkit.storage.sql.view import SqlView

        with self._connections.reading() as connection:
            yield SqlView(connection, self._row(connection, bank))

    def apply(self, bank: "int | BankName", decide: "Sequence[Step] | Decision", *, at: datetime) -> Receipt:
        """Do operations in one transaction, all or none; it is committed with what other threads write meanwhile.

        Raises UnknownMemoryError where an operation names an id that isn't there, and whatever `decide`
        raises; nothing was changed then.
        """
        from memkit.storage.sql.view import SqlView

        def work(connection: Connection) -> Receipt:
            return self._applied(connection, SqlView(connection, self._row(connection, bank)), decide, at)

        return self._writes.run(work)

    def _note_erasures(
        self, connection: Connection, row: BankRow, erased: "Sequence[Erased]", contents: Sequence[bytes], at: datetime
    ) -> None:
        self._erasures.note(connection, row, erased, contents, at)

    def _drop_contents(
        self, connection: Connection, row: BankRow, at: datetime, requested_by: str | None
    ) -> ErasureReceipt:
        return self._erasures.drop_bank(connection, row, at, requested_by)

    def _keep_numbers(self, connection: Connection) -> None:
        run(connection, "set_meta", key=LAST_BANK_KEY, value=str(run(connection, "last_bank").fetchone()[0]))

    # -- the files

    def audit(self, *, repair: bool = False) -> list[str]:
        """Problems of the stored data, one sentence each; repaired on request.

        A damaged file is rebuilt from what can be read of it. Raises BusyError where somebody else has it open.
        """
        from memkit.storage.core.receipts import chain_flaws
        from memkit.storage.sql.erasures import bytes_left
        from memkit.storage.sqlite.repair.audit import audit, damage
        from memkit.storage.sqlite.repair.recover import recover

        problems = damage(self._connections)
        if problems and not repair:
            return problems
        if problems:
            self._connections.release()
            problems += recover(self.path)
        problems += audit(self._connections, repair=repair) + chain_flaws(self.receipts())
        left = self._read(bytes_left)
        if left and repair:
            self.purge()
        return problems + left

    def sizes(self, bank: int | None = None) -> dict[str, int]:
        """Bytes by part; `total` is that of the files, or of one bank's parts."""
        with self._connections.reading() as connection:
            parts = sizes_of_parts(connection, bank)
            pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
            free = pages * connection.execute("PRAGMA page_size").fetchone()[0]
        if bank is not None:
            return {**parts, "free": 0, "total": sum(parts.values())}
        return {**parts, "free": free, "total": self._files.size()}

    def purge(self, *, thorough: bool = True, wait: float = 0.0, locking: bool = True) -> bool:
        """Push erased bytes out of the log and the pages; False where some may be left."""
        return self._erasures.purge(thorough=thorough, wait=wait)

    def backup(self, path: str) -> None:
        """A compact, consistent copy, while the store is in use; an older copy there is replaced.

        Raises UnwritablePathError, DiskFullError or InputError.
        """
        target = Path(path)
        if target.exists() and target.samefile(self.path):
            raise InputError(f"backup: {path} is this store's own file. Give another path.")
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
        try:
            with self._connections.borrowed() as connection:
                self._connections.retry_while_busy(lambda: connection.execute("VACUUM INTO ?", (str(part),)))
            sync(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; harmless to repeat. Calls afterwards raise ClosedError."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._connections.close()
        self._files.close()
