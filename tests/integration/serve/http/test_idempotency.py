"""Idempotency keys over HTTP: a write that comes again under its key is carried out once, and answered as it was."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.serve.http.around.idempotency import VERBS_WITH_TEXT
from memkit.serve.http.openapi import document
from memkit.serve.http.serve_settings import AppSettings, ServeLimits

TURNS = {"turns": [{"text": "I moved to Lisbon in May.", "speaker": "ana"}]}
FORMS_WITH_TEXT = {"Memory", "Item", "Turn", "RecalledHit"}


class SlowEncoder(HashingEncoder):
    """An encoder that takes its time."""

    def encode(self, texts: list[str]) -> Any:
        time.sleep(0.5)
        return super().encode(texts)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as opened:
        yield opened


def asking(store: memkit.MemoryStore, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(store), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", **options)


async def post(
    http: httpx.AsyncClient, verb: str, key: str, body: Any = None, bank: str = "acme/ana"
) -> httpx.Response:
    return await http.post(f"/v1/bank/{verb}", params={"bank": bank}, json=body, headers={"Idempotency-Key": key})


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:memkit:")


async def test_the_same_request_under_its_key_is_answered_as_it_was_and_carried_out_once(
    store: memkit.MemoryStore,
) -> None:
    async with asking(store) as http:
        first, again = await post(http, "observe", "k1", TURNS), await post(http, "observe", "k1", TURNS)
        other = await post(http, "observe", "k2", TURNS)
    assert first.status_code == again.status_code == other.status_code == 200
    assert again.content == first.content != other.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(store.bank("acme", "ana").list()) == 2


async def test_a_request_comes_again_after_the_server_began_anew(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        with memkit.open(tmp_path / "m.db", encoder=HashingEncoder()) as store:
            async with asking(store) as http:
                answers.append(await post(http, "observe", "k1", TURNS))
            assert len(store.bank("acme", "ana").list()) == 1
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("verb", "body", "bank"),
    [
        ("observe", {"turns": [{"text": "I moved to Porto.", "speaker": "ana"}]}, "acme/ana"),
        ("observe", TURNS, "acme/bob"),
        ("insert", {"items": ["Ana lives in Lisbon."]}, "acme/ana"),
    ],
)
async def test_another_request_under_a_key_is_refused(
    store: memkit.MemoryStore, verb: str, body: Any, bank: str
) -> None:
    async with asking(store) as http:
        await post(http, "observe", "k1", TURNS)
        assert kind_of(await post(http, verb, "k1", body, bank)) == (422, "IdempotencyKeyError")


async def test_the_same_request_at_the_same_time_is_carried_out_once(tmp_path: Path) -> None:
    with memkit.open(tmp_path / "m.db", encoder=SlowEncoder()) as store:
        async with asking(store) as http:
            answers = await asyncio.gather(*(post(http, "observe", "k1", TURNS) for _ in range(5)))
            assert (await post(http, "observe", "k1", TURNS)).status_code == 200
        refused = [answer for answer in answers if answer.status_code != 200]
        assert {kind_of(answer) for answer in refused} == {(409, "RequestInProgressError")}
        assert len(refused) == 4
        assert len(store.bank("acme", "ana").list()) == 1


async def test_a_request_whose_time_was_over_tells_its_answer_when_it_comes_again(tmp_path: Path) -> None:
    settings = AppSettings(limits=ServeLimits(request_seconds=0.1))
    with memkit.open(tmp_path / "m.db", encoder=SlowEncoder()) as store:
        transport = httpx.ASGITransport(create_app(store, settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            answer = await post(http, "observe", "k1", TURNS)
            assert kind_of(answer) == (504, "TimeLimitError")
            for _ in range(200):
                answer = await post(http, "observe", "k1", TURNS)
                if answer.status_code == 200:
                    break
                assert kind_of(answer) in [(409, "RequestInProgressError"), (504, "TimeLimitError")]
                await asyncio.sleep(0.05)
        assert answer.headers["idempotent-replayed"] == "true"
        assert len(store.bank("acme", "ana").list()) == 1


async def test_a_request_that_was_refused_leaves_its_key_free(store: memkit.MemoryStore) -> None:
    async with asking(store) as http:
        assert (await post(http, "pin", "k1", {"id": "nobody"})).status_code == 404
        assert (await post(http, "observe", "k1", {"turns": 3})).status_code == 422
        assert (await post(http, "observe", "k1", TURNS)).status_code == 200


async def test_a_key_is_its_tokens_own(store: memkit.MemoryStore) -> None:
    for name in ("ana", "bob"):
        secret = store.access.create(name).secret
        async with asking(store, headers={"Authorization": f"Bearer {secret}"}) as http:
            assert "idempotent-replayed" not in (await post(http, "observe", "k1", TURNS)).headers
    assert len(store.bank("acme", "ana").list()) == 2


async def test_what_was_erased_is_not_answered_again(store: memkit.MemoryStore) -> None:
    turns = [{"text": "I moved to Lisbon.", "speaker": "ana"}]
    async with asking(store) as http:
        await http.post("/v1/bank/session_extend", params={"bank": "acme/ana"}, json={"session": "s", "turns": turns})
        popped = await post(http, "session_pop", "k1", {"session": "s"})
        assert popped.json()["text"] == "I moved to Lisbon."
        again = await post(http, "session_pop", "k1", {"session": "s"})
    assert kind_of(again) == (409, "AnswerGoneError")
    assert "Lisbon" not in again.text


async def test_an_erasure_that_comes_again_is_answered_with_its_own_receipt(store: memkit.MemoryStore) -> None:
    async with asking(store) as http:
        ids = [outcome["id"] for outcome in (await post(http, "observe", "k1", TURNS)).json()["outcomes"]]
        first, again = (await post(http, "erase", "k2", {"ids": ids}), await post(http, "erase", "k2", {"ids": ids}))
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)


async def test_what_only_reads_needs_no_key_and_a_stream_takes_none(store: memkit.MemoryStore) -> None:
    async with asking(store) as http:
        for _ in range(2):
            answer = await post(http, "recall", "k1", {"query": "Where does Ana live?"})
            assert answer.status_code == 200
            assert "idempotent-replayed" not in answer.headers
        path, headers = "/v1/bank/observe_stream?bank=acme/ana", {"Idempotency-Key": "k2"}
        assert (await http.post(path, content=b"", headers=headers)).status_code == 422


@pytest.mark.parametrize("key", ["", "k" * 300, "café"])
async def test_a_key_that_is_none_is_refused(store: memkit.MemoryStore, key: str) -> None:
    async with asking(store) as http:
        headers = {"Idempotency-Key": key.encode()}
        answer = await http.post("/v1/bank/observe?bank=acme/ana", json=TURNS, headers=headers)
    assert kind_of(answer) == (422, "InputError")


def test_no_answer_that_is_stored_holds_text() -> None:
    """By the OpenAPI document: forms with text, at any depth, are the answers of those verbs alone."""
    schemas = document()["components"]["schemas"]
    with_text = {
        operation["operationId"]
        for path, item in document()["paths"].items()
        for operation in item.values()
        if operation["x-right"] != "read"
        for form in [operation["responses"]["200"]["content"].get("application/json")]
        if form is not None and _forms_in(form, schemas) & FORMS_WITH_TEXT and "post" in item
    }
    assert with_text == VERBS_WITH_TEXT


def _forms_in(node: Any, schemas: dict[str, Any], seen: frozenset[str] = frozenset()) -> set[str]:
    """Names of all forms that a schema refers to."""
    if isinstance(node, list):
        return {name for part in node for name in _forms_in(part, schemas, seen)}
    if not isinstance(node, dict):
        return set()
    names = {name for part in node.values() for name in _forms_in(part, schemas, seen)}
    name = str(node.get("$ref", "")).rpartition("/")[2]
    return names | ({name} | _forms_in(schemas[name], schemas, seen | {name}) if name and name not in seen else set())
