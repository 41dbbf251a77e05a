"""Group commit: writes that wait at the same time share one commit, and so one sync of the disk.

The thread that holds the process's turn to write carries out all that wait, each within a savepoint of its own, so
that an error undoes only its own write. No call returns before the commit.
"""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from memkit.errors import BusyError, StorageError
from memkit.storage.sqlite.connections import Connections

MAX_WRITES = 64  # writes in one commit
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Write:
    """A write that waits; once it is done its value, or its error. Only who holds the turn touches it."""

    work: Callable[[sqlite3.Connection], Any]
    done: bool = False
    value: Any = None
    error: BaseException | None = None

    def end(self, value: Any = None, error: BaseException | None = None) -> None:
        """Note what came of it."""
        self.done, self.value, self.error = True, value, error


class _UngroupableError(Exception):
    """These writes can't share a transaction."""


class GroupCommit:
    """Carries out writes in transactions that those waiting share; each is called again alone where that fails."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._waiting: deque[_Write] = deque()
        self._guard = threading.Lock()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Result of `work`, once it is committed. Raises what it raises, or the StorageError of the commit."""
        if self._process != os.getpid():  # forked: the other threads, and their writes, are gone
            self._reset()
        write = _Write(work)
        with self._guard:
            self._waiting.append(write)
        while not write.done:
            self._take_turn(write)
        if write.error is None:
            value: T = write.value
            return value
        error, write.error = write.error, None
        try:
            raise error
        finally:
            del error  # an error's frames would hold the error, and with it the connection's open rows

    def _take_turn(self, write: _Write) -> None:
        """Carry out what waits, or wait for another thread. Raises BusyError where nobody has begun the write."""
        try:
            with self._connections.turn():
                while not write.done:  # more than MAX_WRITES may wait before it
                    self._commit_waiting()
        except BaseException as error:
            if self._is_withdrawn(write) or not isinstance(error, BusyError):
                raise

    def _is_withdrawn(self, write: _Write) -> bool:
        """Take back a write that nobody has begun."""
        with self._guard:
            if write not in self._waiting:
                return False
            self._waiting.remove(write)
            return True

    def _commit_waiting(self) -> None:
        with self._guard:
            writes = [self._waiting.popleft() for _ in range(min(MAX_WRITES, len(self._waiting)))]
        try:
            if len(writes) == 1 or not self._commit_together(writes):
                for write in writes:
                    self._commit_alone(write)
        finally:
            for write in writes:
                if not write.done:
                    write.end(error=StorageError("the write was interrupted; nothing of it was stored."))

    def _commit_alone(self, write: _Write) -> None:
        try:
            with self._connections.transaction() as connection:
                value = write.work(connection)
        except Exception as error:  # noqa: BLE001  -- goes to the caller whose write it is
            write.end(error=error)
        else:
            write.end(value)

    def _commit_together(self, writes: list[_Write]) -> bool:
        """Carry out several in one transaction; False, with nothing done, where they can't share one."""
        try:
            with self._connections.transaction() as connection:
                outcomes = [_run_in_savepoint(connection, write) for write in writes]
        except (_UngroupableError, StorageError):
            return False
        for write, (value, error) in zip(writes, outcomes, strict=True):
            write.end(value, error)
        return True


def _run_in_savepoint(connection: sqlite3.Connection, write: _Write) -> tuple[Any, Exception | None]:
    """A write within a savepoint; its result or its error."""
    connection.execute("SAVEPOINT one")
    try:
        value = write.work(connection)
    except (sqlite3.Error, BusyError) as error:
        raise _UngroupableError from error
    except Exception as error:  # noqa: BLE001  -- goes to the caller whose write it is
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return None, error
    connection.execute("RELEASE one")
    return value, None
