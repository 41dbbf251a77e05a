"""Records of callers in dicts: access tokens, and requests under idempotency keys."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from memkit.access import AccessToken
from memkit.idempotency import KeyedRequest, RequestState, RequestTicket
from memkit.protocols import BankName
from memkit.storage.core.banks import name_hash, name_key

Entry = Callable[[], AbstractContextManager[None]]


class MemoryCallerRecords:
    """protocols.CallerRecords over dicts; `reading` and `writing` let one thread in at a time."""

    def __init__(self, reading: Entry, writing: Entry) -> None:
        self._reading, self._writing = reading, writing
        self._tokens: dict[bytes, AccessToken] = {}
        self._requests: dict[bytes, KeyedRequest] = {}

    def add_token(self, token: AccessToken, digest: bytes) -> None:
        with self._writing():
            self._tokens[digest] = token

    def tokens(self) -> list[AccessToken]:
        with self._reading():
            return sorted(self._tokens.values(), key=lambda token: token.id)

    def token(self, digest: bytes) -> AccessToken | None:
        with self._reading():
            return self._tokens.get(digest)

    def revoke_token(self, id: str, at: datetime) -> AccessToken | None:
        with self._writing():
            for digest, token in self._tokens.items():
                if token.id == id:
                    self._tokens[digest] = token.model_copy(update={"revoked_at": token.revoked_at or at})
                    return self._tokens[digest]
            return None

    def begin(self, request: KeyedRequest, now: datetime) -> KeyedRequest:
        with self._writing():
            first = self._requests.get(request.digest)
            if first is None or first.expires_at <= now:
                first = self._requests[request.digest] = request
            return first

    def settle(self, ticket: RequestTicket, answer: str | None) -> None:
        with self._writing():
            begun = self._begun(ticket)
            if begun is not None:
                is_stored = begun.state == RequestState.IN_PROGRESS
                settled = replace(begun, state=RequestState.CARRIED_OUT, answer=answer if is_stored else None)
                self._requests[ticket.digest] = settled

    def release(self, ticket: RequestTicket) -> None:
        with self._writing():
            if self._begun(ticket) is not None:
                del self._requests[ticket.digest]

    def sweep(self, now: datetime) -> None:
        with self._writing():
            self._requests = {key: each for key, each in self._requests.items() if each.expires_at > now}

    def drop_answers(self, name: BankName) -> None:
        """Take the stored answers about a bank away, and those to come of requests that were begun."""
        about = name_hash(name_key(name))
        for digest, request in self._requests.items():
            if request.name_hash == about:
                is_settled = request.state == RequestState.CARRIED_OUT
                state = RequestState.CARRIED_OUT if is_settled else RequestState.ERASED_MEANWHILE
                self._requests[digest] = replace(request, state=state, answer=None)

    def _begun(self, ticket: RequestTicket) -> KeyedRequest | None:
        """The request of a ticket that wasn't settled."""
        request = self._requests.get(ticket.digest)
        is_own = request is not None and request.ticket == ticket.number and request.state != RequestState.CARRIED_OUT
        return request if is_own else None
