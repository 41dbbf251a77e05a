"""Access tokens: who may do what in which banks, for servers in front of a store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

from pydantic import Field

from memkit.models import FrozenModel

Right = Literal["read", "write", "erase", "admin"]
EVERY_RIGHT: tuple[Right, ...] = get_args(Right)


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
    revoked_at: datetime | None = None

    def allows(self, right: Right, bank: Sequence[str]) -> bool:
        """Whether it gives a right in a bank, or in all banks under a prefix."""
        name = tuple(bank)
        return right in self.rights and any(name[: len(prefix)] == prefix for prefix in self.prefixes)

    def is_valid(self, now: datetime) -> bool:
        """Whether it counts at a moment: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class NewToken(FrozenModel):
    """A token that was just made, with its secret: nobody can read that a second time."""

    token: AccessToken
    secret: str = Field(repr=False)
