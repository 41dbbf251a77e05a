"""The guard at every door: a caller is known by a token, and gets those banks alone in which it has the right."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from memkit.access import AccessToken, Right
from memkit.bank import MemoryBank
from memkit.errors import ForbiddenError, MemkitError, UnauthenticatedError
from memkit.identifiers import bank_name, bank_path
from memkit.models import checked_bank_name
from memkit.serve.origins import check_local, check_origin
from memkit.serve.problem_details import problem
from memkit.store import MemoryStore

SIGN_IN_TEXT = "This server needs an access token: send Authorization: Bearer mk_..., made by memkit access create."
SIGN_IN_AGAIN_TEXT = "The access token is unknown, expired or revoked. Send another, made by memkit access create."


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


class KnownTokens(Protocol):
    """Tokens of a database, as `store.access` knows them."""

    @property
    def required(self) -> bool:
        """Whether callers need one: from the first that was ever made on."""

    def token_of(self, secret: str) -> AccessToken | None:
        """The token of a secret; None for one that is unknown, expired or revoked."""


def bearer_secret(request: Request) -> str | None:
    """The secret in a request's Authorization header; None where it has no such header."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def route_path(scope: Scope) -> str:
    """The path of a request as its routes name it, without what a proxy took off."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


class Guard:
    """ASGI middleware that lets in who has a token, or who is at this machine where the database never had one.

    A request that it lets in holds its caller: `request.state.caller`. `open_paths` need none, nor does what lies
    beneath `open_roots`, which has a guard of its own. `origins`: pages of which origins may send what isn't known by
    its own Authorization header. `secret_of` says where a secret stands, `refuse` how a refusal is answered.
    """

    def __init__(
        self, app: ASGIApp, tokens: KnownTokens, *, open_paths: Collection[str] = (), open_roots: Sequence[str] = (),
        origins: Collection[str] = (),
        secret_of: Callable[[Request], str | None] = bearer_secret,
        refuse: Callable[[Request, MemkitError], Response] = lambda request, error: problem(error),
    ) -> None:  # fmt: skip
        self._app, self._tokens, self._open_paths, self._origins = app, tokens, open_paths, origins
        self._open_roots = tuple(f"{root}/" for root in open_roots)
        self._secret_of, self._refuse = secret_of, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass with its caller, or answer why not."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        elif scope["type"] == "http" and not self._is_open(scope):
            await self._guard(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            scope.setdefault("state", {})["caller"] = await self._caller(request)
        except MemkitError as error:
            await self._refuse(request, error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _caller(self, request: Request) -> Caller:
        """Whoever sent a request. Raises UnauthenticatedError, ForbiddenError, StorageError."""
        secret = self._secret_of(request)
        if "authorization" not in request.headers:
            check_origin(request, self._origins)
        if secret is not None:
            return Caller(await run_in_threadpool(self._token, secret))
        if await run_in_threadpool(lambda: self._tokens.required):
            raise UnauthenticatedError(SIGN_IN_TEXT)
        check_local(request)
        return Caller()

    def _token(self, secret: str) -> AccessToken:
        token = self._tokens.token_of(secret)
        if token is None:
            raise UnauthenticatedError(SIGN_IN_AGAIN_TEXT)
        return token

    def _is_open(self, scope: Scope) -> bool:
        path = route_path(scope)
        return path in self._open_paths or path.startswith(self._open_roots)
