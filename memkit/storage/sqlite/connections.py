"""Connections to one SQLite file: opened when needed, safe over threads and forks, errors in memkit's words."""

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from memkit.errors import (
    BusyError,
    ClosedError,
    CorruptError,
    DiskFullError,
    InvalidTextError,
    NotADatabaseError,
    ReadOnlyError,
    ReplacedFileError,
    StorageError,
    UnwritablePathError,
)
from memkit.storage.sqlite.filesystem import writable

FORK_WAIT_SECONDS = 5.0  # for calls in other threads
FILE_CHECK_SECONDS = 1.0  # between two looks of a reader at whether the files are still the same
MAX_CACHED_CONNECTIONS = 4  # idle connections, those used last, that keep their caches of up to 16 MB
BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
T = TypeVar("T")
CONNECTION_PRAGMAS = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
    "cache_size = -16000",
    "busy_timeout = 0",
)
ERRORS_BY_CODE: dict[int, tuple[type[StorageError], str]] = {
    sqlite3.SQLITE_FULL: (
        DiskFullError,
        "no room left on the disk; nothing of this call was stored. Free some room and call again.",
    ),
    sqlite3.SQLITE_BUSY: (
        BusyError,
        "another process held the database's lock for too long. Call again, "
        "or wait longer with settings.runtime.busy_timeout.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        CorruptError,
        "the file is damaged. Run memkit doctor --repair, which saves what can be read, or go back to a backup.",
    ),
    sqlite3.SQLITE_NOTADB: (
        NotADatabaseError,
        "this file is no memkit database; it was left as it is. If it was one, memkit doctor --repair saves what "
        "can be read.",
    ),
    sqlite3.SQLITE_READONLY: (ReadOnlyError, "the database can't be written. Open it without read_only."),
    sqlite3.SQLITE_IOERR: (
        StorageError,
        "the system can't read or write the file; nothing of this call was stored. Look at the disk's health, its "
        "room and your quota, then call again.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        UnwritablePathError,
        "the path can't be opened. Its folder must exist, and both must be readable and writable.",
    ),
}
ERRORS_BY_CODE |= {
    sqlite3.SQLITE_IOERR_SHMSIZE: ERRORS_BY_CODE[sqlite3.SQLITE_FULL],  # the -shm found no room to grow
    sqlite3.SQLITE_LOCKED: ERRORS_BY_CODE[sqlite3.SQLITE_BUSY],
    sqlite3.SQLITE_PERM: ERRORS_BY_CODE[sqlite3.SQLITE_CANTOPEN],
}


@contextmanager
def translated(location: str) -> Iterator[None]:
    """SQLite's errors as memkit's; the messages hold no values."""
    try:
        yield
    except sqlite3.Error as error:
        kind, words = _translation(error)
        raise kind(f"{location}: {words}") from (None if kind is CorruptError else error)
    except UnicodeDecodeError:
        kind, words = _translation(_malformed_schema())
        raise kind(f"{location}: {words}") from None
    except UnicodeEncodeError:
        raise InvalidTextError("a text holds a lone surrogate, which is no Unicode text.") from None


def _translation(error: sqlite3.Error) -> tuple[type[StorageError], str]:
    undecodable = str(error).startswith("Could not decode")  # goes on with the text itself
    code = sqlite3.SQLITE_CORRUPT if undecodable else _extended_code(error)
    return ERRORS_BY_CODE.get(code) or ERRORS_BY_CODE.get(code & 0xFF) or (StorageError, f"SQLite says: {error}.")


def _malformed_schema() -> sqlite3.DatabaseError:
    """SQLite's error for a damaged schema, whose own message quotes bytes that are no text."""
    error = sqlite3.DatabaseError("malformed database schema")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code, without its extension."""
    return _extended_code(error) & 0xFF


def _extended_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) or 0


class Connections:
    """Connections to one file: each is used by one call at a time and kept for the next one."""

    def __init__(self, path: Path, *, read_only: bool, busy_timeout: float) -> None:
        self.path = path
        self.read_only = read_only
        self._timeout = busy_timeout
        self._idle: list[SqliteConnection] = []
        self._users: list[int] = []
        self._changed = threading.Condition()
        self._writer = threading.Lock()
        self._contended_at = 0.0  # when the lock was last found taken
        self._closed = False
        _open_connections.add(self)

    @contextmanager
    def borrowed(self, *, writing: bool = False) -> Iterator["SqliteConnection"]:
        """A connection for one call. Raises ClosedError, ReplacedFileError."""
        connection = self._check_out(writing)
        try:
            with translated(str(self.path)):
                yield connection
        finally:
            self._check_in(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a read transaction: one snapshot."""
        with self.borrowed() as connection:
            self.retry_while_busy(lambda: self._begin_reading(connection))
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a write transaction: committed, or rolled back where an error leaves it."""
        with self.turn(), self.transaction() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The same, for a thread that holds the turn."""
        if self.read_only:
            raise ReadOnlyError(f"{self.path}: was opened read-only. Open it again without read_only.")
        if time.monotonic() - self._contended_at < 1.0:
            time.sleep(random.uniform(0.0002, 0.002))
        with self.borrowed(writing=True) as connection:
            self.retry_while_busy(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def retry_while_busy(self, attempt: Callable[[], T]) -> T:
        """Try until the lock is free, with random pauses; they get shorter, so that who waited longest asks most often.

        Gives back what the attempt gave. Raises SQLite's own error after `busy_timeout` seconds.
        """
        start = time.monotonic()
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - start
                if primary_code(error) not in BUSY_CODES or waited > self._timeout:
                    raise
                self._contended_at = time.monotonic()
                time.sleep(random.uniform(0.0002, 0.005 / (1 + 4 * waited)))

    def release(self) -> None:
        """Close what is open and not in use; the next call opens it again."""
        with self._changed:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close what is open; connections in use are closed when their call ends."""
        with self._changed:
            self._closed = True
        self.release()
        _open_connections.discard(self)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The turn to write: this process's threads write one after the other. Raises BusyError."""
        if not self._writer.acquire(timeout=self._timeout):
            raise BusyError(f"{self.path}: {ERRORS_BY_CODE[sqlite3.SQLITE_BUSY][1]}")
        try:
            yield
        finally:
            self._writer.release()

    def _begin_reading(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT 1 FROM meta LIMIT 1")
        except (sqlite3.Error, UnicodeDecodeError):
            _roll_back(connection)
            raise

    def _check_out(self, writing: bool) -> "SqliteConnection":
        with self._changed:
            if self._closed:
                raise ClosedError(f"{self.path}: this store was closed. Open it again with memkit.open(...).")
            connection = self._idle.pop() if self._idle else None
            self._users.append(threading.get_ident())
        try:
            if connection is None:
                return self._open_another()
            files_trusted = not writing and time.monotonic() - connection.checked_at < FILE_CHECK_SECONDS
            return connection if files_trusted else self._verified(connection)
        except BaseException:
            if connection is not None:
                connection.close()
            self._unregister()
            raise

    def _verified(self, connection: "SqliteConnection") -> "SqliteConnection":
        """The connection, if the files that it has open are still those of these names.

        Raises ReplacedFileError where they were deleted or replaced in a way that would lose writes.
        """
        old, now = connection.files, file_numbers(self.path)
        connection.checked_at = time.monotonic()
        if now == old or not any(old[1:]):  # in the first call the log was opened
            connection.files = now
            return connection
        if now[0] != old[0] or now[2] not in (0, old[2]):
            raise ReplacedFileError(
                f"{self.path}: the file or its -shm was deleted or replaced while it was open; writes would be lost. "
                "Close it in every process, then open it again."
            )
        return self._with_log_moved(connection) if 0 in now else self._reopened(connection)

    def _with_log_moved(self, connection: "SqliteConnection") -> "SqliteConnection":
        """A connection after a deleted log, which is still open, was moved into the database, so that nothing is lost.

        The log is moved only while no other call runs; until then it stays in use.
        """
        with self._changed:
            if self._others_in_use():
                return connection
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return connection if busy else self._reopened(connection)

    def _reopened(self, connection: "SqliteConnection") -> "SqliteConnection":
        connection.close()
        self.release()
        return self._open_another()

    def _open_another(self) -> "SqliteConnection":
        with translated(str(self.path)):  # whoever closes a file's last connection holds it for a moment
            return self.retry_while_busy(lambda: connect(self.path, read_only=self.read_only))

    def _check_in(self, connection: "SqliteConnection") -> None:
        crowd = len(self._idle) >= MAX_CACHED_CONNECTIONS
        if crowd:
            with suppress(sqlite3.Error):
                connection.execute("PRAGMA shrink_memory")
        with self._changed:
            if not self._closed:
                self._idle.insert(0 if crowd else len(self._idle), connection)
        if self._closed:
            connection.close()
        self._unregister()

    def _unregister(self) -> None:
        with self._changed:
            if threading.get_ident() in self._users:
                self._users.remove(threading.get_ident())
            self._changed.notify_all()

    def before_fork(self) -> None:
        """Close idle connections and wait for the others: SQLite's connections must not cross a fork."""
        self._changed.acquire()
        deadline = time.monotonic() + FORK_WAIT_SECONDS
        while self._others_in_use() and time.monotonic() < deadline:
            self._changed.wait(0.05)
        while self._idle:
            self._idle.pop().close()

    def _others_in_use(self) -> bool:
        return any(user != threading.get_ident() for user in self._users)

    def after_fork_in_parent(self) -> None:
        self._changed.release()

    def after_fork_in_child(self) -> None:
        self._changed = threading.Condition()
        self._writer = threading.Lock()
        self._users = [user for user in self._users if user == threading.get_ident()]


class SqliteConnection(sqlite3.Connection):
    """A connection that knows which files it has open, by their numbers."""

    files: tuple[int, int, int] = (0, 0, 0)
    checked_at = 0.0  # seconds of time.monotonic


def file_numbers(path: Path) -> tuple[int, int, int]:
    """The inodes of a database, its log and its shared memory; 0 for a file that isn't there."""
    return _number(str(path)), _number(f"{path}-wal"), _number(f"{path}-shm")


def _number(path: str) -> int:
    try:
        return os.stat(path).st_ino  # noqa: PTH116  -- with every call, and pathlib takes three times as long
    except OSError:
        return 0


def connect(path: Path, *, read_only: bool) -> SqliteConnection:
    """A new connection, set up as every one is. Raises SQLite's errors."""
    connection = _open(path, _read_only(path) if read_only else "rwc")
    try:
        for pragma in CONNECTION_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.files = (_number(str(path)), 0, 0)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        connection.close()
        raise _malformed_schema() if isinstance(error, UnicodeDecodeError) else error from None
    return connection


def _read_only(path: Path) -> str:
    """Mode of a read-only connection: where nothing can be written, a file that is whole is read without its log."""
    log = path.with_name(f"{path.name}-wal")
    alone = not writable(path.parent) and not (log.exists() and log.stat().st_size)
    return "ro&immutable=1" if alone else "ro"


def _open(path: Path, mode: str) -> SqliteConnection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=SqliteConnection,
    )


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


_open_connections: "weakref.WeakSet[Connections]" = weakref.WeakSet()
_forking: list[Connections] = []


def _before_fork() -> None:
    _forking.extend(_open_connections)
    for connections in _forking:
        connections.before_fork()


def _after_fork(finish: Callable[[Connections], None]) -> None:
    while _forking:
        finish(_forking.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=partial(_after_fork, Connections.after_fork_in_parent),
        after_in_child=partial(_after_fork, Connections.after_fork_in_child),
    )
