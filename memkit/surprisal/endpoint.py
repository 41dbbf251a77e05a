"""One address that takes and gives JSON: bounded in time, tried again where that may help, its errors without text."""

import json
import os
import weakref
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from memkit.errors import InputError, MissingExtraError, SurprisalError, SurprisalUnavailableError

if TYPE_CHECKING:
    import httpx
    import tenacity

MAX_TRIES = 4
FIRST_WAIT_S, MAX_WAIT_S = 0.25, 4.0  # between two tries
MAX_BYTES = 256 * 2**20
TOO_LONG_SIGNS = ("context length", "context_length", "context size", "context_size", "context window", "too long")
STATUS_REMEDIES = {
    401: "Give its key as api_key= or api_key_env=.",
    403: "Give its key as api_key= or api_key_env=.",
    404: "Give the address that /completions follows, often .../v1, and a model that the server lists.",
    405: "Give the address that /completions follows, often .../v1.",
    501: "It doesn't offer what a surprisal needs: completions with echo, or vLLM's prompt_logprobs.",
}
REFUSAL_REMEDY = "It may not offer echo with logprobs (llama.cpp's server and chat endpoints don't), or not this model."


class Endpoint:
    """Posts to paths under `url`. `timeout`: seconds for one answer, all tries included."""

    def __init__(self, url: str, *, key: str | None, timeout: float) -> None:
        httpx = _httpx()
        self._timeout = timeout
        self._url = _checked_url(url)
        self.host = self._url.netloc.decode("ascii")
        self._client = httpx.Client(headers={} if key is None else {"Authorization": f"Bearer {key}"})
        self.close = weakref.finalize(self, self._client.close)

    def post(self, path: str, body: Mapping[str, Any]) -> object:
        """The decoded answer. Raises SurprisalUnavailableError, and SurprisalError where this body is refused."""
        import tenacity

        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_PassingError),
            stop=tenacity.stop_after_attempt(MAX_TRIES) | tenacity.stop_before_delay(self._timeout),
            wait=_wait,
            reraise=True,
        )
        try:
            return tries(self._post, path, body, monotonic() + self._timeout)
        except _PassingError as fault:
            raise SurprisalUnavailableError(str(fault)) from None

    def _post(self, path: str, body: Mapping[str, Any], until: float) -> object:
        import httpx

        url, left = f"{self._url}/{path}", max(until - monotonic(), 0.001)
        try:
            with self._client.stream("POST", url, json=body, timeout=left) as response:
                content = self._read(response, until)
        except httpx.TimeoutException:
            raise self._late() from None
        except httpx.RequestError as error:
            raise _PassingError(
                f"the server at {self.host} can't be reached or breaks off ({type(error).__name__}). "
                "See that it runs and that the address is right."
            ) from None
        self._refuse(response.status_code, content, response.headers.get("Retry-After", ""))
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise SurprisalUnavailableError(
                f"the server at {self.host} answered with status {response.status_code}, but not in JSON. "
                "See that the address is that of its API."
            ) from None

    def _read(self, response: "httpx.Response", until: float) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if monotonic() > until:
                raise self._late()
            if len(content) > MAX_BYTES:
                raise SurprisalUnavailableError(f"the server at {self.host} sent more than {MAX_BYTES} bytes.")
        return bytes(content)

    def _late(self) -> "_PassingError":
        return _PassingError(
            f"the server at {self.host} didn't answer within {self._timeout:g} s. Raise timeout=, or look at its load."
        )

    def _refuse(self, status: int, content: bytes, retry_after: str) -> None:
        if 200 <= status < 300:
            return
        status_line = f"the server at {self.host} answered with status {status}."
        if status in (408, 429) or (status >= 500 and status != 501):
            after = float(retry_after) if retry_after.isdecimal() else 0.0
            raise _PassingError(f"{status_line} Look at its load and its log.", after=after)
        if status == 413 or (status == 400 and _too_long(content)):
            raise SurprisalError(f"{status_line} The text is longer than it reads: give window=, in characters.")
        if status in (400, 422):
            raise SurprisalError(f"{status_line} {REFUSAL_REMEDY}")
        raise SurprisalUnavailableError(
            f"{status_line} {STATUS_REMEDIES.get(status, 'See that the address is right.')}"
        )


class _PassingError(SurprisalUnavailableError):
    """May be over in a moment; `after`: in so many seconds, as the server says."""

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


def _wait(state: "tenacity.RetryCallState") -> float:
    import tenacity

    fault = state.outcome.exception() if state.outcome else None
    after = fault.after if isinstance(fault, _PassingError) else 0.0
    growing = tenacity.wait_exponential(multiplier=FIRST_WAIT_S, max=MAX_WAIT_S) + tenacity.wait_random(0, FIRST_WAIT_S)
    return max(after, growing(state))


def _too_long(content: bytes) -> bool:
    message = content[:10_000].decode(errors="replace").casefold()
    return any(sign in message for sign in TOO_LONG_SIGNS)


def _httpx() -> Any:
    try:
        import httpx
        import tenacity  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "servers: httpx or tenacity isn't installed. Install them: python -m pip install httpx tenacity"
        ) from None
    return httpx


def _checked_url(url: str) -> "httpx.URL":
    import httpx

    try:
        parsed = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL:
        raise InputError("url: is no address. Write it like http://localhost:8000/v1") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise InputError("url: must be an http or https address without a query, like http://localhost:8000/v1")
    if parsed.userinfo:
        raise InputError("url: holds a name or a password. Give the server's key as api_key= or api_key_env=.")
    return parsed


def checked_key(key: str | None, env: str | None) -> str | None:
    """The key itself, or the one in the environment variable `env`; None for none. Raises InputError."""
    if key is not None and env is not None:
        raise InputError("api_key: given together with api_key_env; give one of them.")
    if env is not None:
        key = os.environ.get(env)
        if not key:
            raise InputError(f"api_key_env: the environment variable {env} isn't set.")
    if key is None:
        return None
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise InputError("api_key: must be printable ASCII.")
    return key
