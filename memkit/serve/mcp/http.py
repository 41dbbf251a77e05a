"""Streamable HTTP: the server as an application behind the guard, and a process that runs it."""

import logging
import signal
import socket
from typing import NoReturn

import uvicorn
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken as PrincipalToken
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from memkit.errors import InputError
from memkit.serve.guard import Guard
from memkit.serve.mcp.served_banks import ServedBanks
from memkit.serve.mcp.server import create_server
from memkit.serve.origins import is_loopback

log = logging.getLogger("memkit")

HTTP_PATH = "/mcp"
SHUTDOWN_SECONDS = 5  # for what is being answered


def create_mcp_app(served: ServedBanks) -> ASGIApp:
    """An ASGI application that serves banks at /mcp to who holds a token, or to this machine alone without any."""
    by_guard = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # Host and Origin are checked there
    app = create_server(served).streamable_http_app(streamable_http_path=HTTP_PATH, transport_security=by_guard)
    return Guard(OwnSessions(app), served.store.access)


class OwnSessions:
    """ASGI middleware that tells the SDK whose a request is, so that a session serves the token alone that began it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as its token's."""
        token = scope["state"]["caller"].token if scope["type"] == "http" else None
        if token is not None:
            scope["user"] = AuthenticatedUser(PrincipalToken(token="", client_id=token.id, scopes=[]))
        await self._app(scope, receive, send)


def serve_http(served: ServedBanks, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises InputError for other machines' sake where no token was ever made."""
    if not (is_loopback(host) or served.store.access.required):
        raise InputError(
            f"--host {host}: without access tokens this serves its own machine alone. Make one: memkit access create."
        )
    config = uvicorn.Config(
        create_mcp_app(served), log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, _end)  # which uvicorn raises again when it has shut down: the store is closed then
    with socket.create_server((host, port), family=_family(host)) as listening:
        log.info("memkit: MCP at http://%s:%d%s", host, listening.getsockname()[1], HTTP_PATH)
        uvicorn.Server(config).run(sockets=[listening])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit
