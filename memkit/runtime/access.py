"""Access tokens of a database: made, listed, revoked, and known by their secrets."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from memkit.access import EVERY_RIGHT, AccessToken, NewToken, Right
from memkit.errors import InputError, InvalidNameError
from memkit.identifiers import uuid7
from memkit.models import checked_bank_name
from memkit.protocols import Storage
from memkit.times import Clock, Moment, as_utc

SECRET_MARK = "mk_"  # noqa: S105  # no secret: by it people, and programs that look for leaked ones, know one
SECRET_BYTES = 32
SECRET_PATTERN = re.compile(SECRET_MARK + "[A-Za-z0-9_-]{43}")
MAX_NAME_CHARS = 100


class Access:
    """Access tokens of a store. What one of its processes revokes counts in no other any more, from that moment on."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage, self._clock = storage, clock
        self._was_required = False  # tokens are never removed, so it stays

    @property
    def required(self) -> bool:
        """Whether the database ever had a token: a server in front of it then asks for one."""
        self._was_required = self._was_required or bool(self._storage.callers.tokens())
        return self._was_required

    def create(
        self, name: str, *, under: Sequence[Sequence[str]] = ((),), rights: Sequence[Right] = ("read", "write"),
        expires_at: Moment | None = None,
    ) -> NewToken:  # fmt: skip
        """Make a token for banks whose names start with one of the prefixes `under`, by default all.

        The secret is in what is given back alone; the database holds its digest. Raises InputError, InvalidNameError,
        NaiveDatetimeError.
        """
        now = self._clock()
        token = AccessToken(
            id=uuid7(now),
            name=_checked_name(name),
            prefixes=_checked_prefixes(under),
            rights=_checked_rights(rights),
            created_at=now,
            expires_at=None if expires_at is None else _checked_end(as_utc(expires_at, field="expires_at"), now),
        )
        secret = SECRET_MARK + secrets.token_urlsafe(SECRET_BYTES)
        self._storage.callers.add_token(token, _digest(secret))
        return NewToken(token=token, secret=secret)

    def list(self) -> list[AccessToken]:
        """All tokens that there ever were, oldest first."""
        return self._storage.callers.tokens()

    def revoke(self, id: str) -> AccessToken:
        """Revoke a token for good; harmless to repeat. Raises InputError where there is none of this id."""
        token = self._storage.callers.revoke_token(id, self._clock())
        if token is None:
            raise InputError("access: there is no token of this id. See those there are: memkit access list.")
        return token

    def token_of(self, secret: str) -> AccessToken | None:
        """The token of a secret, if it counts now; None for any other word."""
        if not SECRET_PATTERN.fullmatch(secret):
            return None
        token = self._storage.callers.token(_digest(secret))
        return token if token is not None and token.is_valid(self._clock()) else None


def _digest(secret: str) -> bytes:
    """SHA-256: 256 random bits can't be guessed, so nothing slower is needed."""
    return sha256(secret.encode()).digest()


def _checked_name(name: str) -> str:
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name.strip()) <= len(name) <= MAX_NAME_CHARS):
        raise InputError(f"access: a token's name is one line of 1 to {MAX_NAME_CHARS} characters that can be shown.")
    return name


def _checked_prefixes(under: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    prefixes = [under] if isinstance(under, str) else list(under)
    if not prefixes or any(isinstance(prefix, str) for prefix in prefixes):
        raise InvalidNameError(
            'access: under takes beginnings of banks\' names, each a tuple: under=[("acme",)]; all banks: under=[()].'
        )
    return tuple(dict.fromkeys(checked_bank_name(prefix) if prefix else () for prefix in prefixes))


def _checked_rights(rights: Sequence[Right]) -> tuple[Right, ...]:
    chosen = {rights} if isinstance(rights, str) else set(rights)
    if not chosen or chosen - set(EVERY_RIGHT):
        raise InputError(f"access: rights are some of {', '.join(EVERY_RIGHT)}; a token gives at least one.")
    return tuple(right for right in EVERY_RIGHT if right in chosen)


def _checked_end(expires_at: datetime, now: datetime) -> datetime:
    if expires_at <= now:
        raise InputError("access: expires_at is past, so the token would never count. Give a later moment.")
    return expires_at
