"""Idempotency keys of a database: a request that comes again under its key gets the first answer.

A request is begun before its change and settled after it, each in a transaction of its own: a verb may make several
changes. A process that is killed in between leaves the request begun. Nobody carries it out again; after a while those
who ask are told that it can't be known.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from memkit.errors import (
    AnswerGoneError,
    IdempotencyKeyError,
    InputError,
    RequestError,
    RequestInProgressError,
    UnsettledRequestError,
)
from memkit.idempotency import KeyedRequest, RequestState, RequestTicket, StoredAnswer
from memkit.models import checked_bank_name
from memkit.protocols import Storage
from memkit.storage.core.banks import name_hash, name_key
from memkit.times import Clock, is_put_off

KEY_LIFE = timedelta(hours=24)
SWEEP_INTERVAL = timedelta(minutes=10)
LEASE_SECONDS = 60.0
RETRY_SECONDS = 1.0
MAX_KEY_CHARS = 255
MAX_ANSWER_CHARS = 1_000_000
TICKET_BITS = 63


class IdempotencyKeys:
    """Idempotency keys of a store, in whichever of its processes a request comes again. Keys count for 24 hours."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage, self._clock = storage, clock
        self._swept_at: datetime | None = None

    def begin(
        self, key: str, *, caller: str, request: bytes, bank: Sequence[str] | None, seconds: float = LEASE_SECONDS
    ) -> RequestTicket | StoredAnswer:
        """The ticket of a request that comes under a key for the first time, or its answer if it was carried out.

        `caller`: whose key it is, a token's id, as others may choose the same. `request`: SHA-256 of all that makes it
        what it is. `bank`: whose memories the answer may name, so that an erasure there takes the answer away; None
        where it names none. After `seconds` a request that wasn't settled counts as cut off. Raises InputError, and of
        the key's earlier request: RequestInProgressError, UnsettledRequestError, AnswerGoneError, and
        IdempotencyKeyError where it was another one.
        """
        now = self._clock()
        self.sweep()
        begun = KeyedRequest(
            digest=_key_digest(caller, _checked_key(key)),
            request=hmac.digest(key.encode(), request, "sha256"),
            ticket=secrets.randbits(TICKET_BITS),
            name_hash=None if bank is None else name_hash(name_key(checked_bank_name(bank))),
            leased_until=now + timedelta(seconds=seconds),
            expires_at=now + KEY_LIFE,
        )
        first = self._storage.callers.begin(begun, now)
        return _answer_of(first, begun, now) or RequestTicket(begun.digest, begun.ticket)

    def settle(self, ticket: RequestTicket, answer: str | None) -> None:
        """Note that a request was carried out, with the answer for those who ask again: receipts, never text.

        An answer that is None, longer than a million characters, or about a bank that lost memories since the request
        was begun, isn't stored: who asks again is told that the request was carried out.
        """
        is_stored = answer is not None and len(answer) <= MAX_ANSWER_CHARS
        self._storage.callers.settle(ticket, answer if is_stored else None)

    def release(self, ticket: RequestTicket) -> None:
        """Free the key of a request that was refused and changed nothing."""
        self._storage.callers.release(ticket)

    def sweep(self) -> None:
        """Remove what is older than 24 hours, if nothing was removed for ten minutes."""
        now = self._clock()
        if not is_put_off(self._swept_at and self._swept_at + SWEEP_INTERVAL, now):
            self._swept_at = now
            self._storage.callers.sweep(now)


def _checked_key(key: str) -> str:
    if not (0 < len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
        raise InputError(
            f"idempotency key: is 1 to {MAX_KEY_CHARS} characters of ASCII that can be printed, best a new UUID."
        )
    return key


def _key_digest(caller: str, key: str) -> bytes:
    return sha256(f"{len(caller)}:{caller}{key}".encode()).digest()


def _answer_of(first: KeyedRequest, begun: KeyedRequest, now: datetime) -> StoredAnswer | None:
    """The answer of the request that is under a key; None where that is the one just begun."""
    if first.ticket == begun.ticket:
        return None
    if not hmac.compare_digest(first.request, begun.request):
        raise IdempotencyKeyError(
            "idempotency key: was used for another request within 24 hours. Use a new one for each."
        )
    if first.state != RequestState.CARRIED_OUT:
        raise _unsettled(first, now)
    if first.answer is None:
        raise AnswerGoneError(
            "idempotency key: this request was carried out; its answer isn't stored, or no longer, as memories it may "
            "name were erased. Look what is there."
        )
    return StoredAnswer(first.answer)


def _unsettled(first: KeyedRequest, now: datetime) -> RequestError:
    if is_put_off(first.leased_until, now):
        return RequestInProgressError(
            "idempotency key: the same request is being carried out now. Ask again in a moment, with the same key.",
            retry_after=RETRY_SECONDS,
        )
    return UnsettledRequestError(
        "idempotency key: this request was begun and cut off, so whether it was carried out can't be told. Look what "
        "is there, then use a new key; turns with ids of their own may be given again, and are not stored twice."
    )
