"""What follows an erasure: its receipt, and that erased bytes are pushed out of the log and of the pages."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime

import numpy as np

from memkit.errors import ReadOnlyError
from memkit.models import ErasureReceipt
from memkit.storage.core.change_set import Erased
from memkit.storage.core.checksums import reading
from memkit.storage.core.enum_codes import KIND
from memkit.storage.core.receipts import receipt_of, receipt_of_bank
from memkit.storage.sql.queries import queries, run, run_many
from memkit.storage.sql.view import BankRow
from memkit.storage.sql.writer import as_bytes
from memkit.storage.sqlite.connections import BUSY_CODES, Connections, primary_code
from memkit.storage.sqlite.secure_delete.files import Files, Search, pieces

MOST = 200_000  # pieces of what was erased that are looked for
SAMPLED = 5_000  # rows of a bank that went as a whole, whose contents are looked for
LARGE = 2**30  # bytes: in files beyond that, nobody waits for the search
PAUSE = 0.02  # seconds between two tries
BATCH = 500  # rows read at once
WIDTHS = (1, 2, 3, 4, 6, 8)  # bytes that SQLite gives an integer
RETAINED = ("retained_words", "retained_notes", "retained_vectors", "retained_traces")


class _InTheWayError(Exception):
    """Readers or writers kept the log from being cut."""


class Erasures:
    """Keeps, in memory only, what was erased through this store until the files were found free of it.

    Receipts say `pending` in the file until then, which outlives a crash: whoever purges what another process
    erased, or one that is gone, doesn't know what to look for and rewrites the whole file.
    """

    def __init__(self, connections: Connections, files: Files) -> None:
        self._connections, self._files = connections, files
        self._pieces: dict[str, set[bytes]] = {}  # by the receipt's hash
        self._lock = threading.Lock()

    def note(
        self,
        connection: sqlite3.Connection,
        row: BankRow,
        erased: Sequence[Erased],
        contents: Sequence[bytes],
        at: datetime,
    ) -> None:
        """Within the transaction of erasures: their receipts, and what a purge is to look for."""
        for one in erased:
            receipt = receipt_of(one, row.to_state(), at, _last(connection))
            self._keep(connection, row, receipt, np.array(one.seqs, dtype="<i8").tobytes(), contents)
            run_many(connection, "add_fingerprint", [(mac,) for mac in one.fingerprints])

    def drop_bank(
        self, connection: sqlite3.Connection, row: BankRow, at: datetime, requested_by: str | None
    ) -> ErasureReceipt:
        """Within a transaction: remove all that belongs to a bank but its own row."""
        counts = {KIND.words[kind]: count for kind, count in run(connection, "kinds_of_bank", row.bank)}
        state = row._replace(change=row.change + 1).to_state()
        receipt = receipt_of_bank(state, counts, at, requested_by, _last(connection))
        sample = run(connection, "contents_of_bank", row.bank, SAMPLED)
        self._keep(connection, row, receipt, b"", [part for found in sample for part in as_bytes(found)])
        for statement in queries()["empty_bank"].split(";"):
            connection.execute(statement, (row.bank,))
        return receipt

    def _keep(
        self, connection: sqlite3.Connection, row: BankRow, made: ErasureReceipt, seqs: bytes, contents: Sequence[bytes]
    ) -> None:
        told = made.model_dump_json(exclude={"bytes_pending"})
        run(connection, "add_erasure", made.number, row.bank, made.change, seqs, told)
        with self._lock:
            self._pieces[made.hash] = pieces(contents, MOST)

    def pending(self) -> list[str]:
        """Hashes of the receipts whose bytes may still lie in the files, whoever erased them."""
        with self._connections.reading() as connection:
            return [row[0] for row in run(connection, "pending_erasures")]

    def purge(self, *, thorough: bool = True, wait: float = 0.0) -> bool:
        """True once no erased byte is left; False where readers are in the way, or the search is put off.

        Cuts the log to nothing, looks for the bytes wherever no row lies, and rewrites the file where any is left;
        then looks again. For `wait` seconds it lets readers finish.
        """
        if self._connections.read_only:
            raise ReadOnlyError(f"{self._connections.path}: was opened read-only; nothing was erased here.")
        waiting = self.pending()
        if not waiting:
            return True
        if not thorough and self._files.size() > LARGE:
            self._cut_patiently(wait)
            return False
        with self._lock:
            known = all(hash in self._pieces for hash in waiting)
            wanted = set().union(*(self._pieces.get(hash, ()) for hash in waiting))
        with suppress(_InTheWayError):
            if (known and not self._left(wanted, wait)) or not self._left_after_rewriting(wanted, wait):
                return self._finish(waiting)
        return False

    def _left_after_rewriting(self, wanted: set[bytes], wait: float) -> bool:
        with self._connections.borrowed() as connection:
            self._connections.retry_while_busy(lambda: connection.execute("VACUUM"))
        return self._left(wanted, wait)

    def _left(self, wanted: set[bytes], wait: float) -> bool:
        """Is any of this in the files without being part of what is kept?"""
        with self._still(wait):
            found = self._files.remains(wanted)
        with self._connections.reading() as connection:
            return bool(found) and not self._kept(connection, found)

    def _kept(self, connection: sqlite3.Connection, pieces: set[bytes]) -> bool:
        """Whether all of these are part of what is kept; mostly that is seen after its first rows."""
        missing = set(pieces)
        for name in RETAINED:
            for rows in _in_batches(connection, name):
                missing -= Search(missing).found(b"\0".join(map(_as_laid, rows)))
                if not missing:
                    return True
        return False

    def _finish(self, hashes: Sequence[str]) -> bool:
        with self._connections.writing() as connection:
            run_many(connection, "finish_erasure", [(hash,) for hash in hashes])
        with self._lock:
            for hash in hashes:
                self._pieces.pop(hash, None)
        return True

    @contextmanager
    def _still(self, wait: float) -> Iterator[None]:
        """The log cut to nothing, and while this lasts not moved into the database again, whose file stands still."""
        end = time.monotonic() + wait
        with ExitStack() as reading:
            while not self._begun(reading):
                if time.monotonic() >= end:
                    raise _InTheWayError
                time.sleep(PAUSE)
            yield

    def _begun(self, reading: ExitStack) -> bool:
        """Who begins to read while the log is empty keeps it from being moved; writing goes on into the log."""
        with self._connections.turn():
            if not self._cut():
                return False
            reading.enter_context(self._connections.reading())
            if self._files.logged():  # another process wrote in between
                reading.close()
                return False
        return True

    def _cut_patiently(self, wait: float) -> None:
        with suppress(_InTheWayError), self._still(wait):
            pass

    def _cut(self) -> bool:
        with self._connections.borrowed() as connection:
            try:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if primary_code(error) not in BUSY_CODES:
                    raise
                return False
        return not busy


def receipts(connection: sqlite3.Connection, after: int = 0) -> list[ErasureReceipt]:
    """All receipts with greater numbers than `after`, in order."""
    return [_receipt(row) for row in run(connection, "receipts", after)]


def one_receipt(connection: sqlite3.Connection, bank: int, change: int) -> ErasureReceipt | None:
    """The receipt of the erasure that led a bank to a change number."""
    row = run(connection, "receipt", bank, change).fetchone()
    return None if row is None else _receipt(row)


def _last(connection: sqlite3.Connection) -> ErasureReceipt | None:
    row = run(connection, "last_receipt").fetchone()
    return None if row is None else _receipt(row)


@reading("a receipt")
def _receipt(row: tuple[str, int]) -> ErasureReceipt:
    made = ErasureReceipt.model_validate_json(row[0])
    return made.model_copy(update={"bytes_pending": bool(row[1])})


def _as_laid(row: Sequence[int | str | bytes | None]) -> bytes:
    """A row's columns as they lie in the file, one after the other: a bank's number may read like a line's end."""
    return b"".join(_as_bytes(value) for value in row if value is not None)


def _as_bytes(value: int | str | bytes) -> bytes:
    if value in (0, 1):
        return b""
    if isinstance(value, int):
        length = (value if value >= 0 else ~value).bit_length() // 8 + 1
        return value.to_bytes(next(n for n in WIDTHS if n >= length), "big", signed=True)
    return value.encode() if isinstance(value, str) else value


def _in_batches(connection: sqlite3.Connection, name: str) -> Iterator[Sequence[tuple[int | str | bytes | None, ...]]]:
    rows = run(connection, name)
    return iter(lambda: rows.fetchmany(BATCH), [])
