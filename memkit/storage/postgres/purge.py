"""Purge: erased bytes are driven out of the tables, and followed through the server's log.

The tables are rewritten, each under a lock that keeps everybody else from it meanwhile. The server's log, which its
crash recovery and its standbys read, holds what was ever written until its files are used again: see `server_log`.
Where those files can't be looked at, receipts say that nobody can tell. Copies that others made (dumps, archives of the
log) are theirs.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from memkit.errors import PermissionDeniedError
from memkit.storage.core.receipts import BytesState
from memkit.storage.postgres.connection import Transaction
from memkit.storage.postgres.errors import translated
from memkit.storage.postgres.pool import Pool
from memkit.storage.postgres.server_log import LogPlace, LogSight, look, reached
from memkit.storage.postgres.session import Raw
from memkit.storage.postgres.transactions import Transactions
from memkit.storage.sql.erasures import WITHDRAWN_KEY, is_withdrawal_noted, pending_erasures
from memkit.storage.sql.queries import run, run_many

LOG_KEY = "purge.log"  # of the store's notes: how far the log must be used again
RETRY_SECONDS = 0.05
TABLES_QUERY = b"""
SELECT c.relname, pg_relation_filenode(c.oid), pg_has_role(c.relowner, 'MEMBER')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY c.relname"""  # a split table's parts are tables of their own
OLDER_READERS_QUERY = b"""
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND age(backend_xmin) >= age($1::xid)
               AND (datname = current_database() OR datname IS NULL))
    OR EXISTS (SELECT FROM pg_replication_slots WHERE age(xmin) >= age($1::xid))
    OR EXISTS (SELECT FROM pg_prepared_xacts
               WHERE database = current_database() AND age(transaction) >= age($1::xid))"""


class TablesPurge:
    """Purge of one schema's tables."""

    def __init__(self, pool: Pool, transactions: Transactions) -> None:
        self._pool, self._transactions = pool, transactions
        self._schema = pool.location.schema

    def run(self, *, rewriting: bool, wait: float) -> bool:
        """True once nothing is left to be done: no byte is left, or nobody can tell.

        Where `rewriting`, the tables are rewritten if one of them may hold something; for `wait` seconds it lets
        readers finish who see what was erased.
        """
        waits = self._transactions.read(_waits)
        if waits and rewriting:
            pending = self._transactions.read(pending_erasures)
            with self._dialled() as raw:
                if not self._rewritten(raw, wait):
                    return False
                self._note_rewritten(pending.values(), reached(raw))
            waits = False
        return self._log_is_used_again() and not waits

    @contextmanager
    def _dialled(self) -> Iterator[Raw]:
        """A connection of its own, in no transaction: a table can't be rewritten within one."""
        with translated(self._transactions.place), closing(self._pool.dial()) as raw:
            yield raw

    def _rewritten(self, raw: Raw, wait: float) -> bool:
        """Whether the tables were rewritten without what was erased. Raises PermissionDeniedError."""
        before = self._files(raw)
        if not all(is_own for _, is_own in before.values()):
            raise PermissionDeniedError(
                f"{self._transactions.place}: only the owner of the tables in schema {self._schema} may rewrite them. "
                "Let that role run `memkit purge`; until then receipts say that bytes may be left."
            )
        if not _without_older_readers(raw, time.monotonic() + wait):
            return False
        for table in before:
            raw.execute(f"VACUUM (FULL) {self._schema}.{table}".encode())
        after = self._files(raw)
        return all(file != after[table][0] for table, (file, _) in before.items() if table in after)

    def _files(self, raw: Raw) -> Mapping[str, tuple[int, bool]]:
        """The number of each table's file, and whether the table is this role's."""
        rows: Any = raw.execute(TABLES_QUERY, [self._schema]).fetchall()
        return {table: (file, is_own) for table, file, is_own in rows}

    def _note_rewritten(self, erasures: Iterable[tuple[int, int]], end: LogPlace) -> None:
        rows = [{"bank": bank, "number": number, "state": BytesState.IN_LOG} for bank, number in erasures]

        def work(transaction: Transaction) -> None:
            run_many(transaction, set_meta=[{"key": LOG_KEY, "value": end.to_json()}], mark_erasure=rows)
            run(transaction, "drop_meta", key=WITHDRAWN_KEY)

        self._transactions.write(work)

    def _log_is_used_again(self) -> bool:
        """Whether the log was used again since the last rewriting, or can't be looked at; its receipts are settled."""
        note = self._transactions.read_statement(lambda t: run(t, "get_meta", key=LOG_KEY).fetchone())
        if note is None:
            return True
        place = LogPlace.from_json(note[0])
        with self._dialled() as raw:
            sight, place = look(raw, place)
        change = {
            LogSight.STILL_THERE: lambda t: run_many(t, set_meta=[{"key": LOG_KEY, "value": place.to_json()}]),
            LogSight.USED_AGAIN: lambda t: _settle(t, BytesState.ALL_GONE),
            LogSight.OUT_OF_SIGHT: lambda t: _settle(t, BytesState.OUT_OF_SIGHT),
        }[sight]
        self._transactions.write(_unless_changed(note[0], change))
        return sight is not LogSight.STILL_THERE


def _waits(transaction: Transaction) -> bool:
    """Whether a table may hold erased bytes."""
    return run(transaction, "any_pending_erasure").fetchone() is not None or is_withdrawal_noted(transaction)


def _unless_changed(note: str, change: Callable[[Transaction], None]) -> Callable[[Transaction], None]:
    """A change that is made only where no other worker has rewritten the tables meanwhile."""

    def work(transaction: Transaction) -> None:
        now = run(transaction, "meta_for_change", key=LOG_KEY).fetchone()
        if now is not None and now[0] == note:
            change(transaction)

    return work


def _settle(transaction: Transaction, state: int) -> None:
    run(transaction, "settle_erasures", before=BytesState.IN_LOG, after=state)
    run(transaction, "drop_meta", key=LOG_KEY)


def _without_older_readers(raw: Raw, deadline: float) -> bool:
    """Whether nobody's snapshot is older than now: rewriting keeps what one of them still sees."""
    row: Any = raw.execute(b"SELECT pg_current_xact_id()::xid::text").fetchone()
    while True:
        older: Any = raw.execute(OLDER_READERS_QUERY, [row[0]]).fetchone()
        if not older[0]:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(RETRY_SECONDS)
