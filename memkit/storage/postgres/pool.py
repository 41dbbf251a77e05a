"""Connections to one server: opened when needed, at most so many at a time, kept for the next call.

Without threads of its own: an error of connecting is raised where a connection is asked for, and nothing has to be
started again after a fork. A connection that the server closed meanwhile is seen by its socket, and replaced.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from memkit.errors import BusyError, ClosedError
from memkit.storage.postgres.errors import translated
from memkit.storage.postgres.location import Location
from memkit.storage.postgres.session import Raw, ServerSession

DEFAULT_OPTIONS = {
    "connect_timeout": 10,
    "application_name": "memkit",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # ms, after which what nobody acknowledges ends a connection
}
_inherited: list[object] = []  # connections of a parent process: never closed here, as that would end the parent's


class Pool:
    """At most `location.pool` connections, each used by one call at a time."""

    def __init__(self, location: Location, timeout: float) -> None:
        self.location = location
        self.prepares = location.prepare is not False
        self._timeout = timeout
        self._closed = False
        self._begin()
        _open_pools.add(self)

    def _begin(self) -> None:
        self._idle: list[ServerSession] = []
        self._open = 0
        self._changed = threading.Condition()

    @contextmanager
    def borrowed(self) -> Iterator[ServerSession]:
        """A connection for one call. Raises ClosedError, BusyError, UnreachableServerError."""
        session = self.take()
        try:
            yield session
        finally:
            self.give(session)

    def take(self) -> ServerSession:
        """A connection, which must be given back."""
        stale: list[ServerSession] = []
        try:
            return self._waited_for(stale) or self._connect()
        finally:
            for each in stale:
                close(each)

    def _waited_for(self, stale: list[ServerSession]) -> ServerSession | None:
        """An idle connection; None where another one may be opened."""
        deadline = time.monotonic() + self._timeout
        with self._changed:
            while True:
                self._refuse_closed()
                while self._idle:
                    session = self._idle.pop()
                    if session.is_alive():
                        return session
                    stale.append(session)
                    self._open -= 1
                if self._open < self.location.pool:
                    self._open += 1
                    return None
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise BusyError(
                        f"{self.location.shown}: all {self.location.pool} connections were in use for "
                        f"{self._timeout:g} s. Call again, or open with a larger pool: ?pool={2 * self.location.pool}"
                    )

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClosedError(f"{self.location.shown}: this store was closed. Open it again with memkit.open(...).")

    def _connect(self) -> ServerSession:
        try:
            with translated(self.location.shown):
                return ServerSession(self.dial(), prepares=self.prepares)
        except BaseException:
            with self._changed:
                self._open -= 1
                self._changed.notify()
            raise

    def dial(self) -> Raw:
        """A connection of its own, beside the pool. Raises psycopg's errors."""
        raw: Raw = psycopg.connect(self._conninfo(), autocommit=True, cursor_factory=RawCursor)
        return raw

    def _conninfo(self) -> str:
        """The location for libpq; what it says goes before what is chosen here, but for the encoding."""
        given = conninfo_to_dict(self.location.url)
        options: dict[str, Any] = {**DEFAULT_OPTIONS, **given, "client_encoding": "utf8"}
        return make_conninfo("", **options)

    def give(self, session: ServerSession) -> None:
        """Take a connection back; one that is broken, or in the midst of something, is closed."""
        keeps = session.is_idle and session.prepares == self.prepares
        with self._changed:
            keeps = keeps and not self._closed
            if keeps:
                self._idle.append(session)
            else:
                self._open -= 1
            self._changed.notify()
        if not keeps:
            close(session)

    def stop_preparing(self) -> None:
        """Prepare no statement from now on: a pooler stands in between, which gives another connection each time."""
        self.prepares = False
        self.release()

    def release(self) -> None:
        """Close what is open and not in use."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._open -= len(idle)
            self._changed.notify_all()
        for session in idle:
            close(session)

    def close(self) -> None:
        """Close what is open; connections in use are closed when their call ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.release()
        _open_pools.discard(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child: the connections are the parent's."""
        _inherited.extend(self._idle)
        self._begin()


def close(session: ServerSession) -> None:
    """Close a connection, whatever state it is in."""
    with suppress(psycopg.Error):
        session.raw.close()


_open_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()


def _each(act: Callable[[Pool], None]) -> None:
    for pool in list(_open_pools):
        act(pool)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _each(Pool.after_fork))
