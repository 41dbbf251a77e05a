"""What follows an erasure: erased bytes are pushed out of the log and, where any remain, of the pages."""

import secrets
import sqlite3
import threading
from collections.abc import Sequence

from memkit.errors import ReadOnlyError
from memkit.storage.connections import BUSY, Connections, primary_code
from memkit.storage.files import Files, windows
from memkit.storage.queries import run

MARK = "storage.purge"  # who erased since the last purge
SEVERAL = "several"
MANY = 100_000  # pieces of text from which on rewriting the file is quicker than searching it


class Erasures:
    """Keeps, in memory only, what was erased through this store until the files are clean of it.

    A mark in the database outlives a crash: whoever purges next then rewrites the whole file.
    """

    def __init__(self, connections: Connections, files: Files) -> None:
        self._connections, self._files = connections, files
        self._name = secrets.token_hex(8)
        self._pieces: set[bytes] = set()
        self._lock = threading.Lock()

    def note(self, connection: sqlite3.Connection, texts: Sequence[str]) -> None:
        """Within the transaction of an erasure: a purge must follow, and what it is to look for."""
        found = run(connection, "get_meta", MARK).fetchone()
        name = self._name if found is None or found[0] == self._name else SEVERAL
        run(connection, "set_meta", MARK, name)
        with self._lock:
            self._pieces.update(windows(texts))

    def pending(self) -> bool:
        """Was anything erased, by anybody, since the last purge?"""
        return self._marked() is not None

    def _marked(self) -> str | None:
        with self._connections.reading() as connection:
            row = run(connection, "get_meta", MARK).fetchone()
        return None if row is None else str(row[0])

    def purge(self) -> bool:
        """True once no erased byte is left; False where readers keep the log from being cut."""
        if self._connections.read_only:
            raise ReadOnlyError(f"{self._connections.path}: was opened read-only; nothing was erased here.")
        mark = self._marked()
        with self._lock:
            pieces = frozenset(self._pieces)
        if not self._checkpoint():
            return False
        if mark is None:
            return True
        if self._remains(mark, pieces) and not self._rewrite():
            return False
        self._forget(mark, pieces)
        return self._checkpoint()

    def _remains(self, mark: str, pieces: frozenset[bytes]) -> bool:
        if mark != self._name or len(pieces) > MANY:
            return True
        return bool(pieces) and bool(self._files.holding(pieces))

    def _rewrite(self) -> bool:
        with self._connections.borrowed() as connection:
            self._connections.patiently(lambda: connection.execute("VACUUM"))
        return self._checkpoint()

    def _forget(self, mark: str, pieces: frozenset[bytes]) -> None:
        with self._lock:
            self._pieces -= pieces
            if self._pieces:
                return
            with self._connections.writing() as connection:
                run(connection, "drop_meta", MARK, mark)

    def _checkpoint(self) -> bool:
        """Move the log into the database and cut it to nothing."""
        with self._connections.borrowed() as connection:
            try:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if primary_code(error) not in BUSY:
                    raise
                return False
        return not busy
