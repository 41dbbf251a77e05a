"""A transaction over one connection: named queries, sent together where nobody waits for their rows.

Statements that change something wait until rows are read, or the transaction ends: all of them then go in one round
trip. An error of one shows with the next that is read, within the same transaction. Rows that will be asked for can be
read ahead, together.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from memkit.storage.postgres.dialect import Dialect, ServerStatement, plain
from memkit.storage.postgres.session import Request, ServerSession
from memkit.storage.sql.queries import Cursor, NamedConnection, Values

BEGIN_READING = plain("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
BEGIN_WRITING = plain("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE")
KEPT_ROWS = 1000  # of an answer, up to which it is kept for those who ask again
Place = tuple[ServerStatement, tuple[bytes | None, ...]]
COMMIT_STATEMENT = plain("COMMIT")
ROLLBACK_STATEMENT = plain("ROLLBACK")


class _UnreadRowsError(Exception):
    """Rows were looked at that are read only afterwards."""


class Rows:
    """Rows of a statement, which is sent once they are looked at."""

    def __init__(self, transaction: "Transaction", request: Request) -> None:
        self._transaction = transaction
        self._request = request
        self._next = 0

    @property
    def rowcount(self) -> int:
        return self._transaction.answer(self._request).command_tuples or 0

    def fetchone(self) -> Any:
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int, /) -> list[Any]:
        result = self._transaction.answer(self._request)
        first, self._next = self._next, min(self._next + size, result.ntuples)
        return self._transaction.session.rows(result, first, self._next)

    def fetchall(self) -> list[Any]:
        return self.fetchmany(self._transaction.answer(self._request).ntuples)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


def _note(reads: Iterable[Callable[[], object]]) -> None:
    """Call reads, each up to the first rows that aren't here yet."""
    for read in reads:
        with suppress(_UnreadRowsError):
            read()


def is_large(request: Request) -> bool:
    """Whether an answer is too large to be kept for those who ask again."""
    is_long = request.result is not None and request.result.ntuples > KEPT_ROWS
    return is_long or "block" in request.statement.tables


class Transaction(NamedConnection):
    """Named queries within one transaction; without `begin`, each a transaction of its own."""

    def __init__(self, session: ServerSession, dialect: Dialect, begin: Sequence[ServerStatement]) -> None:
        self.session = session
        self.dialect = dialect
        self.committing = False
        self.token = 0  # of the apply that it is for
        self._waiting = [Request(statement, []) for statement in begin]
        self._is_open = bool(begin)  # until it is committed or undone
        self._is_begun = self._is_looking_ahead = self._ends_with_next = False
        self._answers: dict[Place, Request] = {}  # rows that were read, and are small

    def run_named(self, name: str, values: Values) -> Cursor:
        statement = self.dialect.statement(name)
        return self._run(statement, statement.bind(values))

    def run_over(self, name: str, values: Sequence[Any], others: Values) -> Cursor:
        statement = self.dialect.statement(name)
        [listed] = self.dialect.lists(name)
        return self._run(statement, statement.bind({**others, listed: values}))

    def run_rows(self, name: str, rows: Sequence[Values]) -> None:
        together = self.dialect.rows_statement(name)
        if together is not None:
            self._outdate(together)
            self._waiting.append(Request(together, together.bind(rows)))
            return
        statement = self.dialect.statement(name)
        self._outdate(statement)
        self._waiting += [Request(statement, statement.bind(row)) for row in rows]

    def read_ahead(self, reads: Iterable[Callable[[], object]], trips: int = 1) -> None:
        listed = list(reads)
        if self._is_looking_ahead:  # one of the reads reads ahead itself
            return _note(listed)
        self._is_looking_ahead = True
        try:
            for _ in range(trips):
                before = len(self._waiting)
                _note(listed)
                if len(self._waiting) == before:
                    return None
                self.flush()
        finally:
            self._is_looking_ahead = False

    def _run(self, statement: ServerStatement, values: list[bytes | None]) -> Cursor:
        if not statement.is_read:
            self._outdate(statement)
            request = Request(statement, values)
            self._waiting.append(request)
            return Rows(self, request)
        place = (statement, tuple(values))
        request = self._answers.get(place) or self._read_once(place, values)
        if not self._is_looking_ahead:
            if request.result is None:
                self.flush()
            if is_large(request):
                self._answers.pop(place, None)
        return Rows(self, request)

    def _outdate(self, change: ServerStatement) -> None:
        """Forget what was read of the table that a statement changes."""
        for place in [place for place in self._answers if place[0].tables & change.tables]:
            del self._answers[place]

    def _read_once(self, place: Place, values: list[bytes | None]) -> Request:
        """A request for rows that are kept, as long as the transaction changes none of their tables."""
        request = self._answers[place] = Request(place[0], values)
        self._waiting.append(request)
        return request

    def answer(self, request: Request) -> Any:
        """The answer to a statement, which is sent where it still waits."""
        if request.result is None:
            if self._is_looking_ahead:
                raise _UnreadRowsError
            self.flush()
        return request.result

    def flush(self) -> None:
        """Send what waits, and wait for the answers."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._is_begun = True
            if self._ends_with_next and self._is_open:
                self._is_open = False
                waiting.append(Request(ROLLBACK_STATEMENT, []))
            self.session.run(waiting)

    def end_with_next(self) -> None:
        self._ends_with_next = True

    def commit(self) -> None:
        """Send what waits, and commit, in one round trip."""
        self.committing = True
        commit = Request(COMMIT_STATEMENT, [])
        self._waiting.append(commit)
        self.flush()
        self._is_open = False
        if commit.result is None or commit.result.command_status != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction

    def end(self) -> None:
        """End it without a change; nobody waits for that. What waits is dropped."""
        self._waiting = []
        if self._is_open and self._is_begun and not self.session.broken:
            self.session.send(Request(ROLLBACK_STATEMENT, []))
        self._is_open = False
