"""Tables of a bank, for one that moves to another storage: their columns, and the order in which they are written.

No row holds the bank's number, which another storage gives anew.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from memkit.errors import ConflictError
from memkit.identifiers import bank_path
from memkit.models import BankState, ErasureReceipt
from memkit.protocols import BankName, TableRow, TableRows
from memkit.storage.core.checksums import decoding
from memkit.storage.core.receipts import BytesState, stored_receipt

TABLE_COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(columns.split())
    for table, columns in {
        "content": "id text payload vector passages tokens checksum",
        "memory": (  # links to higher seqs are in `link`
            "seq id ref content vector wanted kind state author role speaker head label session episode occurred_at "
            "recorded_at valid_from valid_until superseded_by echo_of strength recalled_at recall_count salience "
            "pinned length asks hash_group text_key change"
        ),
        "link": "superseded_by echo_of seq",  # of memories with a link to a higher seq
        "source": "seq source",
        "tag": "tag seq",
        "mention": "seq kind since until",
        "history": "number seq change event at author content",
        "exchange": "number session closed attempts error due_at last_at",
        "exchange_turn": "number seq",
        "index_entry": "part change seq data",
        "block": "part number first_seq last_seq change data",
        "moved": "seq",
        "removal": "change seqs",
        "fingerprint": "mac",
        "erasure": "number change named seqs receipt pending",  # named: it is the last of a bank that isn't there
        "meta": "key value",  # without the bank's number, which ends each key
        "bank": (
            "zone key created_at change epoch size next_seq next_history next_exchange next_block next_content "
            "unsealed_sketches unsealed_terms"
        ),
    }.items()
}
PUBLISHED_TABLES = ("erasure", "meta", "bank")  # written when the bank is published; the others before
LOADED_TABLES = tuple(table for table in TABLE_COLUMNS if table not in PUBLISHED_TABLES)


def table_values(rows: TableRows) -> Iterator[dict[str, Any]]:
    """Each row's values, by the names of their columns."""
    columns = TABLE_COLUMNS[rows.table]
    return (dict(zip(columns, row, strict=True)) for row in rows.rows)


def rows_of(batches: Sequence[TableRows], table: str) -> list[TableRow]:
    """The rows of one table."""
    return [row for rows in batches if rows.table == table for row in rows.rows]


@decoding("a receipt")
def receipts_in(batches: Sequence[TableRows]) -> list[ErasureReceipt]:
    """The receipts among the rows of `erasure`; bytes that wait in the files they came from are out of sight here."""
    return [stored_receipt(text, state) for *_, text, state in rows_of(out_of_sight(batches), "erasure")]


def out_of_sight(batches: Sequence[TableRows]) -> list[TableRows]:
    """Rows whose receipts don't wait for bytes in the files that they came from: nobody can look at those from here."""
    return [
        rows._replace(rows=[(*row, BytesState.OUT_OF_SIGHT if state else state) for *row, state in rows.rows])
        if rows.table == "erasure"
        else rows
        for rows in batches
    ]


def refuse_other_receipts(name: BankName, own: Sequence[ErasureReceipt], new: Sequence[ErasureReceipt]) -> None:
    """Raises ConflictError where the receipts that are here don't go on in those that come."""
    if [receipt.hash for receipt in own] != [receipt.hash for receipt in new[: len(own)]]:
        raise ConflictError(
            f"move: bank {bank_path(name)} has receipts of erasures in the target that the source doesn't have, so "
            "nothing of it was moved. Move it into another database."
        )


def refuse_taken(state: BankState) -> None:
    """Raises ConflictError where a bank is more than a name."""
    if state.change:
        raise ConflictError(
            f"move: bank {bank_path(state.name)} is in the target already, so it was left where it is. Move it into "
            "another database, or erase the target's first."
        )
