"""Restoring a backup in the place of a database, with the erasures that it lacks."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from memkit.errors import InputError, NotADatabaseError, StorageError
from memkit.models import ErasureReceipt
from memkit.protocols import BankName
from memkit.storage.core.banks import name_key
from memkit.storage.core.receipts import by_time, chain_flaws, chains, receipt_columns
from memkit.storage.sql.queries import run, run_many
from memkit.storage.sqlite.connections import connect, translated
from memkit.storage.sqlite.migrations import APPLICATION_ID, is_current

DATABASE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class ErasureList:
    """Erasures that were carried out: receipts in order of time; keyed digests of erased texts, each with its bank."""

    receipts: tuple[ErasureReceipt, ...] = ()
    fingerprints: tuple[tuple[str, bytes], ...] = ()


def copy_backup(backup: Path, part: Path) -> None:
    """Copy a backup, whoever has it open.

    Raises NotADatabaseError, NewerVersionError, OtherDraftError, UnwritablePathError or CorruptError.
    """
    with _opened(backup) as source:
        source.execute("VACUUM INTO ?", (str(part),))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database of memkit's, of a format that is known here, to be read."""
    with translated(str(path)), closing(connect(path, read_only=True)) as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise NotADatabaseError(f"{path}: is no database of memkit's. Give what store.backup(path) wrote.")
        is_current(connection, path)
        yield connection


def read_erasures(path: Path) -> ErasureList:
    """Erasures of a database, or of a file that `store.export_receipts` wrote. Raises InputError for a changed list."""
    with path.open("rb") as file:
        is_database = file.read(len(DATABASE_MAGIC)) == DATABASE_MAGIC
    erasures = _of_database(path) if is_database else ErasureList(tuple(_of_lines(path)))
    flaws = chain_flaws(erasures.receipts)
    if flaws:
        raise InputError(f"restore: {path.name}: {flaws[0]} Erasures must be complete to be carried out again.")
    return erasures


def _of_database(path: Path) -> ErasureList:
    with _opened(path) as connection:
        receipts = [ErasureReceipt.model_validate_json(row[0]) for row in run(connection, "receipts", after=0)]
        names = {bank: name for name, bank in _banks_by_name(connection).items()}
        rows = connection.execute("SELECT bank, mac FROM fingerprint").fetchall()
    macs = tuple((names[bank], mac) for bank, mac in rows if bank in names)
    return ErasureList(tuple(by_time(receipts)), macs)


def _banks_by_name(connection: sqlite3.Connection) -> dict[str, int]:
    """Numbers of the banks that are there, and of those of which only receipts are left."""
    names = "SELECT name, bank FROM erasure WHERE name IS NOT NULL UNION ALL SELECT name, bank FROM bank"
    return dict(connection.execute(names).fetchall())


def _of_lines(path: Path) -> list[ErasureReceipt]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [ErasureReceipt.model_validate_json(line) for line in lines if line.strip()]
    except (UnicodeDecodeError, ValidationError):
        raise InputError(
            f"restore: {path.name} is neither a database nor a list of receipts. "
            "Give the live database, or what store.export_receipts(path) wrote."
        ) from None


def missing_erasures(erasures: ErasureList, own: Sequence[ErasureReceipt]) -> list[ErasureReceipt]:
    """The erasures that a backup lacks. Raises InputError where the list isn't that of the same database."""
    hashes = {(receipt.bank, receipt.number): receipt.hash for receipt in erasures.receipts}
    last = [chain[-1] for chain in chains(own).values()]
    if erasures.receipts and any(hashes.get((r.bank, r.number)) != r.hash for r in last):
        raise InputError(
            "restore: the list of erasures doesn't go on from this backup's. Give the list of the same database, "
            "not older than the backup; or restore to another path, with erasures=None."
        )
    numbers = _last_numbers(own)
    return [receipt for receipt in erasures.receipts if receipt.number > numbers[receipt.bank]]


def _last_numbers(receipts: Sequence[ErasureReceipt]) -> Counter[BankName]:
    """The last number of each bank's receipts; 0 where it has none."""
    return Counter({bank: chain[-1].number for bank, chain in chains(receipts).items()})


def adopt_erasures(part: Path, erasures: ErasureList, own: Sequence[ErasureReceipt]) -> None:
    """Put the listed receipts in the place of those that repeating their erasures wrote; caches become invalid.

    `own`: the receipts that the backup had.
    """
    with translated(str(part)), closing(connect(part, read_only=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        new = missing_erasures(erasures, own)
        banks = _numbered(connection, {name_key(receipt.bank) for receipt in new})
        there = {name for (name,) in connection.execute("SELECT name FROM bank")}
        numbers = _last_numbers(own)
        repeated = [(banks[name_key(bank)], numbers[bank]) for bank in {receipt.bank for receipt in new}]
        connection.executemany("DELETE FROM erasure WHERE bank = ? AND number > ?", repeated)
        names = [(receipt, name_key(receipt.bank)) for receipt in new]
        rows = [receipt_columns(r, banks[name], b"", None if name in there else name) for r, name in names]
        run_many(connection, add_erasure=rows)
        macs = [{"bank": banks[name], "mac": mac} for name, mac in erasures.fingerprints if name in banks]
        run_many(connection, add_fingerprint=macs)
        connection.execute("UPDATE bank SET epoch = epoch + 1, change = change + 1")
        connection.execute("COMMIT")


def _numbered(connection: sqlite3.Connection, names: set[str]) -> dict[str, int]:
    """Numbers of all banks, with new ones for those of which the backup knows nothing."""
    banks = _banks_by_name(connection)
    next_bank = run(connection, "last_bank").fetchone()[0] + 1
    return banks | dict(zip(sorted(names - set(banks)), count(next_bank), strict=False))


def put_in_place(part: Path, target: Path) -> None:
    """Make the prepared copy the database: written over one that others may have open, in one transaction."""
    if not target.exists():
        part.replace(target)
        return
    with translated(str(target)), closing(connect(target, read_only=False)) as live:
        _ahead_of(live, part)
        with closing(connect(part, read_only=True)) as source:
            source.backup(live)
    part.unlink()


def _ahead_of(live: sqlite3.Connection, part: Path) -> None:
    """Raise the copy's change numbers above all that a process may have seen of the database that it replaces."""
    try:
        seen = dict(live.execute("SELECT bank, change FROM bank").fetchall())
    except sqlite3.DatabaseError as error:
        raise StorageError("restore: what lies there is no database of memkit's; move it away.") from error
    with closing(connect(part, read_only=False)) as connection:
        connection.executemany(
            "UPDATE bank SET change = max(change, ?) + 1 WHERE bank = ?", [(n, bank) for bank, n in seen.items()]
        )
