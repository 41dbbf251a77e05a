"""Shields around the page: what browsers may do with it, a secret for each visit, and the door of one's own file."""

import hmac
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memkit.errors import ForbiddenError
from memkit.serve.guard import Caller
from memkit.serve.http.page.receipts import set_cookie
from memkit.serve.http.page.visits import VISIT_COOKIE, new_visit
from memkit.serve.origins import check_local, check_origin

POLICY_DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
SHIELD_HEADERS = {
    "content-security-policy": "; ".join(POLICY_DIRECTIVES),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer a browser hides a form's own origin from the server
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
KEY_COOKIE = "memkit_key"
KEY_BYTES = 32
LOCKED_TEXT = "This page is open to whoever started it. Use the address that memkit inspect printed, or start it again."


class Shield:
    """Marks each visit with a secret, and tells browsers what the page may do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its answer has the page's headers, and the visit's cookie where it is new."""
        request = Request(scope)
        visit = request.cookies.get(VISIT_COOKIE)
        scope.setdefault("state", {})["visit"] = visit or new_visit()
        mark = Response()
        if not visit:
            set_cookie(request, mark, VISIT_COOKIE, scope["state"]["visit"])

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _shield(MutableHeaders(scope=message), mark.headers.get("set-cookie"))
            await send(message)

        await self._app(scope, receive, send_shielded)


def _shield(headers: MutableHeaders, mark: str | None) -> None:
    headers.update(SHIELD_HEADERS)
    headers.setdefault("cache-control", "no-store")
    if mark is not None:
        headers.append("set-cookie", mark)


class OneTimeDoor:
    """Door of one's own file: whoever comes first with its key is let in, and nobody else.

    The key stands in the address that was opened; a cookie takes its place at once, so that neither the address in the
    browser's history nor another user of the machine opens the page again.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._key = app, key
        self._secret = secrets.token_urlsafe(KEY_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, exchange the key for a cookie, or refuse."""
        request = Request(scope)
        scope.setdefault("state", {})["caller"] = Caller()
        await self._answering(request)(scope, receive, send)

    def _answering(self, request: Request) -> ASGIApp:
        try:
            check_local(request)
            check_origin(request, ())
        except ForbiddenError as error:
            return PlainTextResponse(str(error), 403)
        if _is_same(request.cookies.get(_cookie_name(request)), self._secret):
            return self._app
        if self._key and _is_same(request.query_params.get("key"), self._key):
            return self._admission(request)
        return PlainTextResponse(LOCKED_TEXT, 403)

    def _admission(self, request: Request) -> Response:
        self._key = ""
        answer = RedirectResponse(request.url.path, 303)
        set_cookie(request, answer, _cookie_name(request), self._secret)
        return answer


def _cookie_name(request: Request) -> str:
    """The name of a door's cookie; cookies hold for all ports of a host, and each may have a door of its own."""
    return f"{KEY_COOKIE}_{request.url.port}"


def _is_same(given: str | None, secret: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), secret.encode())


def new_key() -> str:
    """A new key of a door."""
    return secrets.token_urlsafe(KEY_BYTES)
