"""Streams over a real server: of any length, one batch at a time, and nothing half done where they are cut off."""

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.serve.http.streams import MAX_LINE_BYTES
from memkit.serve.http.turn_stream import BATCH_TURNS
from memkit.testing import FrozenClock
from tests.support.served_life import enliven
from tests.support.serving import serving

TURN = {"text": "I like shop 1.", "speaker": "Ana"}


@pytest.fixture
def url(store: memkit.MemoryStore) -> Iterator[str]:
    with serving(create_app(store)) as address:
        yield f"{address}/v1"


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as opened:
        yield opened


def outcomes(answer: httpx.Response) -> list[dict[str, Any]]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    return [outcome for line in answer.text.splitlines() for outcome in json.loads(line)["outcomes"]]


def observe(client: httpx.Client, content: Any) -> list[dict[str, Any]]:
    return outcomes(client.post("/bank/observe_stream", params={"bank": "acme/ana"}, content=content))


def test_a_line_that_is_no_turn_is_an_outcome_in_its_place(client: httpx.Client, bank: memkit.MemoryBank) -> None:
    lines = [json.dumps(TURN), "canary", '{"text": NaN}', "", json.dumps(["Ana", "And shop 2."]), '{"speaker": "Ana"}']
    answered = observe(client, "\n".join(lines))
    assert [outcome["action"] for outcome in answered] == ["added", "rejected", "rejected", "added", "rejected"]
    assert [turn.text for turn in bank.session()] == ["I like shop 1.", "And shop 2."]
    assert not any("canary" in (outcome["reason"] or "") for outcome in answered)


def test_a_stream_of_bad_lines_alone_has_an_outcome_for_each(client: httpx.Client) -> None:
    assert [outcome["action"] for outcome in observe(client, b"\xff\xfe\n[]\n1\n")] == ["rejected"] * 3


def test_a_line_without_an_end_is_not_held_in_memory(client: httpx.Client, bank: memkit.MemoryBank) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(MAX_LINE_BYTES // 2**20 + 4):
            yield b"x" * 2**20
        yield b"\n" + json.dumps(TURN).encode()

    first, second = observe(client, body())
    assert (first["action"], second["action"]) == ("rejected", "added")
    assert f"{MAX_LINE_BYTES:,}" in first["reason"]


def test_turns_that_come_again_are_told_one_by_one(client: httpx.Client) -> None:
    turns = [{**TURN, "text": f"I like shop {n}.", "id": f"t{n}"} for n in range(3)]
    body = "".join(f"{json.dumps(turn)}\n" for turn in turns)
    assert [outcome["action"] for outcome in observe(client, body)] == ["added"] * 3
    assert [outcome["action"] for outcome in observe(client, body)] == ["skipped"] * 3
    others = "".join(json.dumps({**turn, "text": "Another."}) + "\n" for turn in turns)
    assert [outcome["error"] for outcome in observe(client, others)] == ["ConflictError"] * 3


def test_a_stream_is_stored_as_it_comes_and_what_is_cut_off_is_not(
    client: httpx.Client, url: str, bank: memkit.MemoryBank
) -> None:
    lines = [json.dumps({**TURN, "text": f"I like shop {n}.", "id": f"t{n}"}) for n in range(BATCH_TURNS + 2)]
    with cut_off(url, "/bank/observe_stream?bank=acme/ana", "\n".join(lines).encode()):
        wait_until(lambda: len(bank.list(limit=1000)) == BATCH_TURNS)
    assert len(bank.list(limit=1000)) == BATCH_TURNS
    assert len(observe(client, "\n".join(lines))) == BATCH_TURNS + 2
    assert len(bank.list(limit=1000)) == BATCH_TURNS + 2


def test_an_export_is_loaded_into_another_store(
    client: httpx.Client, store: memkit.MemoryStore, clock: FrozenClock, tmp_path: Path
) -> None:
    bank = enliven(store)
    exported = client.get("/store/export", params={"prefix": "acme"})
    assert (exported.status_code, exported.headers["content-type"]) == (200, "application/x-ndjson")
    with open_other(tmp_path, clock) as other, serving(create_app(other)) as address:
        report = httpx.post(f"{address}/v1/store/load", content=exported.content, timeout=60)
        assert report.json()["banks"][0]["new"] is True
        assert list(other.bank("acme", "ana").list(limit=100)) == list(bank.list(limit=100))


def open_other(folder: Path, clock: FrozenClock) -> memkit.MemoryStore:
    return memkit.open(folder / "other.db", encoder=HashingEncoder(), clock=clock)


@pytest.mark.parametrize("operation", ["load", "import_from?format=jsonl&bank=acme/ben"])
def test_an_upload_that_is_cut_off_leaves_nothing(
    operation: str,
    client: httpx.Client,
    url: str,
    store: memkit.MemoryStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    enliven(store)
    body = client.get("/store/export").content if operation == "load" else json.dumps(TURN).encode() + b"\n"
    before = {path.name for path in tmp_path.iterdir()}
    store.bank("acme", "ana").erase_all(confirm=("acme", "ana"))
    with cut_off(url, f"/store/{operation}", body):
        wait_until(lambda: {path.name for path in tmp_path.iterdir()} > before)
    wait_until(lambda: {path.name for path in tmp_path.iterdir()} <= before)
    assert store.banks() == []


def test_a_file_of_another_memory_is_imported(client: httpx.Client, store: memkit.MemoryStore) -> None:
    query = {"format": "csv", "bank": "acme/ben", "speakers": '{"user": "Ben"}'}
    answer = client.post("/store/import_from", params=query, content="role,text\nuser,I drink tea.\n")
    assert answer.json()["new"] == {"turn": 1}
    assert [turn.speaker for turn in store.bank("acme", "ben").session()] == ["Ben"]


def test_what_can_not_be_imported_is_told_without_the_servers_paths(client: httpx.Client, tmp_path: Path) -> None:
    answer = client.post("/store/import_from", params={"format": "letta", "bank": "a"}, content=b"\0\1")
    assert answer.status_code == 422
    assert tempfile.gettempdir() not in answer.text


class cut_off:  # noqa: N801 - a context manager
    """A request whose body breaks off: it is sent on entering, and the line is dropped on leaving."""

    def __init__(self, url: str, target: str, body: bytes) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port or 80))
        head = (
            f"POST {parts.path}{target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body) + 1000}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + body)

    def __enter__(self) -> None: ...
    def __exit__(self, *raised: object) -> None:
        self._socket.close()


def wait_until(holds: Any, seconds: float = 20) -> None:
    waited = threading.Event()
    for _ in range(int(seconds * 20)):
        if holds():
            return
        waited.wait(0.05)
    raise AssertionError("it never came to be")
