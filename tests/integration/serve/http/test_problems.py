"""Problems: every error is answered as one, by its class, and nothing that was given stands in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

import memkit
from memkit import errors
from memkit.serve.http.problems import STATUS_MEANINGS
from memkit.serve.problem_details import problem, status_of
from tests.support.served_life import asking, enliven

SECRET = "my secret sentence"
BAD_BODIES: list[tuple[bytes, int]] = [
    (b'{"id": ' + SECRET.encode(), 400),
    (b'{"id": NaN}', 400),
    (b'{"id": Infinity}', 400),
    (b'{"id": "\xff"}', 400),
    (b'{"id": "\\ud800"}', 400),
    (b"[" * 100_000, 400),
    (b"1" * 10_000, 400),
    (b"", 422),
    (b"[]", 422),
    (b"null", 422),
    (b"{}", 422),
    (b'{"id": ["my secret sentence"]}', 422),
    (b'{"id": "x", "my secret sentence, which is long enough to be no name": 1}', 422),
    (b'{"id": "x", "pinned": "my secret sentence"}', 422),
    (b'{"id": "x", "pinned": 1}', 422),
]


def every_error(base: type[errors.MemkitError] = errors.MemkitError) -> Iterator[type[errors.MemkitError]]:
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == "memkit.errors":
            yield from every_error(kind)


@pytest.fixture
def client(store: memkit.MemoryStore) -> TestClient:
    enliven(store)
    return asking(store)


def checked(answer: Response, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert SECRET not in answer.text
    return document


@pytest.mark.parametrize("kind", sorted(set(every_error()), key=lambda kind: kind.__name__))
def test_each_error_has_a_documented_status_and_its_class_in_the_type(kind: type[errors.MemkitError]) -> None:
    assert status_of(kind("what, where, rule, remedy")) in STATUS_MEANINGS
    assert f'"type":"urn:memkit:{kind.__name__}"'.encode() in problem(kind("what")).body


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
def test_a_body_that_breaks_a_rule_is_a_problem_that_shows_nothing_of_it(
    body: bytes, status: int, client: TestClient
) -> None:
    answer = client.post("/pin", content=body, headers={"Content-Type": "application/json"})
    assert checked(answer, status)["type"] == "urn:memkit:InputError"


def test_a_problem_names_each_field_and_its_rule(client: TestClient) -> None:
    document = checked(client.post("/recall", json={"query": "x", "k": 0, "kinds": ["dream"], "weight": 1}), 422)
    assert {flaw["field"] for flaw in document["errors"]} == {"body.k", "body.kinds.0", "body.weight"}
    assert "greater than or equal to 1" in document["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": "many"}, "query.limit"), ({"limt": "3"}, "query.limt"), ({"limit": ["1", "2"]}, "query.limit")],
)
def test_a_parameter_that_nobody_reads_or_that_comes_twice_is_refused(
    query: dict[str, Any], field: str, client: TestClient
) -> None:
    assert checked(client.get("/list", params=query), 422)["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("method", "target", "kind", "status"),
    [
        ("GET", "/nothing", "about:blank", 404),
        ("GET", "/pin", "about:blank", 405),
        ("GET", "/history?id=gone", "urn:memkit:UnknownMemoryError", 404),
        ("GET", "/zone?bank=a//b", "urn:memkit:InvalidNameError", 422),
        ("GET", "/zone?bank=", "urn:memkit:InvalidNameError", 422),
        ("GET", "/list?since=2026-05-04T09:00:00", "urn:memkit:NaiveDatetimeError", 422),
        ("GET", "/list?where={", "urn:memkit:InputError", 422),
        ("GET", "/list?where=[]", "urn:memkit:InputError", 422),
    ],
)
def test_a_request_without_a_body_gets_the_problem_of_its_kind(
    method: str, target: str, kind: str, status: int, client: TestClient
) -> None:
    name, _, given = target.partition("?")
    params = dict(part.split("=", 1) for part in given.split("&") if part)
    assert checked(client.request(method, name, params=params), status)["type"] == kind


def test_a_body_of_another_media_type_is_refused(client: TestClient) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        checked(client.post("/pin", content=b"id=1", headers={"Content-Type": media_type}), 415)


def test_the_methods_that_there_are_stand_in_the_answer_to_another(client: TestClient) -> None:
    assert client.get("/pin").headers["allow"] == "POST"


def test_a_store_that_is_only_read_refuses_to_write(store: memkit.MemoryStore, path: Any) -> None:
    enliven(store)
    with memkit.open(path, read_only=True) as opened:
        client = asking(opened)
        assert checked(client.post("/pin", json={"id": "own id"}), 403)["type"] == "urn:memkit:ReadOnlyError"
        assert client.post("/recall", json={"query": "Hamburg", "prompt": {"max_tokens": 300}}).status_code == 200
