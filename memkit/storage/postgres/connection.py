"""A transaction over one connection: named queries, sent together where nobody waits for their rows.

Statements that change something wait until rows are read, or the transaction ends: all of them then go in one pipeline,
one round trip. An error of one shows with the next that is read, within the same transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg

from memkit.storage.postgres.dialect import Dialect
from memkit.storage.sql.queries import Cursor, NamedConnection, Values

Raw: TypeAlias = psycopg.Connection[tuple[Any, ...]]
RawCursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]
BEGIN_READING = b"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
BEGIN_WRITING = b"BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"


class Later:
    """Rows of a statement that waits to be sent."""

    def __init__(self, transaction: "Transaction") -> None:
        self._transaction = transaction
        self.cursor: RawCursor | None = None

    def _sent(self) -> RawCursor:
        if self.cursor is None:
            self._transaction.send()
        assert self.cursor is not None  # noqa: S101  # by `send`
        return self.cursor

    @property
    def rowcount(self) -> int:
        return self._sent().rowcount

    def fetchone(self) -> Any:
        return self._sent().fetchone()

    def fetchmany(self, size: int, /) -> list[Any]:
        return self._sent().fetchmany(size)

    def fetchall(self) -> list[Any]:
        return self._sent().fetchall()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._sent())


@dataclass
class Waiting:
    """A statement that waits to be sent, and whoever wants its rows."""

    sql: bytes
    values: Sequence[Any]
    later: Later | None = None


class Transaction(NamedConnection):
    """Named queries within one transaction."""

    def __init__(self, raw: Raw, dialect: Dialect, begin: Sequence[bytes]) -> None:
        self.raw = raw
        self.dialect = dialect
        self.committing = False
        self.token = 0  # of the apply that it is for
        self._waiting = [Waiting(sql, ()) for sql in begin]

    def run_named(self, name: str, values: Values) -> Cursor:
        statement = self.dialect.statement(name)
        return self._run(statement.sql, statement.bind(values), statement.is_read)

    def run_over(self, name: str, values: Sequence[Any], others: Values) -> Cursor:
        statement = self.dialect.statement(name)
        [listed] = self.dialect.lists(name)
        return self._run(statement.sql, statement.bind({**others, listed: values}), statement.is_read)

    def run_rows(self, name: str, rows: Sequence[Values]) -> None:
        together = self.dialect.rows_statement(name)
        if together is not None:
            self._waiting.append(Waiting(together.sql, together.bind(rows)))
            return
        statement = self.dialect.statement(name)
        self._waiting += [Waiting(statement.sql, statement.bind(row)) for row in rows]

    def _run(self, sql: bytes, values: Sequence[Any], is_read: bool) -> Cursor:
        later = Later(self)
        self._waiting.append(Waiting(sql, values, later))
        if is_read:
            self.send()
        return later

    def send(self) -> None:
        """Send what waits, and wait for the answers."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) == 1:
            self._execute(waiting[0])
        elif waiting:
            with self.raw.pipeline():
                for each in waiting:
                    self._execute(each)

    def _execute(self, each: Waiting) -> None:
        cursor = self.raw.execute(each.sql, each.values, binary=True)
        if each.later is not None:
            each.later.cursor = cursor

    def commit(self) -> None:
        """Send what waits, and commit, in one round trip."""
        if self.raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE and self._unbegun():
            return
        self.committing = True
        self._waiting.append(Waiting(b"COMMIT", ()))
        self.send()

    def roll_back(self) -> None:
        """Undo what was sent; what waits is dropped."""
        self._waiting = []
        if not self.raw.closed and self.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.raw.execute(b"ROLLBACK")

    def _unbegun(self) -> bool:
        return all(each.sql.startswith((b"BEGIN", b"SET ")) for each in self._waiting)
