"""Access tokens: who may do what in which banks, for servers in front of a store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from memkit.models import FrozenModel

Right = Literal["read", "write", "erase", "admin"]


class AccessToken(FrozenModel):
    """A token that a server takes, without its secret, of which a database holds a digest alone.

    `prefixes`: beginnings of the names of banks in which it holds; the empty one is of all. "admin" is a right beside
    the others, to look after a database (maintenance, audit, export), not above them.
    """

    id: str
    name: str
    prefixes: tuple[tuple[str, ...], ...]
    rights: tuple[Right, ...]
    created_at: datetime
    expires_at: datetime | None = None

    def allows(self, right: Right, bank: Sequence[str]) -> bool:
        """Whether it gives a right in a bank, or in all banks under a prefix."""
        name = tuple(bank)
        return right in self.rights and any(name[: len(prefix)] == prefix for prefix in self.prefixes)
