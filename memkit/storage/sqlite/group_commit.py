"""Writes that wait at the same time share one commit: one sync of the disk instead of one for each.

Whoever has the process's turn to write carries out all that wait, each within a savepoint of its own, so that an
error undoes only what it belongs to. Nobody's call returns before the commit.
"""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from memkit.errors import BusyError, StorageError
from memkit.storage.sqlite.connections import Connections

MOST = 64  # writes in one commit
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Write:
    """A write that waits, and what became of it."""

    work: Callable[[sqlite3.Connection], Any]
    made: "Future[Any]" = field(default_factory=Future)


class _ApartError(Exception):
    """These writes can't share a transaction."""


class GroupCommit:
    """Carries out writes in transactions that those waiting share; each is called again alone where that fails."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._waiting: deque[_Write] = deque()
        self._guard = threading.Lock()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives back, once it is committed. Raises what it raises, or the StorageError of the commit."""
        if self._process != os.getpid():  # forked: what other threads were at went with them
            self._begin()
        write = _Write(work)
        with self._guard:
            self._waiting.append(write)
        try:
            with self._connections.turn():
                while not write.made.done():  # in a crowd it may not be among the first
                    self._lead()
        except BaseException as error:
            if self._withdrawn(write) or not isinstance(error, BusyError):
                raise
        result: T = write.made.result()
        return result

    def _withdrawn(self, write: _Write) -> bool:
        """Take back a write that nobody has begun."""
        with self._guard:
            if write not in self._waiting:
                return False
            self._waiting.remove(write)
            return True

    def _lead(self) -> None:
        with self._guard:
            writes = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            if len(writes) == 1 or not self._together(writes):
                for write in writes:
                    self._alone(write)
        finally:
            for write in writes:
                if not write.made.done():
                    write.made.set_exception(StorageError("the write was interrupted; nothing of it was stored."))

    def _alone(self, write: _Write) -> None:
        try:
            with self._connections.transaction() as connection:
                value = write.work(connection)
        except Exception as error:  # noqa: BLE001  -- goes to the caller whose write it is
            write.made.set_exception(error)
        else:
            write.made.set_result(value)

    def _together(self, writes: list[_Write]) -> bool:
        """Carry out several in one transaction; False, with nothing done, where they can't share one."""
        try:
            with self._connections.transaction() as connection:
                outcomes = [_saved(connection, write) for write in writes]
        except (_ApartError, StorageError):
            return False
        for write, (value, error) in zip(writes, outcomes, strict=True):
            write.made.set_exception(error) if error is not None else write.made.set_result(value)
        return True


def _saved(connection: sqlite3.Connection, write: _Write) -> tuple[Any, Exception | None]:
    """A write within a savepoint; its result or its error."""
    connection.execute("SAVEPOINT one")
    try:
        value = write.work(connection)
    except (sqlite3.Error, BusyError) as error:
        raise _ApartError from error
    except Exception as error:  # noqa: BLE001  -- goes to the caller whose write it is
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return None, error
    connection.execute("RELEASE one")
    return value, None
