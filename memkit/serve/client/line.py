"""Lines to a server: a call goes out, its response comes back; again where that is safe, and in time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from memkit.errors import ClosedError, InputError, MemkitError, RequestError, UnreachableServerError, UnsettledError
from memkit.serve.client.address import Address
from memkit.serve.client.answers import error_of
from memkit.serve.client.calls import Call
from memkit.serve.client.wire import as_json, as_query

if TYPE_CHECKING:
    import httpx
    import tenacity

FIRST_WAIT_S, MAX_WAIT_S = 0.1, 2.0  # between two tries, unless the server names a time
MAX_AFTER_S = 30.0  # for which a server may ask us to wait
CONNECT_TIMEOUT_S = 5.0
LATER_STATUSES = (409, 429, 503)  # of what may be sent again after `Retry-After`


class PassingError(Exception):
    """Trouble that may be over in a moment; else `error` is raised. `after`: seconds for which the server asks."""

    def __init__(self, error: MemkitError, after: float = 0.0) -> None:
        super().__init__(str(error))
        self.error, self.after = error, after


@dataclass(frozen=True)
class LineOptions:
    """Options of a line. `timeout`: seconds for one answer; `tries`: how often a call is sent, at most.

    `ssl_context`: made once for all clients; None for http, which has none.
    """

    timeout: float
    tries: int
    ssl_context: "ssl.SSLContext | None" = None

    def policy(self) -> dict[str, Any]:
        """Rules for sending a call again, as tenacity takes them."""
        import tenacity

        return {
            "retry": tenacity.retry_if_exception(lambda e: isinstance(e, PassingError) and e.after <= MAX_AFTER_S),
            "stop": tenacity.stop_after_attempt(self.tries),
            "wait": _wait,
            "reraise": True,
        }

    def client_arguments(self) -> dict[str, Any]:
        """Arguments of httpx's clients."""
        return {"verify": self.ssl_context or False}


def _wait(state: "tenacity.RetryCallState") -> float:
    import tenacity

    fault = state.outcome.exception() if state.outcome else None
    after = fault.after if isinstance(fault, PassingError) else 0.0
    return max(after, tenacity.wait_random_exponential(multiplier=FIRST_WAIT_S, max=MAX_WAIT_S)(state))


@contextmanager
def request_of(call: Call[Any], address: Address, timeout: float) -> Iterator[dict[str, Any]]:
    """A call as arguments of httpx's `request`; a file that is its body is closed behind it."""
    import httpx

    headers = address.headers | ({} if call.key is None else {"Idempotency-Key": call.key})
    with content_of(call) as (content, media_type):
        yield {
            "method": "GET" if content is None else "POST",
            "url": f"{address.url}/v1/{call.path}",
            "params": as_query(call.query),
            "headers": headers | ({} if content is None else {"Content-Type": media_type}),
            "content": content,
            "timeout": httpx.Timeout(timeout + call.patience_s, connect=min(timeout, CONNECT_TIMEOUT_S)),
        }


@contextmanager
def content_of(call: Call[Any]) -> Iterator[tuple[bytes | IO[bytes] | None, str]]:
    """The body of a call, and its media type. Raises InputError for a file that can't be read."""
    if call.file is None:
        yield (None if call.body is None else as_json(call.body, where=call.verb)), "application/json"
        return
    try:
        file = call.file.open("rb")
    except OSError as error:
        raise InputError(f"{call.verb}: {call.file} can't be read ({error.strerror}).") from error
    with file:
        yield file, "application/octet-stream"


def answered(response: "httpx.Response") -> bytes:
    """The body of a response. Raises the error that it tells of."""
    if response.is_success:
        return response.content
    error, header = error_of(response.status_code, response.content), response.headers.get("Retry-After", "")
    after = float(header) if header.isdecimal() else None
    if isinstance(error, RequestError):
        error.retry_after = after
    if response.status_code in LATER_STATUSES and after is not None:
        raise PassingError(error, after)
    raise error


def broken(error: "httpx.RequestError", call: Call[Any], host: str) -> MemkitError | PassingError:
    """The error for a response that didn't come; it passes where sending the call again does no harm."""
    import httpx

    kind = type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return PassingError(UnreachableServerError(f"{host}: can't be reached ({kind}). See that `memkit serve` runs."))
    if isinstance(error, httpx.TimeoutException):
        text = f"{host}: didn't answer in time. Raise timeout=, or look at the server's load."
        return UnreachableServerError(text) if call.key is None else UnsettledError(text)
    text = f"{host}: the connection broke off ({kind}) before the answer came. See the server's log."
    return PassingError(UnreachableServerError(text) if call.key is None else UnsettledError(text))


class ServerLine:
    """A line that waits for its answers. Several threads may use it."""

    def __init__(self, address: Address, options: LineOptions) -> None:
        self.address, self._options = address, options
        self.begin()

    def begin(self) -> None:
        """Open it, anew in a forked child."""
        import httpx

        self._client = httpx.Client(**self._options.client_arguments())

    def close(self) -> None:
        """Close it; harmless to repeat."""
        self._client.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._client.is_closed

    @contextmanager
    def stream(self, call: Call[Any]) -> Iterator[Iterator[bytes]]:
        """The body of a call's response, piece by piece; asked for once. Raises as `send` does."""
        import httpx

        try:
            request = request_of(call, self.address, self._options.timeout)
            with request as arguments, self._client.stream(**arguments) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(response.status_code, response.content)
                yield response.iter_bytes()
        except httpx.RequestError as error:
            fault = broken(error, call, self.address.host)
            raise (fault.error if isinstance(fault, PassingError) else fault) from None

    def send(self, call: Call[Any]) -> bytes:
        """The body of a call's response. Raises the error that it tells of, UnreachableServerError, UnsettledError."""
        import tenacity

        try:
            return tenacity.Retrying(**self._options.policy())(self._send, call)
        except PassingError as fault:
            raise fault.error from None

    def _send(self, call: Call[Any]) -> bytes:
        import httpx

        if self._client.is_closed:
            raise closed(self.address)
        try:
            with request_of(call, self.address, self._options.timeout) as request:
                return answered(self._client.request(**request))
        except httpx.RequestError as error:
            raise broken(error, call, self.address.host) from None


class AsyncLine:
    """A line whose answers are awaited: each has a connection of its own, unless connections are kept for a loop."""

    def __init__(self, address: Address, options: LineOptions) -> None:
        self.address, self._options = address, options
        self._pool: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None
        self._is_closed = False

    def close(self) -> None:
        """Take no more calls."""
        self._is_closed = True

    async def keep(self) -> None:
        """Keep connections open for the running loop, until `release`."""
        import httpx

        self._pool = asyncio.get_running_loop(), httpx.AsyncClient(**self._options.client_arguments())

    async def release(self) -> None:
        """Close the connections that were kept."""
        if self._pool is not None:
            await self._pool[1].aclose()
            self._pool = None

    async def send(self, call: Call[Any]) -> bytes:
        """The body of a call's response, as `ServerLine.send` gives it."""
        import tenacity

        try:
            async with self._client() as client:
                return await tenacity.AsyncRetrying(**self._options.policy())(self._send, client, call)
        except PassingError as fault:
            raise fault.error from None

    async def _send(self, client: "httpx.AsyncClient", call: Call[Any]) -> bytes:
        import httpx

        try:
            with request_of(call, self.address, self._options.timeout) as request:
                return answered(await client.request(**request))
        except httpx.RequestError as error:
            raise broken(error, call, self.address.host) from None

    @asynccontextmanager
    async def _client(self) -> AsyncIterator["httpx.AsyncClient"]:
        import httpx

        if self._is_closed:
            raise closed(self.address)
        if self._pool is not None and self._pool[0] is asyncio.get_running_loop():
            yield self._pool[1]
        else:
            async with httpx.AsyncClient(**self._options.client_arguments()) as client:
                yield client


def closed(address: Address) -> ClosedError:
    """The error of a call after the end."""
    return ClosedError(f"{address.host}: this store was closed. Connect again with memkit.connect(...).")
