"""Banks in one SQLite file. Each call is one transaction; what returned survives kill -9 and power loss."""

import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memkit.errors import InputError
from memkit.models import BankState, ErasureReceipt, Receipt
from memkit.storage.core.banks import (
    BankRow,
    bank_gone,
    checked_name,
    checked_zone,
    listed,
    name_key,
    prefix_range,
    term_rules_meta,
)
from memkit.storage.sql.queries import run, run_many, run_over
from memkit.storage.sqlite.connections import Connections
from memkit.storage.sqlite.filesystem import sync
from memkit.storage.sqlite.group_commit import GroupCommit
from memkit.storage.sqlite.opening import prepare
from memkit.storage.sqlite.secure_delete.files import Files
from memkit.times import MAX_DELAY, to_micros, utc_now

if TYPE_CHECKING:  # what reads and changes memories is imported where that is done: names alone take none of it
    from memkit.exported import ExportedBank
    from memkit.operations import Step
    from memkit.protocols import BankName, BankView, Decision
    from memkit.settings import RuntimeSettings
    from memkit.storage.sqlite.purge import Erasures


class SqliteStorage:
    """protocols.Storage over one file; safe to share between threads, reopened after a fork.

    Raises the StorageError of what went wrong; a call that raised changed nothing.
    """

    def __init__(self, path: Path, *, read_only: bool, settings: "RuntimeSettings") -> None:
        self.path = path
        self._connections = Connections(path, read_only=read_only, busy_timeout=settings.busy_timeout)
        self._writes = GroupCommit(self._connections)
        self._files = Files(path)
        self._made_erasures: Erasures | None = None
        self._lock = threading.Lock()
        self._closed = False
        try:
            prepare(self._connections)
        except BaseException:
            self.close()
            raise

    @property
    def _erasures(self) -> "Erasures":
        """Erasures through this store, made with the first one: names alone are read without them."""
        with self._lock:
            if self._made_erasures is None:
                from memkit.storage.sqlite.purge import Erasures

                self._made_erasures = Erasures(self._connections, self._files)
            return self._made_erasures

    # -- banks

    def open_bank(self, name: "BankName", *, zone: str | None = None) -> BankState:
        return self.find_bank(name) or self._make_bank(name, checked_zone(zone or "UTC"))

    def _make_bank(self, name: "BankName", zone: str) -> BankState:
        with self._connections.writing() as connection:
            key = name_key(name)
            row = run(connection, "bank_by_name", name=key).fetchone() or self._add_bank(connection, key, zone)
            return BankRow(*row).to_state()

    def _add_bank(self, connection: sqlite3.Connection, name: str, zone: str) -> tuple[Any, ...]:
        """Add a bank; it takes over receipts and fingerprints of an erased bank of the same name."""
        from memkit.storage.sqlite.publishing import take_over

        bank = _next_bank(connection)
        columns = {"name": name, "zone": zone, "key": secrets.token_bytes(16), "created_at": to_micros(utc_now())}
        run(connection, "add_bank", bank=bank, **columns)
        run_many(connection, set_meta=[{"key": k, "value": v} for k, v in term_rules_meta(bank).items()])
        take_over(connection, bank, name)
        row: tuple[Any, ...] = run(connection, "bank", bank=bank).fetchone()
        return row

    def find_bank(self, name: "BankName") -> BankState | None:
        key = name_key(checked_name(name))
        with self._connections.borrowed() as connection:  # one statement is a transaction of its own
            row = self._connections.retry_while_busy(lambda: run(connection, "bank_by_name", name=key).fetchone())
        return None if row is None else BankRow(*row).to_state()

    def banks(self, prefix: "BankName" = (), *, items_at: datetime | None = None) -> list[BankState]:
        start, end = prefix_range(prefix)
        with self._connections.reading() as connection:
            query, moment = ("banks_between", None) if items_at is None else ("banks_with_items", to_micros(items_at))
            rows = run(connection, query, start=start, end=end, moment=moment).fetchall()
        return listed((BankRow(*row).to_state() for row in rows), prefix)

    def unencoded_banks(self) -> list[BankState]:
        with self._connections.reading() as connection:
            rows = run(connection, "unencoded_banks").fetchall()
        return listed((BankRow(*row).to_state() for row in rows), ())

    def drop_bank(
        self, bank: int, *, at: datetime, requested_by: str | None = None, fingerprints: Sequence[bytes] = ()
    ) -> ErasureReceipt | None:
        """Erase a bank and everything in it; None where it isn't there."""
        with self._connections.writing() as connection:
            row = run(connection, "bank", bank=bank).fetchone()
            if row is None:
                return None
            receipt = self._erasures.drop_bank(connection, BankRow(*row), at, requested_by)
            run(connection, "drop_bank", bank=bank)
            run_many(connection, add_fingerprint=[{"bank": bank, "mac": mac} for mac in fingerprints])
        return receipt

    def discard(self, bank: int) -> None:
        from memkit.storage.sqlite.publishing import drop_unpublished

        with self._connections.writing() as connection:
            drop_unpublished(connection, bank)

    def publish(
        self, bank: int, exported: "ExportedBank", receipts: Sequence[ErasureReceipt], fingerprints: Sequence[bytes]
    ) -> BankState:
        from memkit.storage.sqlite.publishing import publish

        with self._connections.writing() as connection:
            return publish(connection, self._row(connection, bank), exported, receipts, fingerprints)

    # -- reading and changing one bank

    @contextmanager
    def view(self, bank: "int | BankName") -> "Iterator[BankView]":
        from memkit.storage.sql.view import SqlView

        with self._connections.reading() as connection:
            yield SqlView(connection, self._row(connection, bank))

    def apply(self, bank: "int | BankName", decide: "Sequence[Step] | Decision", *, at: datetime) -> Receipt:
        """Do operations in one transaction, all or none; it is committed with what other threads write meanwhile.

        Raises UnknownMemoryError where an operation names an id that isn't there, and whatever `decide`
        raises; nothing was changed then.
        """
        return self._writes.run(lambda connection: self._applied(connection, bank, decide, at))

    def _applied(
        self, connection: sqlite3.Connection, bank: "int | BankName", decide: "Sequence[Step] | Decision", at: datetime
    ) -> Receipt:
        from memkit.storage.core.apply_operations import apply_operations
        from memkit.storage.sql.view import SqlView
        from memkit.storage.sql.writer import Writer

        view = SqlView(connection, self._row(connection, bank))
        steps = decide(view) if callable(decide) else decide
        changes, outcomes = apply_operations(steps, view, at=at)
        change = view.row.change
        if changes:
            writer = Writer(view, changes)
            row = writer.write()
            change = row.change
            if changes.erased:
                self._erasures.note(connection, row, changes.erased, writer.erased, at)
        return Receipt(bank=view.state.name, change=change, outcomes=outcomes)

    def _row(self, connection: sqlite3.Connection, bank: "int | BankName") -> BankRow:
        if isinstance(bank, int):
            row = run(connection, "bank", bank=bank).fetchone()
        else:
            row = run(connection, "bank_by_name", name=name_key(checked_name(bank))).fetchone()
        if row is None:
            raise bank_gone(bank, str(self.path))
        return BankRow(*row).checked()

    # -- the store's own notes

    def get_meta(self, key: str) -> str | None:
        with self._connections.reading() as connection:
            row = run(connection, "get_meta", key=key).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, values: dict[str, str]) -> None:
        with self._connections.writing() as connection:
            run_many(connection, set_meta=[{"key": key, "value": value} for key, value in values.items()])

    def lease(self, bank: int, owner: str, now: datetime, seconds: float) -> bool:
        start = to_micros(now)
        with self._connections.writing() as connection:
            if run(connection, "bank", bank=bank).fetchone() is None:
                return False
            until = start + round(seconds * 1_000_000)
            farthest = to_micros(now + MAX_DELAY)  # a clock was wrong where a lease ends beyond it
            moments = {"until": until, "now": start, "farthest": farthest}
            return run(connection, "take_lease", bank=bank, owner=owner, **moments).rowcount > 0

    def release(self, bank: int, owner: str) -> None:
        with self._connections.writing() as connection:
            run(connection, "drop_lease", bank=bank, owner=owner)

    def receipts(self, after: int = 0) -> list[ErasureReceipt]:
        from memkit.storage.sqlite.purge import receipts

        with self._connections.reading() as connection:
            return receipts(connection, after)

    def receipt(self, bank: int, change: int) -> ErasureReceipt | None:
        from memkit.storage.sqlite.purge import receipt_at

        with self._connections.reading() as connection:
            return receipt_at(connection, bank, change)

    def adopt_receipts(
        self, receipts: Sequence[ErasureReceipt], fingerprints: "Sequence[tuple[BankName, bytes]]" = ()
    ) -> None:
        from memkit.storage.sql.adopting import adopt_receipts

        with self._connections.writing() as connection:
            adopt_receipts(connection, receipts, fingerprints, lambda name: _next_bank(connection))

    def fingerprinted(self, bank: int, macs: Sequence[bytes]) -> set[bytes]:
        with self._connections.reading() as connection:
            return {row[0] for row in run_over(connection, "fingerprints_among", macs, bank=bank)}

    def fingerprints(self, name: "BankName") -> list[bytes]:
        with self._connections.reading() as connection:
            banks = [row[0] for row in run(connection, "banks_of_name", name=name_key(name))]
            return [row[0] for row in run_over(connection, "fingerprints_of_name", banks)]

    # -- the files

    def audit(self, *, repair: bool = False) -> list[str]:
        """Problems of the stored data, one sentence each; repaired on request.

        A damaged file is rebuilt from what can be read of it. Raises BusyError where somebody else has it open.
        """
        from memkit.storage.core.receipts import chain_flaws
        from memkit.storage.sqlite.repair.audit import audit, damage
        from memkit.storage.sqlite.repair.recover import recover

        problems = damage(self._connections)
        if problems and not repair:
            return problems
        if problems:
            self._connections.release()
            problems += recover(self.path)
        problems += audit(self._connections, repair=repair) + chain_flaws(self.receipts())
        if self._erasures.pending():
            problems.append("erased bytes may still lie in the files: an erasure was interrupted.")
            if repair:
                self.purge()
        return problems

    def sizes(self, bank: int | None = None) -> dict[str, int]:
        """Bytes by part; `total` is that of the files, or of one bank's parts."""
        with self._connections.reading() as connection:
            parts = _sizes(connection, bank)
            pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
            free = pages * connection.execute("PRAGMA page_size").fetchone()[0]
        if bank is not None:
            return {**parts, "free": 0, "total": sum(parts.values())}
        return {**parts, "free": free, "total": self._files.size()}

    def purge(self, *, thorough: bool = True, wait: float = 0.0) -> bool:
        """Push erased bytes out of the log and the pages; False where some may be left."""
        return self._erasures.purge(thorough=thorough, wait=wait)

    def backup(self, path: str) -> None:
        """A compact, consistent copy, while the store is in use; an older copy there is replaced.

        Raises UnwritablePathError, DiskFullError or InputError.
        """
        target = Path(path)
        if target.exists() and target.samefile(self.path):
            raise InputError(f"backup: {path} is this store's own file. Give another path.")
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
        try:
            with self._connections.borrowed() as connection:
                self._connections.retry_while_busy(lambda: connection.execute("VACUUM INTO ?", (str(part),)))
            sync(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; harmless to repeat. Calls afterwards raise ClosedError."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._connections.close()
        self._files.close()


def _next_bank(connection: sqlite3.Connection) -> int:
    """The number of the next bank, which no bank had before."""
    return int(run(connection, "last_bank").fetchone()[0]) + 1


def _sizes(connection: sqlite3.Connection, bank: int | None) -> dict[str, int]:
    from memkit.storage.core.blocks import ROW_PART, SKETCH_PART, TERM_PART, VECTOR_PART

    def size(name: str, **values: int) -> int:
        return int(run(connection, name, bank=bank, **values).fetchone()[0])

    return {
        "text": size("size_of_text"),
        "tokens": size("size_of_tokens"),
        "vectors": size("size_of_vectors") + size("size_of_entries", part=VECTOR_PART),
        "sketches": size("size_of_entries", part=SKETCH_PART),
        "terms": size("size_of_entries", part=TERM_PART),
        "rows": size("size_of_entries", part=ROW_PART),
        "history": size("size_of_history"),
    }
