"""One connection to a server, over libpq: statements are sent together, in one round trip, and their rows come binary.

psycopg's own cursors take three times as long for a pipeline, wait for each COMMIT, and name prepared statements by a
counter, which behind a pooler may stand for another connection's statement. Here the name is a hash of the text.
"""

import select
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from memkit.storage.postgres.dialect import ServerStatement
from memkit.storage.postgres.wire import TEXT_OID, EscapedTextLoader

Raw: TypeAlias = psycopg.Connection[tuple[Any, ...]]
FAILED_STATES = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)
LOST_WORDS = "the connection was lost"


@dataclass(slots=True)
class Request:
    """A statement with its values in binary form, and its answer once there is one."""

    statement: ServerStatement
    values: list[bytes | None]
    result: PGresult | None = None


class ServerSession:
    """A connection that is always in libpq's pipeline mode; `broken` once it can't be used any more."""

    def __init__(self, raw: Raw, *, prepares: bool) -> None:
        self.raw, self.prepares = raw, prepares
        self.broken = False
        self._connection = raw.pgconn
        self._prepared: set[bytes] = set()
        self._unread = 0  # answers that nobody has waited for
        self._poll = select.poll()
        raw.adapters.register_loader(TEXT_OID, EscapedTextLoader)
        self._loader = Transformer(raw)
        self._connection.enter_pipeline_mode()

    @property
    def is_idle(self) -> bool:
        """Whether it is in no transaction, once what was sent is answered."""
        return not self.broken and (self._unread > 0 or self._connection.transaction_status == TransactionStatus.IDLE)

    def run(self, requests: Sequence[Request]) -> None:
        """Send statements, and wait for their answers. Raises the first one's error."""
        broken, self.broken = self.broken, True  # unless all of it is read
        if broken:
            raise psycopg.OperationalError(LOST_WORDS)
        fresh = self._send(requests)
        self._flush()
        self._read(requests, fresh)
        self.broken = False
        for request in requests:
            if request.result is not None and request.result.status in FAILED_STATES:
                raise _error(request.result)

    def send(self, request: Request) -> None:
        """Send a statement, and wait for nothing; its answer is read with the next."""
        broken, self.broken = self.broken, True
        if broken:
            raise psycopg.OperationalError(LOST_WORDS)
        statement = request.statement
        self._connection.send_query_params(
            statement.sql, request.values, statement.types, _binary(request), Format.BINARY
        )
        self._connection.pipeline_sync()
        self._unread += 1
        self._flush()
        self.broken = False

    def rows(self, result: PGresult, first: int, last: int) -> list[tuple[Any, ...]]:
        """Some rows of an answer."""
        self._loader.set_pgresult(result)
        return self._loader.load_rows(first, last, tuple)

    def is_alive(self) -> bool:
        """Whether the server hasn't closed it meanwhile, as far as its socket tells."""
        if self.broken or self.raw.closed:
            return False
        try:
            if self._wait(select.POLLIN, 0):
                self._connection.consume_input()
        except psycopg.Error:
            return False
        return self._connection.status == psycopg.pq.ConnStatus.OK

    def _send(self, requests: Sequence[Request]) -> list[bytes]:
        """Put statements on their way; gives back the names of those that are prepared by it, in order."""
        connection, fresh = self._connection, []
        for request in requests:
            statement = request.statement
            if not self.prepares:
                connection.send_query_params(
                    statement.sql, request.values, statement.types, _binary(request), Format.BINARY
                )
                continue
            name = statement.name
            if name not in self._prepared and name not in fresh:
                connection.send_prepare(name, statement.sql, statement.types)
                fresh.append(name)
            connection.send_query_prepared(name, request.values, _binary(request), Format.BINARY)
        connection.pipeline_sync()
        return fresh

    def _flush(self) -> None:
        while self._connection.flush():
            if self._wait(select.POLLIN | select.POLLOUT) & select.POLLIN:
                self._connection.consume_input()

    def _read(self, requests: Sequence[Request], fresh: Sequence[bytes]) -> None:
        """Read up to the answer of the last statement; those that nobody waited for come first."""
        while self._unread:
            for result in self._results():
                if result.status in FAILED_STATES:
                    raise _error(result)
            self._unread -= 1
        results, new = self._results(), set(fresh)
        for request in requests:
            if self.prepares and request.statement.name in new:
                new.discard(request.statement.name)
                self._note_prepared(request, next(results, None))
            answer = next(results, None)
            request.result = request.result or answer
        for _ in results:
            pass

    def _note_prepared(self, request: Request, answer: PGresult | None) -> None:
        if answer is None or answer.status in FAILED_STATES:
            request.result = answer
        else:
            self._prepared.add(request.statement.name)

    def _results(self) -> Iterator[PGresult]:
        """Answers up to the next point at which all is answered."""
        while True:
            while self._connection.is_busy():
                self._wait(select.POLLIN)
                self._connection.consume_input()
            result = self._connection.get_result()
            if result is None:
                if self._connection.status != psycopg.pq.ConnStatus.OK:
                    raise psycopg.OperationalError(LOST_WORDS)
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                yield result

    def _wait(self, events: int, milliseconds: int | None = None) -> int:
        """Events on the socket; 0 where none came in time."""
        socket = self._connection.socket
        self._poll.register(socket, events)
        return sum(event for _, event in self._poll.poll(milliseconds))


def _binary(request: Request) -> list[Format]:
    return [Format.BINARY] * len(request.values)


def _error(result: PGresult) -> psycopg.Error:
    """psycopg's error for a failed statement, without the server's words, which may quote values."""
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    if state is None:
        return psycopg.OperationalError(LOST_WORDS)
    return psycopg.errors.lookup(state.decode())(f"SQLSTATE {state.decode()}")
