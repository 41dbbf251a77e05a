"""Limits of requests: their size, their time, how many at once and a second; nothing that is refused was begun."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import serving

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.serve.http.around.rate_limit import TokenRate
from memkit.serve.http.serve_settings import AppSettings, ServeLimits

OBSERVE = "/v1/bank/observe?bank=acme/ana"
TURNS = {"turns": [{"text": "I moved to Lisbon in May.", "speaker": "ana"}]}


class SlowEncoder(HashingEncoder):
    """An encoder that takes its time."""

    seconds = 1.0

    def encode(self, texts: list[str]) -> Any:
        time.sleep(self.seconds)
        return super().encode(texts)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
        yield opened


@pytest.fixture
def slow_store(tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(tmp_path / "slow.db", encoder=SlowEncoder()) as opened:
        yield opened


def asking(store: memkit.MemoryStore, **limits: Any) -> httpx.AsyncClient:
    """A client of an application with these limits."""
    app = create_app(store, AppSettings(limits=ServeLimits(**limits)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


def problem_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["type"].removeprefix("urn:memkit:")


async def test_a_body_that_tells_too_large_a_length_is_refused_before_it_is_read(store: memkit.MemoryStore) -> None:
    async with asking(store, body_bytes=1024) as http:
        answer = await http.post(OBSERVE, json={"turns": [{"text": "a" * 2000, "speaker": "ana"}]})
    assert problem_of(answer) == (413, "RequestTooLargeError")
    assert store.banks() == []


async def test_a_body_of_unknown_length_is_refused_once_it_is_too_large(store: memkit.MemoryStore) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 2**24:
            sent += 512
            yield b" " * 512

    async with asking(store, body_bytes=1024) as http:
        answer = await http.post(OBSERVE, content=endless(), headers={"Content-Type": "application/json"})
        assert problem_of(answer) == (413, "RequestTooLargeError")
        assert (await http.post(OBSERVE, json=TURNS)).status_code == 200


async def test_a_stream_has_a_limit_of_its_own(store: memkit.MemoryStore) -> None:
    line = b'{"text": "I moved to Lisbon in May.", "speaker": "ana"}\n'
    async with asking(store, body_bytes=1024, stream_bytes=4096) as http:
        path = "/v1/bank/observe_stream?bank=acme/ana"
        headers = {"Content-Type": "application/x-ndjson"}
        assert (await http.post(path, content=line * 40, headers=headers)).status_code == 200
        assert problem_of(await http.post(path, content=line * 100, headers=headers)) == (413, "RequestTooLargeError")


def test_a_real_connection_gets_the_problem_while_it_still_sends(store: memkit.MemoryStore) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    app = create_app(store, AppSettings(limits=ServeLimits(body_bytes=1024)))
    with serving(app) as url, httpx.Client(base_url=url, trust_env=False) as http:
        for headers in ({}, {"Content-Length": str(64 * 65_536)}):
            answer = http.post(OBSERVE, content=endless(), headers={"Content-Type": "application/json", **headers})
            assert problem_of(answer) == (413, "RequestTooLargeError")


async def test_a_request_that_takes_too_long_is_answered_and_what_it_began_goes_on(
    slow_store: memkit.MemoryStore,
) -> None:
    async with asking(slow_store, request_seconds=0.2) as http:
        assert problem_of(await http.post(OBSERVE, json=TURNS)) == (504, "TimeLimitError")
    bank = slow_store.bank("acme", "ana")
    for _ in range(100):
        if bank.list():
            break
        await asyncio.sleep(0.05)
    assert [memory.text for memory in bank.list()] == ["I moved to Lisbon in May."]


async def test_beyond_the_requests_at_work_one_is_refused_at_once_and_may_come_again(
    slow_store: memkit.MemoryStore,
) -> None:
    async with asking(slow_store, requests_at_work=2) as http:
        begun = time.monotonic()
        answers = await asyncio.gather(
            *(
                http.post(OBSERVE, json={"turns": [{"text": f"I moved to city {n}.", "speaker": "ana"}]})
                for n in range(5)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {problem_of(answer) for answer in refused} == {(503, "OverloadedError")}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert time.monotonic() - begun < 4
        assert (await http.post(OBSERVE, json=TURNS)).status_code == 200
    assert len(slow_store.bank("acme", "ana").list()) == 3


async def test_a_request_whose_time_is_over_counts_as_at_work_until_it_ends(slow_store: memkit.MemoryStore) -> None:
    async with asking(slow_store, requests_at_work=1, request_seconds=0.5) as http:
        assert (await http.post(OBSERVE, json=TURNS)).status_code == 504
        assert problem_of(await http.post(OBSERVE, json=TURNS)) == (503, "OverloadedError")
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/metrics")).status_code == 200


async def test_a_token_above_its_rate_is_told_when_to_come_again_and_another_is_served(
    store: memkit.MemoryStore,
) -> None:
    one, other = (store.access.create(name).secret for name in ("one", "other"))
    async with asking(store, requests_per_second=0.1) as http:

        async def ask(secret: str) -> httpx.Response:
            path = "/v1/bank/zone?bank=acme/ana"
            return await http.get(path, headers={"Authorization": f"Bearer {secret}"})

        assert (await ask(one)).status_code == 200
        refused = await ask(one)
        assert problem_of(refused) == (429, "RateLimitError")
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert (await ask(other)).status_code == 200


def test_a_rate_lets_a_burst_pass_and_then_one_at_a_time() -> None:
    rate = TokenRate(per_second=10, burst_seconds=0.5)
    assert [rate.wait("a", 0.0) for _ in range(5)] == [0.0] * 5
    assert rate.wait("a", 0.0) == pytest.approx(0.1)
    assert rate.wait("a", 0.1) == 0.0
    assert rate.wait("a", 0.1) > 0
    assert rate.wait("b", 0.1) == 0.0
    assert [rate.wait("a", 100.0) for _ in range(5)] == [0.0] * 5
