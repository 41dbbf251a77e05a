"""`memkit serve`: real processes that listen, tell where, refuse what is unsafe, and end as success."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from engines import SERVED_ENGINES, Engine
from memkit_server import MemkitServer, memkit_server

import memkit
from memkit.encoders.hashing import HashingEncoder

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads processes from Linux's own lists")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("acme", "ana").observe([("ana", "I moved to Lisbon in May.")])
    return path


def refusal(*options: str, environment: dict[str, str] | None = None) -> str:
    """What a server that can't begin says; it is one line."""
    command = [sys.executable, "-m", "memkit", "serve", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **(environment or {})}
    )
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line


def secret_of(db: Path, *rights: Any) -> str:
    with memkit.open(db) as store:
        return store.access.create("test", rights=rights or ("read", "write")).secret


def say(http: httpx.Client, number: int) -> str:
    turn = {"text": f"I moved to city number {number}.", "speaker": "ana", "id": f"turn-{number}"}
    http.post("/v1/bank/observe?bank=acme/ana", json={"turns": [turn]}).raise_for_status()
    return turn["id"]


def test_it_serves_this_machine_until_it_is_asked_to_end_and_leaves_the_file_clean(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path) as server:
        assert not server.needs_tokens
        with server.client() as http:
            say(http, 1)
            found = http.post("/v1/bank/recall?bank=acme/ana", json={"query": "city number 1", "min_score": 0}).json()
            assert "I moved to city number 1." in [hit["memory"]["text"] for hit in found["hits"]]
        assert server.end() == 0
        log = server.log.read_text()
    assert "memory.db is served at" not in log  # that is for people; --json told the program
    assert "city" not in log
    assert sorted(path.name for path in db.parent.iterdir() if "log" not in path.suffix) == ["memory.db"]


def test_what_was_recalled_into_a_prompt_is_written_when_it_ends(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path, "--maintain", "0") as server, server.client() as http:
        body = {"query": "Who moved to Lisbon?", "min_score": 0, "prompt": {"max_tokens": 200}}
        answer = http.post("/v1/bank/recall?bank=acme/ana", json=body)
        assert answer.status_code == 200, answer.text
        assert server.end() == 0
    with memkit.open(db, encoder=HashingEncoder()) as store:
        [memory] = store.bank("acme", "ana").list()
        assert memory.strength > 1


def test_a_request_at_work_is_answered_when_it_ends_and_the_second_signal_ends_at_once(
    db: Path, tmp_path: Path
) -> None:
    with memkit_server(db, tmp_path) as server:
        answers: list[int] = []
        thread = threading.Thread(target=lambda: answers.append(_observe_slowly(server)))
        thread.start()
        time.sleep(0.5)
        server.signal()
        thread.join(30)
        assert server.process.wait(30) == 0
        assert answers == [200]
    with memkit_server(db, tmp_path) as server:
        thread = threading.Thread(target=lambda: answers.append(_observe_slowly(server, seconds=20)))
        thread.start()
        time.sleep(0.5)
        server.signal()
        time.sleep(0.5)
        assert server.process.poll() is None
        server.signal()
        assert server.process.wait(5) != 0
        thread.join(30)
    with memkit.open(db, encoder=HashingEncoder()) as store:
        assert store.doctor() == []


def test_a_second_signal_ends_several_workers_at_once_and_leaves_none(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path, "--workers", "2") as server:
        workers = server.workers()
        thread = threading.Thread(target=_observe_slowly, args=(server, 20))
        thread.start()
        time.sleep(1)
        server.signal()
        time.sleep(1.5)  # the supervisor looks at signals twice a second
        server.signal()
        assert server.process.wait(5) != 0
        thread.join(30)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def _observe_slowly(server: MemkitServer, seconds: float = 2.0) -> int:
    """Send a request whose last byte comes late; its status, or 0 where no answer came."""
    body = json.dumps({"turns": [{"text": "I moved to Porto.", "speaker": "ana"}]}).encode()

    def slowly() -> Any:
        yield body[:-1]
        time.sleep(seconds)
        yield body[-1:]

    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    try:
        with server.client() as http:
            return http.post("/v1/bank/observe?bank=acme/ana", content=slowly(), headers=headers).status_code
    except httpx.TransportError:
        return 0


def test_several_workers_serve_one_file_count_together_and_end_as_success(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path, "--workers", "2", "--log-format", "json") as server:
        for number in range(24):
            with server.client() as http:  # each on a connection of its own
                say(http, number)
        with server.client() as http:
            metrics = http.get("/metrics").text
        assert 'memkit_requests_total{status="200",verb="observe"} 24.0' in metrics
        assert server.end() == 0
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert sum(line.get("verb") == "observe" for line in lines) == 24
    assert {line["level"] for line in lines} == {"INFO"}
    with memkit.open(db, encoder=HashingEncoder()) as store:
        assert {f"turn-{n}" for n in range(24)} <= {m.id for m in store.bank("acme", "ana").list(limit=100)}
        assert store.doctor() == []


def test_it_maintains_the_database_beside_its_requests_unless_another_does(db: Path, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "I have a sister called Rita."}, {"role": "assistant", "content": "Nice."}]
    with memkit_server(db, tmp_path, "--maintain", "0.2") as server, server.client() as http:
        http.post("/v1/bank/observe?bank=acme/bob", json={"turns": turns}).raise_for_status()
        for _ in range(100):
            listed = http.get("/v1/bank/list", params={"bank": "acme/bob", "kinds": "thought"}).json()
            if listed:
                break
            time.sleep(0.1)
        assert listed


def test_without_tokens_it_refuses_to_be_reached_by_others(db: Path) -> None:
    assert "memkit access create" in refusal("--db", str(db), "--host", "0.0.0.0")
    assert "memkit access create" in refusal("--db", str(db), "--host", "::")


def test_with_a_token_others_may_reach_it_and_each_request_needs_one(db: Path, tmp_path: Path) -> None:
    secret = secret_of(db)
    with memkit_server(db, tmp_path, "--host", "0.0.0.0") as server:
        assert server.needs_tokens
        server.url = server.url.replace("0.0.0.0", "127.0.0.1")
        with server.client() as http:
            assert http.get("/v1/bank/zone?bank=acme/ana").status_code == 401
            headers = {"Authorization": f"Bearer {secret}", "Host": "memory.example"}
            assert http.get("/v1/bank/zone?bank=acme/ana", headers=headers).status_code == 200


def test_a_token_made_while_it_runs_is_needed_from_then_on_and_a_revoked_one_refused(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path) as server, server.client() as http:
        assert http.get("/v1/bank/zone?bank=acme/ana").status_code == 200
        with memkit.open(db) as store:
            made = store.access.create("test")
        headers = {"Authorization": f"Bearer {made.secret}"}
        assert http.get("/v1/bank/zone?bank=acme/ana").status_code == 401
        assert http.get("/v1/bank/zone?bank=acme/ana", headers=headers).status_code == 200
        with memkit.open(db) as store:
            store.access.revoke(made.token.id)
        assert http.get("/v1/bank/zone?bank=acme/ana", headers=headers).status_code == 401


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    db = tmp_path / "new.db"
    with memkit_server(db, tmp_path, "--encoder", "hashing") as server, server.client() as http:
        say(http, 1)
        assert server.end() == 0
    with memkit.open(db) as store:
        assert store.bank("acme", "ana").get("turn-1") is not None


def test_what_it_cannot_begin_with_is_one_sentence(db: Path, tmp_path: Path) -> None:
    assert "none/none.db" in refusal("--db", str(tmp_path / "none" / "none.db"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "can't be listened at" in refusal("--db", str(db), "--port", str(taken.getsockname()[1]))
    (tmp_path / "text.db").write_text("no database")
    assert "text.db" in refusal("--db", str(tmp_path / "text.db"))
    assert "--log-format" in refusal("--db", str(db), "--log-format", "xml")


def test_without_the_extra_the_line_that_installs_it_is_told(db: Path, tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError('uvicorn', name='uvicorn')")
    python_path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    line = refusal("--db", str(db), environment={"PYTHONPATH": python_path})
    assert line.endswith('serve: uvicorn is not installed. Install it: pip install "memkit-agents[serve]"')


def test_headers_that_are_too_long_are_refused(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path) as server:
        assert header_status(server, 20_000) == 200
        assert header_status(server, 2_000_000) in (400, None)
        assert header_status(server, 10) == 200


def header_status(server: MemkitServer, size: int) -> int | None:
    """The status of a request with a header of this size; None where the server closed the connection."""
    try:
        with server.client() as http:
            return http.get("/healthz", headers={"X-Long": "a" * size}).status_code
    except httpx.TransportError:
        return None


def test_behind_a_proxy_it_takes_the_path_that_was_taken_off_and_believes_whom_it_was_told_to(
    db: Path, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {secret_of(db)}", "X-Forwarded-For": "10.0.0.7", "Host": "memory.example"}
    options = ("--root-path", "/memory", "--trust-proxy", "127.0.0.1")
    with memkit_server(db, tmp_path, *options) as server, server.client() as http:
        assert http.get("/v1/bank/zone?bank=acme/ana", headers=headers).status_code == 200
        assert http.get("/v1/bank/zone?bank=acme/ana").status_code == 401


def test_without_tokens_what_comes_through_a_proxy_is_refused(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path) as server, server.client() as http:
        headers = {"X-Forwarded-For": "127.0.0.1"}
        assert http.get("/v1/bank/zone?bank=acme/ana", headers=headers).status_code == 403


def test_a_page_that_rebinds_its_name_to_this_machine_is_refused(db: Path, tmp_path: Path) -> None:
    with memkit_server(db, tmp_path) as server, server.client() as http:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert http.get("/v1/bank/zone?bank=acme/ana", headers=headers).status_code == 403


@pytest.mark.parametrize("engine", SERVED_ENGINES)
def test_several_workers_serve_one_postgresql_database(engine: Engine, tmp_path: Path) -> None:
    with engine.database() as db:
        with memkit.open(db, encoder=HashingEncoder()) as store:
            store.bank("acme", "ana").observe([("ana", "I moved to Lisbon in May.")])
        with memkit_server(db, tmp_path, "--workers", "2", "--maintain", "0") as server:
            for number in range(8):
                with server.client() as http:
                    say(http, number)
            assert server.end() == 0
        with memkit.open(db, encoder=HashingEncoder()) as store:
            assert {f"turn-{n}" for n in range(8)} <= {m.id for m in store.bank("acme", "ana").list(limit=100)}
