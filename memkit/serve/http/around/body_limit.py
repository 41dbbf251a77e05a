"""The limit of a request's body, told by its header or counted as it comes in."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memkit.errors import RequestTooLargeError
from memkit.serve.problem_details import problem


class BodyLimit:
    """ASGI middleware that refuses bodies that are too large. `bytes_of` says how large a path's may be."""

    def __init__(self, app: ASGIApp, bytes_of: Callable[[str], int]) -> None:
        self._app, self._bytes_of = app, bytes_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on whose body is counted, or answer that it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = CountedBody(receive, send, self._bytes_of(scope["path"]))
        try:
            body.check_length(Headers(scope=scope).get("content-length", ""))
            await self._app(scope, body.receive, body.send)
        except RequestTooLargeError:
            if body.answer_began:
                raise
        if body.refusal is not None and not body.answer_began:
            await problem(body.refusal)(scope, receive, send)


class CountedBody:
    """A body that is counted as it is read. Once it is too large, an answer that the application begins is dropped."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send, self._limit = receive, send, limit
        self._count = 0
        self.answer_began = False
        self.refusal: RequestTooLargeError | None = None

    def check_length(self, header: str) -> None:
        """Raise RequestTooLargeError where the length that a request tells of itself is above the limit."""
        self._check(int(header) if header.isdecimal() else 0)

    async def receive(self) -> Message:
        """The next part. Raises RequestTooLargeError."""
        message = await self._receive()
        self._count += len(message.get("body", b""))
        self._check(self._count)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the application's answer on."""
        if self.refusal is None or self.answer_began:
            self.answer_began = True
            await self._send(message)

    def _check(self, count: int) -> None:
        if count > self._limit:
            self.refusal = RequestTooLargeError(
                f"The body is larger than {self._limit:,} bytes, the most that this server takes here. Send it in "
                "smaller parts, or start the server with a higher limit: memkit serve --help."
            )
            raise self.refusal
