"""Rows of a bank's tables, as they lie: read in bounded batches, and written into another database.

Everything happens within a transaction of the caller's.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from memkit.models import ErasureReceipt
from memkit.protocols import BankName, BankVersion, RowPlace, TableRow, TableRows
from memkit.storage.core.banks import BankRow, bank_meta, is_loading, moved_key, name_key
from memkit.storage.core.receipts import awaits_purge
from memkit.storage.core.tables import (
    LOADED_TABLES,
    TABLE_COLUMNS,
    out_of_sight,
    receipts_in,
    refuse_other_receipts,
    refuse_taken,
    rows_of,
    table_values,
)
from memkit.storage.sql.erasures import note_withdrawal, receipts_of
from memkit.storage.sql.queries import Connection, NamedConnection, drop_bank, empty_bank, queries, run, run_many

MAX_BATCH_BYTES = 4_000_000  # of words and bytes; a row that goes beyond is the batch's last
MAX_BATCH_ROWS = {"content": 250, "block": 4}
OTHER_BATCH_ROWS = 2_000
NUMBER_BYTES = 8
LEAST_KEYS: dict[str, Any] = {"mac": b""}  # below all keys; of numbers it is the least there is
LEAST_NUMBER = -(2**63)


def version_of(connection: Connection, name: BankName) -> BankVersion:
    """See `Storage.version`."""
    return _version_and_number(connection, name)[0]


def _version_and_number(connection: Connection, name: BankName) -> tuple[BankVersion, int | None]:
    """The version of a name, and the number of its bank, or of an erased one; None where nothing is known of any."""
    row = run(connection, "bank_by_name", name=name_key(name)).fetchone()
    numbered = row or run(connection, "erased_bank", name=name_key(name)).fetchone()
    if numbered is None:
        return BankVersion(None, 0), None
    receipt = run(connection, "last_receipt_number", bank=numbered[0]).fetchone()[0]
    return BankVersion(None if row is None else BankRow(*row).change, receipt), numbered[0]


def read_rows(connection: Connection, name: BankName, after: RowPlace | None) -> list[TableRows]:
    """See `Storage.read_rows`."""
    version, bank = _version_and_number(connection, name)
    tables = LOADED_TABLES if is_loading(name) else tuple(TABLE_COLUMNS)
    if bank is None:
        return []
    if after is None:
        after = tables[0], ()
    batches: list[TableRows] = []
    for table in (rest := tables[tables.index(after[0]) :]):
        rows = _rows_after(connection, bank, table, after[1] if table == after[0] else ())
        if rows:
            batches.append(TableRows(table, rows, version))
        if len(rows) == _limit(table) or sum(map(_size, batches)) > MAX_BATCH_BYTES:
            break
        if table == rest[0] and isinstance(connection, NamedConnection):
            connection.read_ahead(partial(_rows_after, connection, bank, each, ()) for each in rest[1:])
    return batches


def _limit(table: str) -> int:
    return MAX_BATCH_ROWS.get(table, OTHER_BATCH_ROWS)


def _size(batch: TableRows) -> int:
    return sum(map(_row_size, batch.rows))


def _row_size(row: TableRow) -> int:
    return sum(len(value) if isinstance(value, str | bytes) else NUMBER_BYTES for value in row)


def _rows_after(connection: Connection, bank: int, table: str, last: TableRow) -> list[TableRow]:
    """The next rows of a table behind its row `last`, which is () before the first."""
    name = f"read_rows.{table}"
    if table == "bank":
        return [] if last else _bounded(run(connection, name, bank=bank))
    if table == "meta":  # the bank's number, which ends the keys, is left out
        notes = run(connection, name, meta_keys=bank_meta(bank)).fetchall()
        return sorted(row for key, value in notes if (row := (key.removesuffix(f".{bank}"), value)) > last)
    whole = dict(zip(TABLE_COLUMNS[table], last, strict=True)) if last else {}
    keys = [key for key in queries()[name].names if key not in ("bank", "limit")]
    after = {key: whole.get(key, LEAST_KEYS.get(key, LEAST_NUMBER)) for key in keys}
    return _bounded(run(connection, name, bank=bank, limit=_limit(table), **after))


def _bounded(rows: Iterable[TableRow]) -> list[TableRow]:
    """The first rows, as many as make up a batch."""
    batch: list[TableRow] = []
    size = 0
    for row in rows:
        batch.append(tuple(row))
        size += _row_size(row)
        if size > MAX_BATCH_BYTES:
            break
    return batch


def write_rows(connection: Connection, bank: int, rows: TableRows, **others: Any) -> None:
    """Write rows of one table; `others`: values that all of them share."""
    values = [{**row, **others, "bank": bank} for row in table_values(rows)]
    if rows.table == "erasure":
        values = [row if row["named"] else {**row, "name": None} for row in values]
    if rows.table == "meta":
        values = [{"key": f"{row['key']}.{bank}", "value": row["value"]} for row in values]
    run_many(connection, **{f"write_rows.{rows.table}": values})


def publish_rows(
    connection: Connection, loading: BankRow, name: BankName, batches: Sequence[TableRows]
) -> BankRow | None:
    """See `Storage.publish_rows`."""
    receipts = receipts_in(batches)
    _, other = _version_and_number(connection, name)
    pending = set() if other is None else _give_way(connection, other, loading, receipts)
    living = bool(rows_of(batches, "bank"))
    if living:
        run(connection, "drop_bank_meta", meta_keys=bank_meta(loading.bank))
    else:
        drop_bank(connection, loading.bank)
    for rows in out_of_sight(batches):
        write_rows(connection, loading.bank, rows, name=name_key(name))
    for number in pending:
        run(connection, "reopen_erasure", bank=loading.bank, number=number)
    run(connection, "drop_meta", key=moved_key(name))
    row = run(connection, "bank", bank=loading.bank).fetchone()
    return None if row is None else BankRow(*row)


def _give_way(connection: Connection, bank: int, loading: BankRow, receipts: Sequence[ErasureReceipt]) -> set[int]:
    """Remove an untouched bank, or what is left of an erased one; gives back which of its receipts are pending."""
    row = run(connection, "bank", bank=bank).fetchone()
    if row is not None:
        refuse_taken(BankRow(*row).to_state())
    own = receipts_of(connection, bank)
    if own:
        refuse_other_receipts(own[0].bank, own, receipts)
    macs = run(connection, "fingerprints_of_name", banks=[bank]).fetchall()
    run_many(connection, add_fingerprint=[{"bank": loading.bank, "mac": mac} for (mac,) in macs])
    _remove(connection, bank)
    return {receipt.number for receipt in own if awaits_purge(receipt)}


def _remove(connection: Connection, bank: int) -> None:
    """Remove all that is known of a bank; nothing tells of it."""
    empty_bank(connection, bank)
    run(connection, "drop_erasures", bank=bank)
    run(connection, "drop_fingerprints", bank=bank)
    drop_bank(connection, bank)


def withdraw(connection: Connection, name: BankName) -> None:
    """Remove all of a name, and note that it was moved."""
    _, bank = _version_and_number(connection, name)
    if bank is not None:
        _remove(connection, bank)
    run(connection, "set_meta", key=moved_key(name), value="moved")
    note_withdrawal(connection)
