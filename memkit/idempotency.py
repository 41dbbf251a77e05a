"""Idempotency keys: a request that comes again under its key isn't carried out twice, for servers in front of a store.

What is stored of a request never tells what was asked: its key and its caller are a digest, the request itself is a
digest under the key, which is stored nowhere.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class RequestState(IntEnum):
    """State of a request that was begun under a key."""

    IN_PROGRESS = 0
    ERASED_MEANWHILE = 1  # so far, and its bank lost memories since: its answer may name them, and isn't stored
    CARRIED_OUT = 2


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key, as it is stored. `digest`: of caller and key; `request`: of the request, under the key.

    `ticket`: a random number of whoever began it. `name_hash`: of the bank whose erasures take the answer away.
    """

    digest: bytes
    request: bytes
    ticket: int
    name_hash: int | None
    leased_until: datetime
    expires_at: datetime
    state: RequestState = RequestState.IN_PROGRESS
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class RequestTicket:
    """Right to carry out a request that was begun, and to settle it."""

    digest: bytes
    number: int


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """Answer to a request that was carried out before, as it was given to `settle`."""

    text: str
