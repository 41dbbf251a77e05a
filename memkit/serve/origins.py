"""Origins of requests: this machine or another, a page of this server or a foreign one."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from memkit.errors import ForbiddenError

FORWARDING_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
FOREIGN_SITES = ("cross-site", "same-site")  # of Sec-Fetch-Site; another port of this machine is of the same site
REMEDY_TEXT = "Make an access token, which serves others too: memkit access create."


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine: localhost, 127.0.0.0/8 or ::1."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_local(request: HTTPConnection) -> None:
    """Raise ForbiddenError unless a request was sent from this machine to it by a name of its own.

    A page elsewhere whose name was rebound to this machine sends its own name as Host; a proxy sends for others.
    """
    hosts = request.headers.getlist("host")
    if request.client is not None and not is_loopback(request.client.host):
        raise ForbiddenError(f"Without access tokens this server answers its own machine alone. {REMEDY_TEXT}")
    if len(hosts) != 1 or not is_loopback(_host_name(hosts[0])):
        raise ForbiddenError(
            "Host: without access tokens this server answers to localhost, 127.0.0.1 and [::1] alone, so that no page "
            f"elsewhere reaches it under a name of its own. {REMEDY_TEXT}"
        )
    if any(header in request.headers for header in FORWARDING_HEADERS):
        raise ForbiddenError(
            f"This request came through a proxy; without access tokens this server answers none. {REMEDY_TEXT}"
        )


def check_origin(request: HTTPConnection, allowed: Collection[str]) -> None:
    """Raise ForbiddenError where a page of another origin sent a request, unless that origin is allowed.

    A link there may be followed: it shows a page of this server in its place, of which the other one sees nothing.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin in allowed or (origin is None and _follows_link(request)):
        return
    is_foreign = origin is not None and _authority(origin) != request.headers.get("host")
    if is_foreign or site in FOREIGN_SITES:
        raise ForbiddenError(
            "Origin: a page of another origin sent this. Start the server with --allow-origin ORIGIN if it may."
        )


def _follows_link(request: HTTPConnection) -> bool:
    """Whether a browser reads a page to show it by itself, in no frame."""
    asked = (request.scope.get("method"), *(request.headers.get(f"sec-fetch-{what}") for what in ("mode", "dest")))
    return asked == ("GET", "navigate", "document")


def _host_name(authority: str) -> str:
    """The host of a Host header, without its port; "" where it is none."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def _authority(origin: str) -> str:
    """Host and port of an origin; "" where it is none, as of "null"."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
