"""Transactions: tried again where the server asks for it, or a connection was lost before anything was stored.

Whether a change whose answer was lost is there is looked up, never guessed: each apply leaves a token in its own
transaction.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from memkit.errors import BusyError, ReadOnlyError, UnreachableServerError, UnsettledError
from memkit.storage.postgres.connection import BEGIN_READING, BEGIN_WRITING, Transaction
from memkit.storage.postgres.dialect import Dialect, plain
from memkit.storage.postgres.errors import RETRIED_STATES, UNPREPARED_STATES, is_lost, translated, translation
from memkit.storage.postgres.pool import Pool

LOST_RETRIES = 3  # of a call, on other connections
FIRST_PAUSE_SECONDS = 0.005
MAX_PAUSE_SECONDS = 0.5
UNSETTLED_WORDS = (
    "the connection was lost while a change was stored, and the server can't be asked now whether it was. Look once it "
    "answers again; turns with ids of their own may be given again, and are not stored twice."
)
T = TypeVar("T")
Work = Callable[[Transaction], T]


class Transactions:
    """Runs work in transactions over a pool's connections."""

    def __init__(self, pool: Pool, *, read_only: bool, timeout: float) -> None:
        self.pool = pool
        self.place = pool.location.shown
        self.dialect = Dialect(pool.location.schema)
        self.set_by_transaction = [plain(f"SET LOCAL lock_timeout = {round(timeout * 1000)}")]
        self._read_only = read_only
        self._timeout = timeout

    @contextmanager
    def reading(self, first: Work[T]) -> Iterator[tuple[Transaction, T]]:
        """A snapshot, and what `first` read in it; `first` is called again where a connection was stale."""
        with translated(self.place):
            transaction, value = self._retried(lambda: self._begun(first))
            try:
                yield transaction, value
            finally:
                self._ended(transaction)

    def _begun(self, first: Work[T]) -> tuple[Transaction, T]:
        transaction = Transaction(self.pool.take(), self.dialect, [BEGIN_READING])
        try:
            return transaction, first(transaction)
        except BaseException:
            self._ended(transaction)
            raise

    def _ended(self, transaction: Transaction) -> None:
        try:
            transaction.end()
        finally:
            self.pool.give(transaction.session)

    def read(self, work: Work[T]) -> T:
        """Result of `work` in one snapshot."""
        with self.reading(work) as (_, value):
            return value

    def read_statement(self, work: Work[T]) -> T:
        """Result of `work`, which is one statement."""

        def attempt() -> T:
            with self.pool.borrowed() as session:
                return work(Transaction(session, self.dialect, []))

        with translated(self.place):
            return self._retried(attempt)

    def write(self, work: Work[T], settled: Callable[[Transaction, T], bool] | None = None) -> T:
        """Result of `work`, once it is committed; called again where its transaction was undone.

        `settled` tells whether a commit whose answer was lost was done; without it the work may be done twice.
        """
        if self._read_only:
            raise ReadOnlyError(f"{self.place}: was opened read-only. Open it again without read_only.")
        with translated(self.place):
            return self._retried(lambda: self._written(work, settled))

    def _written(self, work: Work[T], settled: Callable[[Transaction, T], bool] | None) -> T:
        transaction = Transaction(self.pool.take(), self.dialect, [BEGIN_WRITING, *self.set_by_transaction])
        try:
            value = work(transaction)
            transaction.commit()
        except psycopg.Error as error:
            if not (transaction.committing and is_lost(error)) or settled is None:
                raise
        else:
            return value
        finally:
            self._ended(transaction)
        return self._settle(work, value, settled)

    def _settle(self, work: Work[T], value: T, settled: Callable[[Transaction, T], bool]) -> T:
        """Ask whether a commit was done whose answer was lost; do the work again where it wasn't."""
        try:
            is_done = self._asked(lambda transaction: settled(transaction, value))
        except (psycopg.Error, BusyError, UnreachableServerError):
            raise UnsettledError(f"{self.place}: {UNSETTLED_WORDS}") from None
        return value if is_done else self._written(work, settled)

    def _asked(self, question: Work[bool]) -> bool:
        """Answer of a question that takes the lock of the bank, so that a commit that still goes on comes first."""
        deadline = time.monotonic() + self._timeout
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._answer(question)
            except (psycopg.Error, BusyError, UnreachableServerError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0, pause))
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def _answer(self, question: Work[bool]) -> bool:
        transaction = Transaction(self.pool.take(), self.dialect, [BEGIN_WRITING, *self.set_by_transaction])
        try:
            return question(transaction)
        finally:
            self._ended(transaction)

    def _retried(self, attempt: Callable[[], T]) -> T:
        """Result of an attempt, made again where its transaction was undone through no fault of its own."""
        deadline, pause, lost = time.monotonic() + self._timeout, FIRST_PAUSE_SECONDS, 0
        while True:
            try:
                return attempt()
            except psycopg.Error as error:
                lost += is_lost(error)
                if not self._may_retry(error) or lost > LOST_RETRIES:
                    raise
                if time.monotonic() > deadline:
                    raise translation(error, self.place) from None
            time.sleep(random.uniform(0, pause))
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def _may_retry(self, error: psycopg.Error) -> bool:
        if error.sqlstate in UNPREPARED_STATES:  # also of another thread, which has told so already
            self.pool.stop_preparing()
            return True
        return error.sqlstate in RETRIED_STATES or is_lost(error)
