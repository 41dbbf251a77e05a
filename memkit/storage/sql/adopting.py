"""Receipts of erasures that were carried out again: they take the place of those that this wrote."""

from collections.abc import Callable, Sequence

from memkit.models import ErasureReceipt
from memkit.protocols import BankName
from memkit.storage.core.banks import name_key
from memkit.storage.core.receipts import chains, receipt_columns
from memkit.storage.sql.queries import Connection, run, run_many


def adopt_receipts(
    connection: Connection,
    receipts: Sequence[ErasureReceipt],
    fingerprints: Sequence[tuple[BankName, bytes]],
    new_number: Callable[[str], int],
) -> None:
    """Within a write transaction: put receipts in the place of those of their banks from their numbers on.

    `new_number`: of a bank of which nothing is known, by its name's key. What readers hold of any bank becomes invalid.
    """
    for name, chain in chains(receipts).items():
        _put_chain(connection, name_key(name), chain, new_number)
    for name, mac in fingerprints:
        for (bank,) in run(connection, "banks_of_name", name=name_key(name)).fetchall():
            run_many(connection, add_fingerprint=[{"bank": bank, "mac": mac}])
    run(connection, "invalidate_banks")


def _put_chain(
    connection: Connection, name: str, chain: Sequence[ErasureReceipt], new_number: Callable[[str], int]
) -> None:
    """The end of one bank's chain; its rows hold the name where there is no bank (any more)."""
    numbers = [number for (number,) in run(connection, "banks_of_name", name=name)]
    bank = numbers[0] if numbers else new_number(name)
    is_there = run(connection, "bank_by_name", name=name).fetchone() is not None
    run(connection, "drop_erasures_from", bank=bank, number=chain[0].number)
    rows = [receipt_columns(receipt, bank, b"", None if is_there else name) for receipt in chain]
    run_many(connection, add_erasure=rows)
