"""Restoring a backup in the place of a database, with the erasures that it lacks."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from memkit.errors import InputError, NotADatabaseError, StorageError
from memkit.models import ErasureReceipt
from memkit.storage.core.receipts import chain_flaws
from memkit.storage.sql.queries import run, run_many
from memkit.storage.sqlite.connections import connect, translated
from memkit.storage.sqlite.migrations import APPLICATION_ID

DATABASE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class ErasureList:
    """Erasures that were carried out: receipts in order, and keyed digests of erased texts."""

    receipts: tuple[ErasureReceipt, ...] = ()
    fingerprints: tuple[bytes, ...] = ()


def copy_backup(backup: Path, part: Path) -> None:
    """Copy a backup, whoever has it open. Raises NotADatabaseError, UnwritablePathError, CorruptError."""
    with translated(str(backup)), closing(connect(backup, read_only=True)) as source:
        if source.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise NotADatabaseError(f"{backup}: is no backup of memkit's. Give what store.backup(path) wrote.")
        source.execute("VACUUM INTO ?", (str(part),))


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
    with translated(str(path)), closing(connect(path, read_only=True)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'erasure'").fetchone() is None:
            return ErasureList()  # of an earlier format: nothing was noted
        receipts = [ErasureReceipt.model_validate_json(row[0]) for row in run(connection, "receipts", 0)]
        macs = tuple(row[0] for row in connection.execute("SELECT mac FROM fingerprint"))
    return ErasureList(tuple(receipts), macs)


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
    """The erasures that a backup lacks, by its `own` ones. Raises InputError where the list is of another database."""
    hashes = {receipt.number: receipt.hash for receipt in erasures.receipts}
    last = own[-1] if own else None
    if last is not None and erasures.receipts and hashes.get(last.number) != last.hash:
        raise InputError(
            "restore: the list of erasures doesn't go on from this backup's. Give the list of the same database, "
            "not older than the backup; or restore to another path, with erasures=None."
        )
    return [receipt for receipt in erasures.receipts if last is None or receipt.number > last.number]


def adopt_erasures(part: Path, erasures: ErasureList, after: int) -> None:
    """Put the listed receipts in the place of those that repeating their erasures wrote; caches become invalid."""
    with translated(str(part)), closing(connect(part, read_only=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if erasures.receipts:
            numbers = {bank: number for number, bank in connection.execute("SELECT bank, name FROM bank")}
            connection.execute("DELETE FROM erasure WHERE number > ?", (after,))
            run_many(connection, "add_erasure", [_row(r, numbers) for r in erasures.receipts if r.number > after])
        run_many(connection, "add_fingerprint", [(mac,) for mac in erasures.fingerprints])
        connection.execute("UPDATE bank SET epoch = epoch + 1, change = change + 1")
        connection.execute("COMMIT")


def _row(receipt: ErasureReceipt, numbers: dict[str, int]) -> tuple[object, ...]:
    name = json.dumps(list(receipt.bank), ensure_ascii=False, separators=(",", ":"))
    text = receipt.model_dump_json(exclude={"bytes_pending"})
    return (receipt.number, numbers.get(name, 0), receipt.change, b"", text)


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
