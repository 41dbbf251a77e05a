"""Banks that are being loaded: published under the name that they get, or dropped. Within a write transaction."""

from collections.abc import Sequence

from memkit.exported import ExportedBank
from memkit.models import BankState, ErasureReceipt
from memkit.storage.core.banks import BankRow, name_key, refuse_written
from memkit.storage.core.receipts import awaits_purge, longer_chain, receipt_columns
from memkit.storage.sql.erasures import receipts_of
from memkit.storage.sql.queries import Connection, drop_bank, empty_bank, run, run_many
from memkit.times import to_micros


def take_over(connection: Connection, bank: int, name: str) -> None:
    """Give a bank the receipts and fingerprints of an erased one of the same name."""
    for (erased,) in run(connection, "erased_bank", name=name).fetchall():
        _inherit(connection, bank, erased)


def drop_unpublished(connection: Connection, bank: int) -> None:
    """Remove everything of a bank; nothing tells of it."""
    empty_bank(connection, bank)
    _drop_receipts(connection, bank)
    drop_bank(connection, bank)


def _drop_receipts(connection: Connection, bank: int) -> None:
    run(connection, "drop_erasures", bank=bank)
    run(connection, "drop_fingerprints", bank=bank)


def publish(
    connection: Connection,
    row: BankRow,
    exported: ExportedBank,
    receipts: Sequence[ErasureReceipt],
    fingerprints: Sequence[bytes],
) -> BankState:
    """Make a loaded bank the one that an export names."""
    renamed = row._replace(
        name=name_key(exported.name),
        zone=exported.zone,
        created_at=to_micros(exported.created_at),
        change=max(row.change, exported.change),
        next_seq=max(row.next_seq, exported.next_number),
        next_exchange=max(row.next_exchange, exported.next_exchange),
    )
    pending = any(map(awaits_purge, receipts_of(connection, row.bank)))
    _drop_receipts(connection, row.bank)
    _take_place(connection, row.bank, renamed.name)
    _add_receipts(connection, row.bank, receipts)
    if pending:  # what was erased before the bank was published still has to be driven out of the files
        run(connection, "reopen_last_erasure", bank=row.bank)
    run_many(connection, add_fingerprint=[{"bank": row.bank, "mac": mac} for mac in fingerprints])
    run(connection, "rename_bank", **renamed._asdict())
    return renamed.to_state()


def _add_receipts(connection: Connection, bank: int, receipts: Sequence[ErasureReceipt]) -> None:
    """Add those receipts that the bank didn't take over; their bytes never lay in this file."""
    own = receipts_of(connection, bank)
    new = longer_chain(own, receipts)[len(own) :]
    run_many(
        connection,
        add_erasure=_erasure_rows(bank, new),
        finish_erasure=[{"bank": bank, "number": receipt.number} for receipt in new],
    )


def _erasure_rows(bank: int, receipts: Sequence[ErasureReceipt]) -> list[dict[str, object]]:
    """Rows of receipts; change numbers of an earlier bank of the name mean nothing in this one."""
    wholes = [receipt.number for receipt in receipts if receipt.whole]
    rows = [receipt_columns(receipt, bank, b"", None) for receipt in receipts]
    return [row | {"change": 0} if row["number"] in range(max(wholes, default=0) + 1) else row for row in rows]


def _take_place(connection: Connection, bank: int, name: str) -> None:
    """Put a bank in the place of an untouched one, and take over the receipts of the name."""
    other = run(connection, "bank_by_name", name=name).fetchone()
    if other is not None:
        untouched = BankRow(*other)
        refuse_written(untouched.to_state())
        empty_bank(connection, untouched.bank)
        _inherit(connection, bank, untouched.bank)
        drop_bank(connection, untouched.bank)
    take_over(connection, bank, name)


def _inherit(connection: Connection, bank: int, erased: int) -> None:
    run(connection, "take_over_erasures", bank=bank, erased=erased)
    run(connection, "take_over_fingerprints", bank=bank, erased=erased)
