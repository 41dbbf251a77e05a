"""Connecting: addresses and tokens that are taken, a server that is away, what is sent again and what isn't."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from serving import serving
from starlette.responses import JSONResponse

import memkit
from memkit.errors import (
    ClosedError,
    ForbiddenError,
    InputError,
    RateLimitError,
    RequestTooLargeError,
    StorageError,
    UnauthenticatedError,
    UnreachableServerError,
    UnsettledError,
)
from memkit.serve.client.bank import RemoteBank
from memkit.serve.client.store import RemoteStore
from memkit.serve.http.app import create_app

Answer = Callable[[dict[str, Any]], JSONResponse | str | None]
TOKEN = "mk_secret"
LATER = JSONResponse({"type": "urn:memkit:RateLimitError", "detail": "Too many."}, 429, {"Retry-After": "0"})


class Before:
    """An application behind something that answers, or breaks off, in its place at times."""

    def __init__(self, app: Any, answer: Answer) -> None:
        self.app, self.answer = app, answer
        self.requests: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append({"path": scope["path"], "headers": headers, "number": len(self.requests) + 1})
        answer = self.answer(self.requests[-1])
        if isinstance(answer, str):  # all that belongs to the request is done, but nobody hears of it
            await self.app(scope, receive, unheard)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"999")]})
            await send({"type": "http.response.body", "body": answer.encode()})
            return
        await (answer or self.app)(scope, receive, send)


async def unheard(message: Any) -> None:
    """Sends nothing."""


@contextmanager
def behind(store: memkit.MemoryStore, answer: Answer, **options: Any) -> Iterator[tuple[RemoteStore, Before]]:
    before = Before(create_app(store), answer)
    with serving(before) as url, memkit.connect(url, **options) as remote:
        yield remote, before


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://here", "http://", "http://a/?x=1", "http://me:pw@a", 7])
def test_what_is_no_address_is_refused(url: Any) -> None:
    with pytest.raises(InputError, match="connect: "):
        memkit.connect(url)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"tries": 0}, {"tries": True}, {"token": "mk ü"}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="connect: "):
        memkit.connect("http://127.0.0.1:1", **options)


@pytest.mark.parametrize("host", ["memory.example", "10.0.0.7", "[2001:db8::1]"])
def test_a_token_goes_over_http_to_this_machine_alone(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"isn't sent to .* over http"):
        memkit.connect(f"http://{host}:8000", token=TOKEN)
    monkeypatch.setenv("MEMKIT_TOKEN", TOKEN)
    with pytest.raises(InputError, match=r"isn't sent to .* over http"):
        memkit.connect(f"http://{host}:8000")
    for url in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", f"https://{host}"):
        memkit.connect(url).close()
    memkit.connect(f"http://{host}:8000", allow_plain_http=True).close()


def test_the_token_is_the_given_one_or_that_of_the_environment(
    store: memkit.MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMKIT_TOKEN", store.access.create("ana", under=[("acme",)]).secret)
    other = store.access.create("eva", under=[("rival",)], rights=("read",)).secret
    with serving(create_app(store)) as url, memkit.connect(url) as ana, memkit.connect(url, token=other) as eva:
        assert ana.bank("acme", "ana").observe([("ana", "hello")]).count("added") == 1
        with pytest.raises(ForbiddenError, match="'read'"):
            eva.bank("acme", "ana").list()
        with pytest.raises(ForbiddenError, match="'write'"):
            eva.bank("rival", "eva").observe([("eva", "hello")])
        assert (ana.banks(), eva.banks()) == ([("acme", "ana")], [])
        with (
            memkit.connect(url, token="mk_wrong") as stranger,
            pytest.raises(UnauthenticatedError, match="access create"),
        ):
            stranger.banks()


def test_a_server_that_is_away_is_an_error_with_its_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with memkit.connect(f"http://127.0.0.1:{port}", tries=2) as remote:
        with pytest.raises(UnreachableServerError, match=f"127.0.0.1:{port}.*memkit serve"):
            remote.bank("ana").observe([("ana", "hello")])
        with pytest.raises(UnreachableServerError, match="memkit serve"):
            asyncio.run(remote.bank("ana").aio.list())


def test_what_comes_later_is_waited_for(store: memkit.MemoryStore) -> None:
    with behind(store, lambda request: LATER if request["number"] in (1, 3) else None) as (remote, before):
        assert remote.bank("ana").observe([("ana", "hello")]).count("added") == 1
        assert len(remote.bank("ana").list()) == 1
    keys = [request["headers"].get("idempotency-key") for request in before.requests]
    assert keys[0] == keys[1] is not None
    assert keys[2:] == [None, None]


async def test_the_same_holds_for_what_is_awaited(store: memkit.MemoryStore) -> None:
    with behind(store, lambda request: LATER if request["number"] == 1 else None) as (remote, before):
        assert (await remote.bank("ana").aio.observe([("ana", "hello")])).count("added") == 1
    assert len(before.requests) == 2


def test_a_server_that_never_has_time_is_asked_as_often_as_was_said(store: memkit.MemoryStore) -> None:
    limited = pytest.raises(RateLimitError, match="Too many")
    with behind(store, lambda request: LATER, tries=3) as (remote, before), limited as caught:
        remote.banks()
    assert (len(before.requests), caught.value.retry_after) == (3, 0)


def test_a_server_that_asks_for_too_long_a_rest_is_not_waited_for(store: memkit.MemoryStore) -> None:
    busy = JSONResponse({"type": "urn:memkit:BusyError", "detail": "Busy."}, 503, {"Retry-After": "3600"})
    with behind(store, lambda request: busy) as (remote, before), pytest.raises(memkit.errors.BusyError):
        remote.banks()
    assert len(before.requests) == 1


def test_a_write_whose_answer_was_lost_is_done_once(store: memkit.MemoryStore) -> None:
    with behind(store, lambda request: "the line is cut" if request["number"] == 1 else None) as (remote, before):
        receipt = remote.bank("ana").observe([("ana", "hello")])
        assert len(remote.bank("ana").list()) == 1
    assert receipt.count("added") == 1
    assert len({request["headers"].get("idempotency-key") for request in before.requests[:2]}) == 1


def test_a_lost_answer_says_what_is_known_of_the_change(store: memkit.MemoryStore) -> None:
    unsettled = pytest.raises(UnsettledError, match="broke off")
    with behind(store, lambda request: "the line is cut", tries=2) as (remote, _), unsettled:
        remote.bank("ana").observe([("ana", "hello")])
    unreachable = pytest.raises(UnreachableServerError, match="broke off")
    with behind(store, lambda request: "the line is cut", tries=1) as (remote, _), unreachable:
        remote.bank("ana").list()
    assert len(store.bank("ana").list()) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, UnauthenticatedError), (413, RequestTooLargeError), (502, UnreachableServerError), (418, StorageError)],
)
def test_an_answer_that_is_no_memkits_is_an_error_that_says_so(
    store: memkit.MemoryStore, status: int, kind: type[Exception]
) -> None:
    refused = pytest.raises(kind, match=rf"status {status}.*memkit serve")
    with behind(store, lambda request: JSONResponse("no", status), tries=1) as (remote, _), refused:
        remote.banks()


def test_an_answer_of_another_shape_is_an_error_that_says_so(store: memkit.MemoryStore) -> None:
    refused = pytest.raises(StorageError, match="none of this memkit's")
    with behind(store, lambda request: JSONResponse({"hello": "world"})) as (remote, _), refused:
        remote.banks()


def test_a_slow_answer_is_not_waited_for_longer_than_was_said(store: memkit.MemoryStore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with memkit.connect(url, timeout=0.2, tries=1) as remote:
            with pytest.raises(UnreachableServerError, match="timeout="):
                remote.banks()
            with pytest.raises(UnsettledError, match="timeout="):
                remote.bank("ana").pin("x")


async def test_a_closed_store_says_that_it_was_closed(url: str) -> None:
    remote = memkit.connect(url)
    remote.close()
    remote.close()
    with pytest.raises(ClosedError, match=r"memkit\.connect"):
        remote.banks()
    with pytest.raises(ClosedError, match=r"memkit\.connect"):
        await remote.bank("ana").aio.list()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_forked_child_has_connections_of_its_own(ana: RemoteBank) -> None:
    ana.observe([("ana", "before")])
    child = os.fork()
    if child == 0:
        os._exit(0 if ana.observe([("ana", "in the child")]).count("added") == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [memory.text for memory in ana.list()] == ["before", "in the child"]
