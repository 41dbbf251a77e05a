"""One bank's way to another storage: its tables row by row, under a name of its own until all is there and checked.

The source has it until the target does. Whoever is killed at any moment goes on by comparing what both hold.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from memkit.errors import BankGoneError, BusyError, ConflictError, InputError, StorageError
from memkit.identifiers import bank_path
from memkit.models import BankState, ErasureReceipt
from memkit.protocols import BankName, BankVersion, RowPlace, Storage, TableRows
from memkit.storage.core.banks import MOVING_ID, loading_name, moved_key, target_name, unpublished
from memkit.storage.core.tables import (
    PUBLISHED_TABLES,
    refuse_other_receipts,
    refuse_taken,
    rows_of,
)

MAX_ATTEMPTS = 5  # at a bank that is written to meanwhile
NO_BANK_VERSION = BankVersion(None, 0)  # version of a name that no bank has, nor had
CONTENTS_OF_MEMORY = 2  # its words and its vector


class _ChangedError(Exception):
    """The bank was written to while it was copied."""


class _OtherRowsError(Exception):
    """The target holds other rows than the source."""


@dataclass
class BankCopy:
    """A bank on its way; `progress` is told how many memories are done, about. `keep`: it stays in the source."""

    source: Storage
    target: Storage
    name: BankName
    keep: bool
    progress: Callable[[int], None]
    loading: BankName = field(init=False)
    _contents: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.loading = loading_name(self.name, MOVING_ID)

    def check(self) -> None:
        """Raises ConflictError where the target holds something under this name that isn't this bank."""
        there = self.target.find_bank(self.name)
        if there is not None and not self._is_same_there():
            refuse_taken(there)
        if there is None and self.target.version(self.name).receipt:
            refuse_other_receipts(self.name, _receipts(self.target, self.name), _receipts(self.source, self.name))

    def run(self) -> None:
        """Move the bank. Raises BusyError where it is written to all the time, ConflictError as `check` does."""
        for _ in range(MAX_ATTEMPTS):
            try:
                return self._attempt(self.source.version(self.name))
            except _ChangedError:
                self._discard()
            except BankGoneError:  # somebody else moves it, too, and has begun anew
                continue
        raise BusyError(
            f"move: bank {bank_path(self.name)} was written to each time while it was copied. It is where it was: stop "
            "what writes to it, then move again."
        )

    def _attempt(self, version: BankVersion) -> None:
        if version == NO_BANK_VERSION:  # somebody else has moved it
            return
        if not self._is_there(version):
            loading, place = self._begun(version)
            self._publish(version, loading, self._copied(version, place))
        if self.keep or self.source.withdraw(self.name, version):
            return
        if self.source.version(self.name) != NO_BANK_VERSION:  # else somebody else has withdrawn it
            self._take_back(version)
            raise _ChangedError

    # -- copying

    def _copied(self, version: BankVersion, place: RowPlace | None) -> list[TableRows]:
        """Copy what lies behind a place; gives back the rows that come when the bank is published."""
        self._contents, last = 0, list[TableRows]()
        for batch in self._source_rows(version, place):
            last += [rows for rows in batch if rows.table in PUBLISHED_TABLES]
            loaded = _loaded(batch)
            if loaded:
                self.target.write_rows(self.loading, loaded)
                self._tell(loaded)
        try:
            _, complete = self._agreed(version)
        except _OtherRowsError:
            complete = False
        if not complete:
            self._discard()
            raise StorageError(
                f"move: bank {bank_path(self.name)}: the target doesn't hold what was written to it. The bank is where "
                "it was; look at the target with memkit doctor."
            )
        return last

    def _begun(self, version: BankVersion) -> tuple[BankState, RowPlace | None]:
        """The bank under its name while it is copied, and the place up to which an earlier attempt came.

        What is left of loads of it, or of a copy of another version, is dropped.
        """
        for state in unpublished(self.target):
            if target_name(state) == self.name and state.name != self.loading:
                self.target.discard(state.number)
        loading = self.target.open_bank(self.loading)
        with suppress(_OtherRowsError):
            return loading, self._agreed(version)[0]
        self._discard()
        return self.target.open_bank(self.loading), None

    def _source_rows(self, version: BankVersion, after: RowPlace | None = None) -> Iterator[list[TableRows]]:
        """The source's rows behind a place. Raises _ChangedError where they are of another version."""
        for batch in _batches(self.source, self.name, after):
            if batch[0].version != version:
                raise _ChangedError
            yield batch

    def _agreed(self, version: BankVersion) -> tuple[RowPlace | None, bool]:
        """The place up to which the target holds the same rows, None before the first, and whether these are all.

        Raises _OtherRowsError where it holds others.
        """
        there, place = _places(_batches(self.target, self.loading)), None
        for own in _places(map(_loaded, self._source_rows(version))):
            other = next(there, None)
            if other is None:
                return place, False
            if other != own:
                raise _OtherRowsError
            place = own
        if next(there, None) is not None:
            raise _OtherRowsError
        return place, True

    def _tell(self, batch: Sequence[TableRows]) -> None:
        self._contents += len(rows_of(batch, "content"))
        self.progress(self._contents // CONTENTS_OF_MEMORY)

    def _discard(self) -> None:
        state = self.target.find_bank(self.loading)
        if state is not None:
            self.target.discard(state.number)

    # -- from one storage to the other

    def _publish(self, version: BankVersion, loading: BankState, last: list[TableRows]) -> None:
        """Give the copy its name; before that, the source notes what it was a copy of."""
        if not self.keep:
            self.source.set_meta({moved_key(self.name): json.dumps(version)})
        try:
            self.target.publish_rows(loading, self.name, last)
        except ConflictError:
            if self._is_same_there() or self.source.version(self.name) != version:  # somebody else was first
                raise _ChangedError from None
            self._discard()
            raise

    def _is_there(self, version: BankVersion) -> bool:
        """Whether the target has the bank already: an attempt was cut off before the source let go of it, or it stayed.

        A copy that the source has left behind, and that nobody wrote to, is taken back.
        """
        if not self._is_same_there():
            return False
        noted = self._noted()
        if noted is None and self.target.version(self.name) != version:
            raise self._two_lives()
        if noted not in (None, version):
            self._take_back(noted)
            return False
        return True

    def _is_same_there(self) -> bool:
        """Whether the target has this bank: a copy has its key."""
        here, there = self.source.find_bank(self.name), self.target.find_bank(self.name)
        return here is not None and there is not None and here.key == there.key

    def _take_back(self, version: BankVersion) -> None:
        """Take the copy away again. Raises ConflictError where it was written to."""
        if not self.target.withdraw(self.name, version):
            raise self._two_lives()
        self.target.set_meta({moved_key(self.name): ""})

    def _two_lives(self) -> ConflictError:
        return ConflictError(
            f"move: bank {bank_path(self.name)} is in both databases, and was written to since it was copied. Nothing "
            "was changed: erase the one that you don't need, then move again."
        )

    def _noted(self) -> BankVersion | None:
        """The version that the source noted when a copy was published last."""
        note = self.source.get_meta(moved_key(self.name))
        return BankVersion(*json.loads(note)) if note else None


def refuse_same(source: Storage, target: Storage) -> None:
    """Raises InputError where both are the same database."""
    name = loading_name(("probe",), MOVING_ID)
    probe = target.open_bank(name)
    is_same = source.find_bank(name) is not None
    target.discard(probe.number)
    if is_same:
        raise InputError("move: source and target are the same database. Name another target.")


def _receipts(storage: Storage, name: BankName) -> list[ErasureReceipt]:
    return [receipt for receipt in storage.receipts() if receipt.bank == name]


def _batches(storage: Storage, name: BankName, after: RowPlace | None = None) -> Iterator[list[TableRows]]:
    while batch := storage.read_rows(name, after):
        yield batch
        after = batch[-1].table, batch[-1].rows[-1]


def _loaded(batch: Sequence[TableRows]) -> list[TableRows]:
    """The rows of a batch that come before a bank is published."""
    return [rows for rows in batch if rows.table not in PUBLISHED_TABLES]


def _places(batches: Iterable[Sequence[TableRows]]) -> Iterator[RowPlace]:
    return ((rows.table, row) for batch in batches for rows in batch for row in rows.rows)
