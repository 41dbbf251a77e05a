"""Watching: each request, once it was answered, is told to those who log and count; never what it asked or got."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID_HEADER = "x-request-id"
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")
NO_VERB = "none"  # of a path that is no verb's


@dataclass(frozen=True)
class AnsweredRequest:
    """A request that was answered, without anything of its content. `token`: the id of its access token."""

    id: str
    method: str
    verb: str
    status: int
    seconds: float
    token: str | None


Watcher = Callable[[AnsweredRequest], None]


def verb_of(scope: Scope) -> str:
    """The verb that a request was routed to; it is told only after that, as paths may hold anything."""
    route = scope.get("route")
    return getattr(route, "operation_id", None) or getattr(route, "name", None) or NO_VERB


class Watch:
    """ASGI middleware that names each request, and tells watchers how it was answered."""

    def __init__(self, app: ASGIApp, watchers: Sequence[Watcher]) -> None:
        self._app, self._watchers = app, watchers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its id in its state and in its answer's headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id, start, status = request_id(Headers(scope=scope)), time.perf_counter(), 500  # where no answer comes
        scope.setdefault("state", {})["request_id"] = id

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = id
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            self._tell(scope, id, status, time.perf_counter() - start)

    def _tell(self, scope: Scope, id: str, status: int, seconds: float) -> None:
        caller = scope["state"].get("caller")
        token = caller.token.id if caller is not None and caller.token is not None else None
        answered = AnsweredRequest(id, scope["method"], verb_of(scope), status, seconds, token)
        for watcher in self._watchers:
            watcher(answered)


def request_id(headers: Headers) -> str:
    """The id that a caller gave a request, where it is a plain word; else a new one."""
    given = headers.get(REQUEST_ID_HEADER, "")
    return given if REQUEST_ID_PATTERN.fullmatch(given) else uuid4().hex
