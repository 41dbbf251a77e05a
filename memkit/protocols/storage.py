"""Protocol of storage."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from memkit.exported import ExportedBank
from memkit.models import BankState, ErasureReceipt, Receipt
from memkit.operations import Step
from memkit.protocols.callers import CallerRecords
from memkit.protocols.values import BankName, BankVersion, RowPlace, TableRows
from memkit.protocols.views import BankView

Decision = Callable[[BankView], Sequence[Step]]


@dataclass(frozen=True, slots=True)
class BankClaim:
    """Claim on banks whose maintenance is due: those with numbers above `after`, up to `last`, in order, so many.

    `now`, `seconds`: from when on, and for how long, they are the owner's. `mark`: of the rests that count.
    """

    owner: str
    mark: str
    after: int
    last: int
    limit: int
    now: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class BankRest:
    """Rest of a bank, as it is at a change number, until a moment; `mark`: of those for whom nothing waits in it."""

    mark: str
    change: int
    until: datetime


class Storage(Protocol):
    """Storage of banks. Every call is one transaction of its own; safe to use from several threads."""

    @property
    def callers(self) -> CallerRecords:
        """Records of those who call a server in front of the store."""

    def open_bank(self, name: BankName, *, zone: str | None = None) -> BankState:
        """The bank of this name, created if it isn't there. `zone` is an IANA name, stored with it.

        Raises BankMovedError for one that was moved to another storage.
        """

    def find_bank(self, name: BankName) -> BankState | None:
        """The bank of this name, if it is there; writes nothing."""

    def banks(self, prefix: BankName = (), *, items_at: datetime | None = None) -> list[BankState]:
        """Banks whose name starts so, in order, not published ones only if asked for; those that hold items then."""

    def apply(self, bank: int | BankName, decide: Sequence[Step] | Decision, *, at: datetime) -> Receipt:
        """Apply operations in one transaction, all or none; the only way to change a bank. Raises BankGoneError.

        `decide` may be a function: it is called inside the transaction with a view of the bank, again where that had to
        be retried. An outcome among the operations stands for an input that changes nothing; the receipt holds it.
        """

    def view(self, bank: int | BankName) -> AbstractContextManager[BankView]:
        """A consistent snapshot for reading; don't hold it open during slow work. Raises BankGoneError."""

    def unencoded_banks(self) -> list[BankState]:
        """Banks that hold memories whose vector is wanted and still missing, in order of name."""

    def drop_bank(
        self, bank: int, *, at: datetime, requested_by: str | None = None, fingerprints: Sequence[bytes] = ()
    ) -> ErasureReceipt | None:
        """Erase a bank and everything in it; None where it isn't there. `fingerprints`: see `Erase`."""

    def discard(self, bank: int) -> None:
        """Take away a bank that was not published, without a receipt."""

    def publish(
        self, bank: int, exported: ExportedBank, receipts: Sequence[ErasureReceipt], fingerprints: Sequence[bytes]
    ) -> BankState:
        """Make a bank that was loaded the one that the export names, with its counters, receipts and fingerprints.

        An untouched bank of that name gives way; receipts of that name that are here already go first. Raises
        ConflictError where there is a bank that was written to.
        """

    def version(self, name: BankName) -> BankVersion:
        """Version of the bank of this name and of its receipts: another one once anything of them has changed."""

    def read_rows(self, name: BankName, after: RowPlace | None = None) -> list[TableRows]:
        """The next rows behind a place in a bank's tables, a bounded number; none behind the last.

        `core/tables.py` has the tables, in an order in which they can be written, and their columns. Of an erased bank
        there are receipts and fingerprints; of one that is being loaded what `write_rows` wrote.
        """

    def write_rows(self, name: BankName, rows: Sequence[TableRows]) -> None:
        """Write rows of a bank that is being loaded, as they were read; those that are there stay."""

    def publish_rows(self, loading: BankState, name: BankName, rows: Sequence[TableRows]) -> BankState | None:
        """Make a bank that was written row by row the one of a name; None where `rows`, the last, hold no bank.

        An untouched bank of that name gives way. Raises ConflictError where one was written to, or where receipts of
        that name are here that don't go on in `rows`; BankGoneError where `loading` was discarded since, though another
        may be loaded under its name.
        """

    def withdraw(self, name: BankName, version: BankVersion) -> bool:
        """Take away a bank that another storage has now, without a receipt; False where its version is another.

        Its name is refused from then on, with BankMovedError, until it is published here again.
        """

    def receipts(self, after: int = 0) -> list[ErasureReceipt]:
        """Receipts of all erasures in order of time, those with greater numbers than `after` in their banks."""

    def receipt(self, bank: int, change: int) -> ErasureReceipt | None:
        """The receipt of the erasure that led a bank to a change number."""

    def adopt_receipts(
        self, receipts: Sequence[ErasureReceipt], fingerprints: Sequence[tuple[BankName, bytes]] = ()
    ) -> None:
        """Put receipts in the place of those of their banks from their numbers on, and add keyed digests.

        For erasures that were carried out again. What readers hold of any bank becomes invalid.
        """

    def fingerprinted(self, bank: int, macs: Sequence[bytes]) -> set[bytes]:
        """Those of these keyed digests that belong to texts erased from a bank, or from an earlier one of its name."""

    def fingerprints(self, name: BankName) -> list[bytes]:
        """All keyed digests of texts erased from the banks of this name."""

    def get_meta(self, key: str) -> str | None: ...
    def set_meta(self, values: dict[str, str]) -> None: ...
    def claim_banks(self, claim: BankClaim) -> list[BankState]:
        """Take the right to maintain the next banks that neither rest nor are another owner's; [] where none is due."""

    def lease(self, bank: int, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew the right to maintain a bank; False while another owner holds it."""

    def release(self, bank: int, owner: str, rest: BankRest | None = None) -> None:
        """Give the right back; under the mark of a `rest` the bank is claimed once that ends, or the bank changed."""

    def audit(self, *, repair: bool = False) -> list[str]:
        """Problems of the stored data, in words without memory text; repaired on request."""

    def sizes(self, bank: int | None = None) -> dict[str, int]:
        """Bytes by part: text, vectors, sketches, terms, history, free, total."""

    def purge(self, *, thorough: bool = True, wait: float = 0.0, locking: bool = True) -> bool:
        """Drive erased bytes out of the log and the free pages, and check that none is left in the files.

        False if readers were in the way; and, unless `thorough`, in a file that is too large to be searched while
        somebody waits. For `wait` seconds it lets readers finish. Receipts whose bytes are gone stop pending.
        Unless `locking`, a server's tables, which would be locked meanwhile, are not rewritten.
        """

    def backup(self, path: str) -> None: ...
    def close(self) -> None: ...
