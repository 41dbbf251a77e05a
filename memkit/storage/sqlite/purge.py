"""Purge: erased bytes are driven out of the log and of the pages, and the receipts say when that is done."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime

from memkit.errors import ReadOnlyError
from memkit.models import ErasureReceipt
from memkit.storage.core.banks import BankRow
from memkit.storage.core.unit_of_work import Erased
from memkit.storage.sql.erasures import (
    add_bank_receipt,
    add_receipts,
    finish_erasures,
    is_withdrawal_noted,
    pending_erasures,
)
from memkit.storage.sql.queries import Connection, run
from memkit.storage.sql.writer import as_bytes
from memkit.storage.sqlite.connections import BUSY_CODES, Connections, primary_code
from memkit.storage.sqlite.secure_delete.files import Files
from memkit.storage.sqlite.secure_delete.search import Search, search_windows

MAX_WINDOWS = 200_000  # of erased contents, searched for
SAMPLED_ROWS = 5_000  # of an erased bank, whose contents are searched for
MAX_SEARCHED_BYTES = 2**30  # in larger files nobody waits for the search
RETRY_SECONDS = 0.02
READ_ROWS = 500  # at once
INTEGER_BYTES = (1, 2, 3, 4, 6, 8)  # that SQLite gives an integer
RETAINED_QUERIES = ("retained_words", "retained_notes", "retained_vectors", "retained_entries")


class _InTheWayError(Exception):
    """Readers or writers keep the log from being truncated."""


class Erasures:
    """Contents erased through this store, held in memory until the files are found free of them.

    Receipts in the file say `pending` until then, which outlives a crash. Contents that another process erased, or
    one that has ended, can't be searched for: a purge then rewrites the whole file.
    """

    def __init__(self, connections: Connections, files: Files) -> None:
        self._connections, self._files = connections, files
        self._windows: dict[str, set[bytes]] = {}  # by the receipt's hash
        self._lock = threading.Lock()

    def note(
        self,
        connection: Connection,
        row: BankRow,
        erased: Sequence[Erased],
        contents: Sequence[bytes],
        at: datetime,
    ) -> None:
        """Within the transaction of erasures: write their receipts, and keep the windows that a purge searches for."""
        for receipt in add_receipts(connection, row, erased, at):
            self._keep_windows(receipt, contents)

    def drop_bank(self, connection: Connection, row: BankRow, at: datetime, requested_by: str | None) -> ErasureReceipt:
        """Within a transaction: remove everything of a bank but its own row."""
        sample = run(connection, "contents_of_bank", bank=row.bank, limit=SAMPLED_ROWS)
        contents = [part for each in sample for part in as_bytes(each)]
        receipt = add_bank_receipt(connection, row, at, requested_by)
        self._keep_windows(receipt, contents)
        return receipt

    def _keep_windows(self, receipt: ErasureReceipt, contents: Sequence[bytes]) -> None:
        with self._lock:
            self._windows[receipt.hash] = search_windows(contents, MAX_WINDOWS)

    def _waiting(self) -> tuple[dict[str, tuple[int, int]], bool]:
        """Receipts whose bytes may still lie in the files, whichever process erased them: bank and number, by hash.

        And whether those of banks may that were moved away.
        """
        with self._connections.reading() as connection:
            return pending_erasures(connection), is_withdrawal_noted(connection)

    def purge(self, *, thorough: bool = True, wait: float = 0.0) -> bool:
        """True once no erased byte is left; False where readers are in the way, or the search is put off.

        Truncates the log, searches the free space for the bytes, and rewrites the file where any is left; then
        searches again. For `wait` seconds it lets readers finish.
        """
        if self._connections.read_only:
            raise ReadOnlyError(f"{self._connections.path}: was opened read-only; nothing was erased here.")
        pending, withdrew = self._waiting()
        if not pending and not withdrew:
            return True
        if not thorough and self._files.size() > MAX_SEARCHED_BYTES:
            with suppress(_InTheWayError), self._unmoved_log(wait):
                pass
            return False
        with self._lock:
            searchable = not withdrew and all(hash in self._windows for hash in pending)
            windows = set().union(*(self._windows.get(hash, ()) for hash in pending))
        with suppress(_InTheWayError):
            if (searchable and not self._is_left(windows, wait)) or not self._is_left_after_rewriting(windows, wait):
                return self._finish(pending)
        return False

    def _is_left_after_rewriting(self, windows: set[bytes], wait: float) -> bool:
        with self._connections.borrowed() as connection:
            self._connections.retry_while_busy(lambda: connection.execute("VACUUM"))
        return self._is_left(windows, wait)

    def _is_left(self, windows: set[bytes], wait: float) -> bool:
        """Whether any of these lies in the files without being part of stored rows."""
        with self._unmoved_log(wait):
            remains = self._files.remains(windows)
        with self._connections.reading() as connection:
            return bool(remains) and not self._is_stored(connection, remains)

    def _is_stored(self, connection: sqlite3.Connection, windows: set[bytes]) -> bool:
        """Whether all of these are part of stored rows; mostly that is seen after the first ones."""
        missing = set(windows)
        for name in RETAINED_QUERIES:
            cursor = run(connection, name)
            while rows := cursor.fetchmany(READ_ROWS):
                missing -= Search(missing).matches(b"\0".join(b"".join(map(_stored_form, row)) for row in rows))
                if not missing:
                    return True
        return False

    def _finish(self, erasures: Mapping[str, tuple[int, int]]) -> bool:
        with self._connections.writing() as connection:
            finish_erasures(connection, erasures)
        with self._lock:
            for hash in erasures:
                self._windows.pop(hash, None)
        return True

    @contextmanager
    def _unmoved_log(self, wait: float) -> Iterator[None]:
        """Truncate the log, and keep it from being moved into the database meanwhile, whose file stands still."""
        end = time.monotonic() + wait
        with ExitStack() as reading:
            while not self._begin(reading):
                if time.monotonic() >= end:
                    raise _InTheWayError
                time.sleep(RETRY_SECONDS)
            yield

    def _begin(self, reading: ExitStack) -> bool:
        """Begin to read while the log is empty, which keeps it from being moved; writing goes on into the log."""
        with self._connections.turn():
            if not self._truncate():
                return False
            reading.enter_context(self._connections.reading())
            if self._files.has_log():  # another process wrote in between
                reading.close()
                return False
        return True

    def _truncate(self) -> bool:
        with self._connections.borrowed() as connection:
            try:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if primary_code(error) not in BUSY_CODES:
                    raise
                return False
        return not busy


def _stored_form(value: int | str | bytes | None) -> bytes:
    """A column as it lies in the file, next to the one before: a bank's number may read like the end of a line."""
    if value is None or value in (0, 1):
        return b""
    if isinstance(value, int):
        length = (value if value >= 0 else ~value).bit_length() // 8 + 1
        return value.to_bytes(next(n for n in INTEGER_BYTES if n >= length), "big", signed=True)
    return value.encode() if isinstance(value, str) else value
