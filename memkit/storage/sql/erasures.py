"""Receipts of erasures in SQL: written within the transaction of an erasure, and read back."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from memkit.models import ErasureReceipt
from memkit.storage.core.banks import BankRow
from memkit.storage.core.checksums import decoding
from memkit.storage.core.enum_codes import KIND_CODES
from memkit.storage.core.receipts import (
    BytesState,
    bank_receipt,
    by_time,
    erasure_receipt,
    receipt_columns,
    stored_receipt,
)
from memkit.storage.core.unit_of_work import Erased
from memkit.storage.sql.queries import Connection, Cursor, empty_bank, run, run_many

WITHDRAWN_KEY = "purge.withdrawn"


def add_receipts(connection: Connection, row: BankRow, erased: Sequence[Erased], at: datetime) -> list[ErasureReceipt]:
    """Write the receipts of erasures, and their fingerprints; `row`: the bank's, after them."""
    return [_add_receipt(connection, row, erasure, at) for erasure in erased]


def _add_receipt(connection: Connection, row: BankRow, erased: Erased, at: datetime) -> ErasureReceipt:
    receipt = erasure_receipt(erased, row.to_state(), at, last_receipt(connection, row.bank))
    seqs = np.array(erased.seqs, dtype="<i8").tobytes()
    run(connection, "add_erasure", **receipt_columns(receipt, row.bank, seqs, None))
    run_many(connection, add_fingerprint=[{"bank": row.bank, "mac": mac} for mac in erased.fingerprints])
    return receipt


def add_bank_receipt(connection: Connection, row: BankRow, at: datetime, requested_by: str | None) -> ErasureReceipt:
    """Remove everything of a bank but its own row, and write the receipt."""
    counts = {KIND_CODES.words[kind]: count for kind, count in run(connection, "kinds_of_bank", bank=row.bank)}
    state = row._replace(change=row.change + 1).to_state()
    receipt = bank_receipt(state, counts, at, requested_by, last_receipt(connection, row.bank))
    run(connection, "add_erasure", **receipt_columns(receipt, row.bank, b"", row.name))
    empty_bank(connection, row.bank)
    return receipt


def pending_erasures(connection: Connection) -> dict[str, tuple[int, int]]:
    """Receipts whose bytes may still lie in the files, whoever erased them: bank and number, by hash."""
    rows = run(connection, "pending_erasures").fetchall()
    return {_receipt((text, BytesState.IN_FILES)).hash: (bank, number) for bank, number, text in rows}


def note_withdrawal(connection: Connection) -> None:
    """Note that bytes of a bank may lie in the files which another database has now."""
    run(connection, "set_meta", key=WITHDRAWN_KEY, value="1")


def is_withdrawal_noted(connection: Connection) -> bool:
    """Whether bytes of banks that were moved away may still lie in the files."""
    return run(connection, "get_meta", key=WITHDRAWN_KEY).fetchone() is not None


def bytes_left(connection: Connection) -> list[str]:
    """Sentences on bytes that may still lie in the files."""
    sentences = {
        "erased bytes may still lie in the files: an erasure was interrupted.": bool(pending_erasures(connection)),
        "bytes of banks that were moved away may still lie in the files: purge them.": is_withdrawal_noted(connection),
    }
    return [sentence for sentence, holds in sentences.items() if holds]


def finish_erasures(connection: Connection, pending: Mapping[str, tuple[int, int]]) -> None:
    """Note that the files hold no bytes any more, neither of these erasures nor of banks that were moved away."""
    run_many(connection, finish_erasure=[{"bank": bank, "number": number} for bank, number in pending.values()])
    run(connection, "drop_meta", key=WITHDRAWN_KEY)


def receipts(connection: Connection, after: int = 0) -> list[ErasureReceipt]:
    """All receipts with greater numbers than `after`, in order."""
    return by_time([_receipt(row) for row in run(connection, "receipts", after=after)])


def receipts_of(connection: Connection, bank: int) -> list[ErasureReceipt]:
    """Receipts of one bank, in order."""
    return list(map(_receipt, run(connection, "receipts_of", bank=bank)))


def receipt_at(connection: Connection, bank: int, change: int) -> ErasureReceipt | None:
    """The receipt of the erasure that led a bank to a change number."""
    return _first(run(connection, "receipt", bank=bank, change=change))


def last_receipt(connection: Connection, bank: int) -> ErasureReceipt | None:
    """The last receipt of a bank."""
    return _first(run(connection, "last_receipt", bank=bank))


def _first(rows: Cursor) -> ErasureReceipt | None:
    return next(map(_receipt, rows), None)


@decoding("a receipt")
def _receipt(row: tuple[str, int]) -> ErasureReceipt:
    return stored_receipt(*row)
