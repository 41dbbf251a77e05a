"""Banks that a server gives: one that is fixed, or those under a prefix; nothing else is reachable."""

from dataclasses import dataclass

from memkit.access import Right
from memkit.bank import MemoryBank
from memkit.errors import ForbiddenError, InputError, UnknownOptionError
from memkit.identifiers import bank_name, bank_path
from memkit.models import checked_bank_name
from memkit.protocols import BankName
from memkit.serve.guard import Caller
from memkit.store import MemoryStore


@dataclass(frozen=True)
class ServedBanks:
    """Banks of an open store, which stays the caller's to close: `only`, or all whose names start with `under`.

    Raises UnknownOptionError, InvalidNameError.
    """

    store: MemoryStore
    only: BankName | None = None
    under: BankName = ()
    read_only: bool = False

    def __post_init__(self) -> None:
        if self.only is not None and self.under:
            raise UnknownOptionError("mcp: give one bank or a prefix of several, not both.")
        checked_bank_name(self.only or self.under or ("any",))

    def bank(self, caller: Caller, path: str | None, right: Right) -> MemoryBank:
        """The bank of a path, or the only one, in which the caller has a right; it must be there but to be written to.

        Raises InvalidNameError, ForbiddenError, InputError.
        """
        if self.only is not None:
            return caller.bank(self.store, bank_path(self.only), right)
        name = bank_name(path or "")
        if name[: len(self.under)] != self.under:
            raise ForbiddenError(f"bank: this server gives those under {bank_path(self.under)} alone: see list_banks.")
        bank = caller.bank(self.store, bank_path(name), right)
        if right != "write" and name not in self.store.banks(name):
            raise InputError("bank: there is none of this name. list_banks gives their names; remember makes a bank.")
        return bank

    def names(self, caller: Caller) -> list[BankName]:
        """Names of the banks that there are and in which the caller may read, in order."""
        names = [self.only] if self.only is not None else self.store.banks(self.under)
        return sorted(name for name in names if caller.token is None or caller.token.allows("read", name))
