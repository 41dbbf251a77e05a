"""Nobody reads or writes across: requests under other tokens, with crafted names, headers and paths, over all verbs."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.models import BankState
from memkit.serve.http.app import create_app
from memkit.serve.http.serve_settings import AppSettings, ServeLimits
from tests.support.crafted_requests import Crafted, Crafter, Name
from tests.support.serving import serving

OWN_BANKS: tuple[Name, ...] = (("acme", "ana"), ("gamma", "ana"))
OTHER_BANKS: tuple[Name, ...] = (
    ("acme",), ("acme", "bob"), ("acme", "an"), ("acme", "ana2"), ("acme/ana",), ("acme%2Fana",), ("ACME", "ANA"),
    ("acme", "Ana"), ("acmé", "ana"), ("beta", "bob"), ("beta",), ("..", "acme", "ana"), ("acme", "."),
    ("аcme", "ana"), ("acme ", "ana"), ("gamma",), ("*",), ("null",),
)  # fmt: skip
CANARY_WORDS = {name: f"quetzal-{number}-marimba" for number, name in enumerate((*OWN_BANKS, *OTHER_BANKS))}
UNFRAMED_STATUSES = {400}  # of what is no HTTP, which the server's own parser answers
UNKNOWN_PATH_STATUSES = {307, 400, 401, 403, 404, 405, 409, 415, 422}
GENEROUS = AppSettings(limits=ServeLimits(requests_per_second=1e9))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
        for number, (name, canary) in enumerate(CANARY_WORDS.items()):
            bank = opened.bank(*name)
            turns = [
                memkit.Turn(f"I live in {canary} and like tea.", "Ana", id=f"turn-{number}-{n}", session="monday")
                for n in range(3)
            ]
            bank.observe([*turns, memkit.Turn("Noted.", "assistant", role="assistant", session="monday")])
            bank.put("note/1", {"title": canary})
            bank.think()
        yield opened


def states_but(store: memkit.MemoryStore, own: Name) -> dict[Name, BankState]:
    """Every bank that isn't under an attacker's own prefix, with its change number and size."""
    return {state.name: state for state in store._storage.banks() if state.name[:2] != own}


def send(connection: HTTPConnection, request: Crafted) -> tuple[HTTPResponse, bytes]:
    """The answer to a request; asked once more where the connection was idle for too long and is closed by now."""
    try:
        return _ask(connection, request)
    except RemoteDisconnected:
        connection.close()
        return _ask(connection, request)


def _ask(connection: HTTPConnection, request: Crafted) -> tuple[HTTPResponse, bytes]:
    connection.putrequest(request.method, request.target, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body)
    answer = connection.getresponse()
    return answer, answer.read()


def attack(store: memkit.MemoryStore, count: int) -> Counter[int]:
    """Send crafted requests under both attackers' tokens, and check each answer; gives back their statuses."""
    other_ids = [memory.id for name in OTHER_BANKS for memory in store.bank(*name).list()]
    revoked = store.access.create("revoked", rights=["read", "write", "erase", "admin"])
    store.access.revoke(revoked.token.id)
    late = store.access.create("late", rights=["read"], expires_at=datetime.now(UTC) + timedelta(hours=1))
    statuses: Counter[int] = Counter()
    with (
        serving(create_app(store, GENEROUS)) as url,
        closing(HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection,
    ):
        for seed, own in enumerate(OWN_BANKS):
            others = [name for name in (*OWN_BANKS, *OTHER_BANKS) if name != own]
            crafter = Crafter(seed, own, others, other_ids)
            new = store.access.create("attacker", under=[own], rights=["read", "write", "erase", "admin"])
            store._services.reinforcements.flush()  # of the attack before, in that one's own banks
            before = states_but(store, own)
            for request in crafter.requests(count // 2, new.secret, [revoked.secret, "mk_", f"{late.secret}x"]):
                answer, body = send(connection, request)
                statuses[answer.status] += 1
                check(request, answer, body, own)
            assert states_but(store, own) == before
    return statuses


def check(request: Crafted, answer: HTTPResponse, body: bytes, own: Name) -> None:
    """No answer holds another's words, is a server's fault, or has a form that the document doesn't tell."""
    said = body + str(answer.headers).encode()
    across = [name for name, canary in CANARY_WORDS.items() if name != own and canary.encode() in said]
    assert across == [], (request, answer.status, body)
    allowed = UNKNOWN_PATH_STATUSES if request.operation is None else request.operation.statuses | UNFRAMED_STATUSES
    assert answer.status in allowed, (request, answer.status, body)
    assert answer.status < 500, (request, answer.status, body)
    if answer.status >= 400 and not body.startswith(b"Invalid HTTP"):
        assert answer.headers["content-type"] == "application/problem+json", (request, answer.status, body)
        assert json.loads(body)["type"], body


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_no_crafted_request_reads_or_writes_across(store: memkit.MemoryStore, count: int) -> None:
    statuses = attack(store, count)
    assert statuses[200] > count / 50, statuses  # the attackers' own banks answer, so the requests are well formed
    assert statuses[403] > count / 5, statuses
    for name in OTHER_BANKS:
        assert CANARY_WORDS[name] in store.bank(*name).list(kinds=["turn"])[0].text
