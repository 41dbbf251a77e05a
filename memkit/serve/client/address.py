"""Addresses of servers, and the tokens with which they are asked."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memkit.errors import InputError, MissingExtraError
from memkit.serve.origins import is_loopback

if TYPE_CHECKING:
    import ssl

    import httpx

TOKEN_VARIABLE = "MEMKIT_TOKEN"  # noqa: S105 - the name of an environment variable


@dataclass(frozen=True)
class Address:
    """Address of a server, without a slash at its end, and the headers that go with each request."""

    url: str
    host: str
    headers: dict[str, str]

    @classmethod
    def of(cls, url: str, token: str | None, *, allow_plain_http: bool) -> "Address":
        """A checked address; without a token, that of the environment. Raises InputError."""
        parsed, secret = _checked_url(url), _checked_token(token)
        if secret is not None and parsed.scheme == "http" and not (allow_plain_http or is_loopback(parsed.host)):
            raise InputError(
                f"connect: a token isn't sent to {parsed.host} over http, where anybody on the way can read it. "
                "Use https, or say that the way is safe: allow_plain_http=True."
            )
        host = f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host
        return cls(str(parsed).rstrip("/"), host, {} if secret is None else {"Authorization": f"Bearer {secret}"})

    def ssl_context(self) -> "ssl.SSLContext | None":
        """The context in which its certificates are checked, by those that httpx trusts; None for http."""
        import httpx

        return httpx.create_ssl_context() if self.url.startswith("https:") else None


def _checked_url(url: str) -> "httpx.URL":
    parsed: httpx.URL = _parsed(url)
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise InputError("connect: give an http or https address without a query, like http://127.0.0.1:8420")
    if parsed.userinfo:
        raise InputError("connect: the address holds a name or a password. Give an access token as token=.")
    return parsed


def _parsed(url: str) -> Any:
    """An address in its parts. Raises InputError, and MissingExtraError where the extra "client" isn't installed."""
    try:
        import httpx
        import tenacity  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "connect: httpx or tenacity isn't installed. Install them: python -m pip install httpx tenacity"
        ) from None
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise InputError("connect: is no address. Write it like http://127.0.0.1:8420") from None


def _checked_token(token: str | None) -> str | None:
    secret = os.environ.get(TOKEN_VARIABLE) if token is None else token
    if not secret:
        return None
    if not (secret.isascii() and secret.isprintable() and " " not in secret):
        raise InputError(f"connect: the token (token= or {TOKEN_VARIABLE}) must be printable ASCII without spaces.")
    return secret
