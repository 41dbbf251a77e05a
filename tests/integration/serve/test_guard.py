"""The guard at every door: tokens where there are any, else this machine alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from memkit.access import AccessToken
from memkit.serve.guard import Guard

HERE = "http://127.0.0.1:8000"
ANA = AccessToken(
    id="t1", name="ana", prefixes=(("acme",),), rights=("read",), created_at=datetime(2026, 1, 1, tzinfo=UTC)
)


@dataclass
class Tokens:
    """Tokens of a database, by their secrets."""

    by_secret: dict[str, AccessToken] = field(default_factory=dict)

    @property
    def required(self) -> bool:
        return bool(self.by_secret)

    def token_of(self, secret: str) -> AccessToken | None:
        return self.by_secret.get(secret)


async def caller(request: Request) -> JSONResponse:
    token = request.state.caller.token
    return JSONResponse({"token": token and token.id})


async def health(request: Request) -> JSONResponse:
    return JSONResponse({})


def guarded(tokens: Tokens, client: str = "127.0.0.1", **options: Any) -> Any:
    """A client that asks a guarded application who it is."""
    app = Guard(
        Starlette(routes=[Route("/", caller, methods=["GET", "POST"]), Route("/healthz", health)]),
        tokens,
        open_paths={"/healthz"},
        **options,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(client, 1)), base_url=HERE)


async def status(http: Any, **headers: str) -> int:
    answer = await http.get("/", headers={name.replace("_", "-"): value for name, value in headers.items()})
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return int(answer.status_code)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1:80", "localhost:8000", "LocalHost", "[::1]", "[::1]:8000"])
async def test_without_tokens_this_machine_is_answered_by_each_of_its_names(host: str) -> None:
    assert await status(guarded(Tokens()), host=host) == 200


HOSTS = [
    "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.7", "0.0.0.0",
    "[::]", "[fe80::1]", "", "[", "127.0.0.1@evil.example", "evil.example#127.0.0.1", "2130706433",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
async def test_without_tokens_a_request_to_another_name_is_refused(host: str) -> None:
    assert await status(guarded(Tokens()), host=host) == 403


async def test_without_tokens_a_request_with_two_hosts_is_refused() -> None:
    answer = await guarded(Tokens()).get("/", headers=[("host", "127.0.0.1"), ("host", "evil.example")])
    assert answer.status_code == 403


@pytest.mark.parametrize("client", ["10.0.0.7", "192.168.1.2", "::ffff:10.0.0.7", "2001:db8::1"])
async def test_without_tokens_another_machine_is_refused_whatever_host_it_names(client: str) -> None:
    assert await status(guarded(Tokens(), client), host="127.0.0.1") == 403


@pytest.mark.parametrize("header", ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"])
async def test_without_tokens_what_a_proxy_sends_for_others_is_refused(header: str) -> None:
    assert await status(guarded(Tokens()), **{header: "10.0.0.7"}) == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1", "[", ""]
)
async def test_without_tokens_a_page_of_another_origin_is_refused_unless_it_is_allowed(origin: str) -> None:
    assert await status(guarded(Tokens()), origin=origin) == 403
    assert await status(guarded(Tokens(), origins=[origin]), origin=origin, sec_fetch_site="cross-site") == 200


async def test_a_page_of_this_server_may_ask_it() -> None:
    assert await status(guarded(Tokens()), origin=HERE, sec_fetch_site="same-origin") == 200
    assert await status(guarded(Tokens()), sec_fetch_site="none") == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_a_browser_sends_for_another_site_is_refused_without_an_origin_too(site: str) -> None:
    assert await status(guarded(Tokens()), sec_fetch_site=site) == 403


async def test_a_link_on_another_site_may_be_followed_but_not_into_a_frame_or_by_a_script() -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert await status(guarded(Tokens()), **link) == 200
    assert await status(guarded(Tokens()), **link, host="evil.example") == 403
    for changed in ({"sec_fetch_dest": "iframe"}, {"sec_fetch_mode": "no-cors"}, {"origin": "https://evil.example"}):
        assert await status(guarded(Tokens()), **link | changed) == 403
    sent = {name.replace("_", "-"): value for name, value in link.items()}
    assert (await guarded(Tokens()).post("/", headers=sent)).status_code == 403


async def test_once_there_is_a_token_each_request_needs_one() -> None:
    http = guarded(Tokens({"mk_ana": ANA}), "10.0.0.7")
    assert (await http.get("/", headers={"Authorization": "bearer mk_ana", "Host": "memory.example"})).json() == {
        "token": "t1"
    }
    for headers in ({}, {"Authorization": "Bearer mk_other"}, {"Authorization": "Basic mk_ana"}, {"Authorization": ""}):
        answer = await http.get("/", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["type"] == "urn:memkit:UnauthenticatedError"
        assert "mk_other" not in answer.text


async def test_a_token_that_nobody_made_is_refused_where_none_is_needed_too() -> None:
    assert await status(guarded(Tokens()), authorization="Bearer mk_other") == 401


async def test_a_secret_that_a_browser_sends_by_itself_counts_from_pages_of_this_server_alone() -> None:
    http = guarded(Tokens({"mk_ana": ANA}), secret_of=lambda request: request.cookies.get("token"))
    assert await status(http, cookie="token=mk_ana", origin=HERE) == 200
    assert await status(http, cookie="token=mk_ana", origin="https://evil.example") == 403


async def test_open_paths_need_nothing() -> None:
    http = guarded(Tokens({"mk_ana": ANA}), "10.0.0.7")
    assert (await http.get("/healthz", headers={"Host": "10.0.0.1"})).status_code == 200
