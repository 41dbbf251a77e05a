"""Banks as a pipeline holds them: one that is open, one in a file that is opened when it is needed, or a function."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from haystack import default_from_dict, default_to_dict

import memkit
from memkit.errors import InputError

Context = Mapping[str, Any]
BankOf = Callable[[Context], memkit.Bank]


class StoredBank:
    """A bank in a file, opened when it is first used: what a pipeline that is saved as YAML can hold.

    `path`: the file; its encoder is the file's own. `name`: the parts of the bank's name.
    """

    def __init__(self, path: str, name: Sequence[str]) -> None:
        self.path, self.name = path, list(name)
        self._store: memkit.MemoryStore | None = None
        self._lock = Lock()

    def to_dict(self) -> dict[str, Any]:
        """The path and the name."""
        return default_to_dict(self, path=self.path, name=self.name)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "StoredBank":
        """A bank of a saved pipeline."""
        return default_from_dict(cls, data)

    def open(self) -> memkit.Bank:
        """The bank itself. Raises MemkitError."""
        with self._lock:
            self._store = self._store or memkit.open(self.path)
            return self._store.bank(*self.name)

    def warm_up(self) -> None:
        """Load ahead what the first question needs."""
        self.open()
        if self._store is not None:
            self._store.warm()

    def close(self) -> None:
        """Write what waits and close the file; the next use opens it again."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()


def opened(bank: memkit.Bank | StoredBank | BankOf, context: Context | None = None) -> memkit.Bank:
    """The bank of a call."""
    if isinstance(bank, StoredBank):
        return bank.open()
    return bank(context or {}) if callable(bank) else bank


def saved(bank: memkit.Bank | StoredBank | BankOf) -> StoredBank:
    """The bank as it is saved with a pipeline. Raises InputError for one that is open."""
    if isinstance(bank, StoredBank):
        return bank
    raise InputError(
        "to_dict: an open bank, or a function, can't be saved with a pipeline. Give its component "
        'StoredBank(path, ["acme", "ana"]) instead, which opens the file when it is needed.'
    )


def warmed(bank: memkit.Bank | StoredBank | BankOf) -> None:
    """Load ahead what a bank in a file needs; one that is open is its owner's."""
    if isinstance(bank, StoredBank):
        bank.warm_up()


def closed(bank: memkit.Bank | StoredBank | BankOf) -> None:
    """Close a bank in a file; one that is open is its owner's."""
    if isinstance(bank, StoredBank):
        bank.close()
