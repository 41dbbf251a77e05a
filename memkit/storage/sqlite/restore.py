"""Restoring a backup in the place of a database, with the erasures that it lacks."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from memkit.errors import NotADatabaseError, StorageError
from memkit.models import ErasureReceipt
from memkit.protocols import BankName
from memkit.storage.core.banks import name_parts
from memkit.storage.core.receipts import parse_receipts, sound
from memkit.storage.sql.erasures import receipts
from memkit.storage.sqlite.connections import connect, translated
from memkit.storage.sqlite.migrations import APPLICATION_ID, is_current

DATABASE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class ErasureList:
    """Erasures that were carried out: receipts in order of time; keyed digests of erased texts, each with its bank."""

    receipts: Sequence[ErasureReceipt] = ()
    fingerprints: tuple[tuple[BankName, bytes], ...] = ()


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
        start = file.read(len(DATABASE_MAGIC))
        if start != DATABASE_MAGIC:
            return ErasureList(parse_receipts((start + file.read()).decode(errors="replace"), path.name))
    return _of_database(path)


def _of_database(path: Path) -> ErasureList:
    with _opened(path) as connection:
        names = connection.execute(
            "SELECT name, bank FROM erasure WHERE name IS NOT NULL UNION ALL SELECT name, bank FROM bank"
        )
        macs = connection.execute("SELECT bank, mac FROM fingerprint").fetchall()
        name_by_bank = {bank: name_parts(name) for name, bank in names}
        fingerprints = tuple((name_by_bank[bank], mac) for bank, mac in macs if bank in name_by_bank)
        return ErasureList(sound(receipts(connection), path.name), fingerprints)


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
