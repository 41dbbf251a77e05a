"""Purge: tables are rewritten without what was erased, under a lock that keeps everybody else from them meanwhile."""

from contextlib import closing

from memkit.storage.postgres.dialect import column_types
from memkit.storage.postgres.errors import translated
from memkit.storage.postgres.pool import Pool
from memkit.storage.postgres.transactions import Transactions
from memkit.storage.sql.erasures import finish_erasures, is_withdrawal_noted, pending_erasures


def purge(pool: Pool, transactions: Transactions, *, thorough: bool) -> bool:
    """True once no table holds an erased byte; the server's log may, until it is recycled."""
    pending, withdrew = transactions.read(pending_erasures), transactions.read(is_withdrawal_noted)
    if not pending and not withdrew:
        return True
    if not thorough:
        return False
    with translated(transactions.place), closing(pool.dial()) as raw:
        for table in column_types():
            raw.execute(f"VACUUM (FULL) {pool.location.schema}.{table}".encode())
    transactions.write(lambda connection: finish_erasures(connection, pending))
    return True
