"""Records of callers in SQL: access tokens, and requests under idempotency keys."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from memkit.access import AccessToken
from memkit.errors import CorruptError
from memkit.idempotency import KeyedRequest, RequestState, RequestTicket
from memkit.storage.core.banks import name_hash
from memkit.storage.core.checksums import decoding
from memkit.storage.sql.queries import Connection, run, run_many
from memkit.times import as_micros, as_moments, from_micros, to_micros

UNREADABLE_TOKEN = {
    "id": "unreadable", "name": "unreadable", "prefixes": "[]", "rights": "[]", "created_at": 0, "expires_at": None,
    "revoked_at": 0,
}  # fmt: skip  # what takes the place of one
T = TypeVar("T")
Work = Callable[[Connection], T]


class Write(Protocol):
    """Write of a storage: `work` in one transaction; `is_done` tells whether one was whose answer was lost."""

    def __call__(self, work: Work[T], is_done: Callable[[Connection, T], bool] | None = None) -> T: ...


class SqlCallerRecords:
    """protocols.CallerRecords over an engine's transactions."""

    def __init__(self, read: Callable[[Work[Any]], Any], write: Write) -> None:
        self._read, self._write = read, write

    def add_token(self, token: AccessToken, digest: bytes) -> None:
        columns = _token_columns(token)
        self._write(
            lambda connection: _done(run(connection, "add_access_token", digest=digest, **columns)),
            lambda connection, _: _token_of(connection, digest) is not None,
        )

    def tokens(self) -> list[AccessToken]:
        return [_token(row) for row in self._read(lambda connection: run(connection, "access_tokens").fetchall())]

    def token(self, digest: bytes) -> AccessToken | None:
        token: AccessToken | None = self._read(lambda connection: _token_of(connection, digest))
        return token

    def revoke_token(self, id: str, at: datetime) -> AccessToken | None:
        def revoke(connection: Connection) -> AccessToken | None:
            run(connection, "revoke_access_token", id=id, revoked_at=to_micros(at))
            row = run(connection, "access_token_by_id", id=id).fetchone()
            return None if row is None else _token(row)

        return self._write(revoke)

    def begin(self, request: KeyedRequest, now: datetime) -> KeyedRequest:
        def begin(connection: Connection) -> KeyedRequest:
            run(connection, "drop_expired_request", digest=request.digest, moment=to_micros(now))
            run(connection, "begin_request", **_request_columns(request))
            return _request_of(connection, request.digest) or request

        return self._write(begin, lambda connection, first: _request_of(connection, request.digest) == first)

    def settle(self, ticket: RequestTicket, answer: str | None) -> None:
        def settle(connection: Connection) -> None:
            begun = _request_of(connection, ticket.digest)
            for state, text in ((RequestState.IN_PROGRESS, answer), (RequestState.ERASED_MEANWHILE, None)):
                if begun is not None and _is_dropped(connection, ticket, state):
                    columns = _request_columns(begun) | {"state": RequestState.CARRIED_OUT, "answer": text}
                    run(connection, "settle_request", **columns)
                    return

        self._write(settle)

    def release(self, ticket: RequestTicket) -> None:
        self._write(
            lambda connection: _done(
                _is_dropped(connection, ticket, RequestState.IN_PROGRESS)
                or _is_dropped(connection, ticket, RequestState.ERASED_MEANWHILE)
            )
        )

    def sweep(self, now: datetime) -> None:
        self._write(lambda connection: _done(run(connection, "drop_expired_requests", moment=to_micros(now))))


def drop_answers(connection: Connection, name: str) -> None:
    """Take the stored answers about a bank away, and those to come of requests that were begun; `name`: its key."""
    run(connection, "drop_answers", name_hash=name_hash(name))


def caller_flaws(connection: Connection, *, repair: bool) -> list[str]:
    """Tokens and requests that can't be read, one sentence for each kind. Repaired, a token is revoked: nobody knows
    what it gave, and without it the database might ask for none.
    """
    tokens = [digest for digest, *row in run(connection, "audited_tokens").fetchall() if not _is_readable(_token, row)]
    requests = [row[0] for row in run(connection, "audited_requests").fetchall() if not _is_readable(_request, row)]
    if repair:
        run_many(
            connection,
            replace_access_token=[{"digest": digest, **UNREADABLE_TOKEN} for digest in tokens],
            drop_keyed_request=[{"digest": digest} for digest in requests],
        )
    sentences = {
        "access tokens can't be read: revoke them by repairing, and make new ones.": len(tokens),
        "requests under idempotency keys can't be read.": len(requests),
    }
    return [f"{count} {words}" for words, count in sentences.items() if count]


def _is_readable(read: Callable[[tuple[Any, ...]], object], row: Sequence[Any]) -> bool:
    try:
        read(tuple(row))
    except CorruptError:
        return False
    return True


def _done(_: object) -> None:
    """Nothing, as of a statement whose rows nobody reads."""


def _is_dropped(connection: Connection, ticket: RequestTicket, state: RequestState) -> bool:
    """Whether a request was in this state; it is taken away then."""
    return run(connection, "drop_request", digest=ticket.digest, ticket=ticket.number, state=state).rowcount > 0


def _token_of(connection: Connection, digest: bytes) -> AccessToken | None:
    row = run(connection, "access_token", digest=digest).fetchone()
    return None if row is None else _token(row)


@decoding("an access token")
def _token(row: tuple[Any, ...]) -> AccessToken:
    id, name, prefixes, rights, *moments = row
    created_at, expires_at, revoked_at = as_moments(moments)
    return AccessToken(
        id=id,
        name=name,
        prefixes=tuple(map(tuple, json.loads(prefixes))),
        rights=tuple(json.loads(rights)),
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


def _token_columns(token: AccessToken) -> dict[str, Any]:
    created_at, expires_at = as_micros([token.created_at, token.expires_at])
    return {
        "id": token.id,
        "name": token.name,
        "prefixes": json.dumps(token.prefixes),
        "rights": json.dumps(token.rights),
        "created_at": created_at,
        "expires_at": expires_at,
    }


def _request_of(connection: Connection, digest: bytes) -> KeyedRequest | None:
    row = run(connection, "keyed_request", digest=digest).fetchone()
    return None if row is None else _request(row)


@decoding("a request under an idempotency key")
def _request(row: tuple[Any, ...]) -> KeyedRequest:
    digest, request, ticket, name_hash, leased_until, expires_at, state, answer = row
    return KeyedRequest(
        digest=bytes(digest),
        request=bytes(request),
        ticket=ticket,
        name_hash=name_hash,
        leased_until=from_micros(leased_until),
        expires_at=from_micros(expires_at),
        state=RequestState(state),
        answer=answer,
    )


def _request_columns(request: KeyedRequest) -> dict[str, Any]:
    return {
        "digest": request.digest,
        "request": request.request,
        "ticket": request.ticket,
        "name_hash": request.name_hash,
        "leased_until": to_micros(request.leased_until),
        "expires_at": to_micros(request.expires_at),
        "state": request.state,
    }
