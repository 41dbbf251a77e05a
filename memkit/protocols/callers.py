"""Protocol of a storage's records of callers, which lie beside its banks and belong to the database itself."""

from datetime import datetime
from typing import Protocol

from memkit.access import AccessToken
from memkit.idempotency import KeyedRequest, RequestTicket


class CallerRecords(Protocol):
    """Records of those who call a server in front of a store: their tokens, and requests under idempotency keys.

    Every call is one transaction of its own, seen by every process once it returned. They are neither exported nor
    moved. A storage takes the answers about a bank away in the transaction in which rows of the bank go for good.
    """

    def add_token(self, token: AccessToken, digest: bytes) -> None:
        """Add a token; `digest`: of its secret."""

    def tokens(self) -> list[AccessToken]:
        """All tokens there ever were, in the order of their ids."""

    def token(self, digest: bytes) -> AccessToken | None:
        """The token whose secret has this digest, whether it counts or not."""

    def revoke_token(self, id: str, at: datetime) -> AccessToken | None:
        """Revoke a token, at its first time; None where there is none of this id."""

    def begin(self, request: KeyedRequest, now: datetime) -> KeyedRequest:
        """Note a request as begun, unless there is one under its key that hasn't expired; gives back the one there."""

    def settle(self, ticket: RequestTicket, answer: str | None) -> None:
        """Note that a request was carried out; its answer is stored unless rows of its bank went meanwhile."""

    def release(self, ticket: RequestTicket) -> None:
        """Forget a request that was begun, and changed nothing."""

    def sweep(self, now: datetime) -> None:
        """Remove requests that have expired."""
