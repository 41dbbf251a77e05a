"""A thousand malformed messages: each is answered with a protocol's error or ignored, and the server lives."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp_sessions import RawSession, served_over_http

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.mcp.served_banks import ServedBanks

COUNT = 1_000
METHODS = (
    "initialize ping tools/list tools/call resources/list resources/read resources/templates/list prompts/list "
    "prompts/get completion/complete logging/setLevel notifications/cancelled notifications/progress server/discover "
    "nothing/here"
).split()
TOOLS = "recall remember think portrait history correct forget plan_erase erase list_banks nothing".split()
VERSIONS = ("1.0", "2", 2.0, None, "", "2.0.0", [])


def malformed(rng: random.Random) -> bytes:
    """One message on a line; none of them asks for what a server should do."""
    return rng.choice(KINDS)(rng).replace(b"\n", b" ") + b"\n"


def anything(rng: random.Random, depth: int = 3) -> Any:
    plain = [None, True, -1, 2**70, 1e300, "", "\u202eabc", "a\x00b", "x" * rng.randrange(2_000), float(rng.random())]
    if depth and rng.random() < 0.5:
        many = [anything(rng, depth - 1) for _ in range(rng.randrange(4))]
        return many if rng.random() < 0.5 else {str(n): value for n, value in enumerate(many)}
    return rng.choice(plain)


def request(rng: random.Random, **fields: Any) -> dict[str, Any]:
    method = rng.choice(METHODS)
    return {"jsonrpc": "2.0", "id": rng.randrange(10**6, 10**9), "method": method, "params": {}, **fields}


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def wrong_call(rng: random.Random) -> bytes:
    arguments = {rng.choice(("query", "ids", "bank", "k", "turns", "facts", "no")): anything(rng)}
    name = rng.choice(TOOLS) if rng.random() < 0.9 else anything(rng)
    return as_json(request(rng, method="tools/call", params={"name": name, "arguments": arguments}))


KINDS = (
    lambda rng: rng.randbytes(rng.randrange(1, 200)),
    lambda rng: b"{" * rng.randrange(1, 3_000),
    lambda rng: b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
    lambda rng: as_json(request(rng))[: rng.randrange(1, 40)],
    lambda rng: as_json(request(rng, jsonrpc=rng.choice(VERSIONS))),
    lambda rng: as_json(request(rng, method=anything(rng))),
    lambda rng: as_json(request(rng, id=rng.choice([None, [], {}, 1.5, True]))),
    lambda rng: as_json(request(rng, params=anything(rng))),
    lambda rng: as_json([request(rng) for _ in range(3)]),
    lambda rng: as_json({"jsonrpc": "2.0", "id": 7, "result": anything(rng)}),
    lambda rng: as_json({"jsonrpc": "2.0", "method": rng.choice(METHODS), "params": anything(rng)}),
    lambda rng: as_json(request(rng, method="tools/call", params=anything(rng))),
    lambda rng: as_json(request(rng, method="resources/read", params={"uri": anything(rng)})),
    lambda rng: as_json(request(rng, method="initialize", params={"protocolVersion": anything(rng)})),
    lambda rng: as_json(request(rng, params={"_meta": anything(rng), "cursor": anything(rng)})),
    lambda rng: as_json(anything(rng)),
    wrong_call,
)


@pytest.fixture
def messages() -> Iterator[bytes]:
    rng = random.Random(23)
    return iter([malformed(rng) for _ in range(COUNT)])


def test_a_thousand_malformed_messages_over_stdio_leave_the_server_alive(messages: Iterator[bytes], path: Path) -> None:
    session = RawSession("--db", str(path), "--encoder", "hashing")
    session.begin()
    errors = 0
    for hundred in range(COUNT // 100):
        for _ in range(100):
            session.send(next(messages))
        session.ask(f"alive {hundred}", "tools/call", name="list_banks", arguments={})
        while (answer := session.read()).get("id") != f"alive {hundred}":
            errors += "error" in answer or bool(answer.get("result", {}).get("isError"))
        assert answer["result"]["structuredContent"] == {"banks": []}
    assert errors > COUNT // 2
    code, logged = session.end()
    assert code == 0
    assert "Traceback" not in logged


def test_what_is_no_json_is_answered_so_as_json_rpc_asks(path: Path) -> None:
    session = RawSession("--db", str(path), "--encoder", "hashing")
    session.send(b"no json\n")
    assert session.read() == {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "No JSON."}}
    session.send(b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}\n')
    assert session.read()["error"]["code"] == -32600
    session.begin()
    session.ask(2, "nothing/here")
    assert session.answer(2)["error"]["code"] == -32601
    session.ask(3, "tools/call", name="nothing")
    assert session.answer(3)["error"]["code"] == -32602
    assert session.end()[0] == 0


def test_malformed_messages_over_http_leave_the_server_alive(messages: Iterator[bytes], path: Path) -> None:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}}
    begin = {"jsonrpc": "2.0", "id": "begin", "method": "initialize", "params": hello}
    with (
        memkit.open(path, encoder=HashingEncoder()) as store,
        served_over_http(ServedBanks(store)) as url,
        httpx2.Client(headers=headers, timeout=30) as client,
    ):
        client.headers["mcp-session-id"] = client.post(url, json=begin).headers["mcp-session-id"]
        statuses = Counter(client.post(url, content=next(messages)).status_code for _ in range(300))
        assert {status // 100 for status in statuses} == {2, 4}
        assert client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"}).status_code == 200
