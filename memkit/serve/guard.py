"""The guard at every door: a caller is known by a token, and gets those banks alone in which it has the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from memkit.access import AccessToken, Right
from memkit.bank import MemoryBank
from memkit.errors import ForbiddenError
from memkit.identifiers import bank_name, bank_path
from memkit.models import checked_bank_name
from memkit.store import MemoryStore


@dataclass(frozen=True)
class Caller:
    """Whoever calls; `token` is None for the person at this machine, who may do everything."""

    token: AccessToken | None = None

    def bank(self, store: MemoryStore, path: str, right: Right) -> MemoryBank:
        """The bank of a path ("acme/ana") in which the caller has a right.

        Raises InvalidNameError, ForbiddenError.
        """
        name = checked_bank_name(bank_name(path))
        self.check(right, name)
        return store.bank(*name)

    def check(self, right: Right, prefix: Sequence[str]) -> None:
        """Raise ForbiddenError unless the caller has a right in all banks under a prefix."""
        if self.token is not None and not self.token.allows(right, prefix):
            raise ForbiddenError(
                f"{bank_path(prefix) or 'all banks'}: this token doesn't give the right {right!r} there. "
                "Use one that does: memkit access create."
            )
