"""Over HTTP: without tokens this machine alone, by a name of its own; with tokens their banks and rights alone."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from mcp_sessions import ERAS, RawSession, call, command, environment, over_http, refusal, served_over_http

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.mcp.served_banks import ServedBanks

BEGIN = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def filled(path: Path) -> Iterator[memkit.MemoryStore]:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("acme", "ana").insert("The vault code is 4711.")
        store.bank("other", "bob").insert("The secret word is xyzzy.")
        yield store


def token(store: memkit.MemoryStore, *rights: str, under: str = "acme") -> dict[str, str]:
    secret = store.access.create("test", under=[(under,)], rights=rights or ("read", "write")).secret  # type: ignore[arg-type]
    return {"Authorization": f"Bearer {secret}"}


def status(url: str, **headers: str) -> int:
    return httpx2.post(url, json=BEGIN, headers={**ACCEPT, **headers}).status_code


def test_without_tokens_a_foreign_page_or_name_is_refused(filled: memkit.MemoryStore) -> None:
    with served_over_http(ServedBanks(filled)) as url:
        assert status(url) == 200
        assert status(url, Host="attacker.example") == 403
        assert status(url, Origin="https://attacker.example") == 403
        assert status(url, Origin="null") == 403
        assert status(url, **{"X-Forwarded-For": "203.0.113.7"}) == 403


def test_as_soon_as_there_is_a_token_each_request_needs_one(filled: memkit.MemoryStore) -> None:
    with served_over_http(ServedBanks(filled)) as url:
        known = token(filled)
        assert status(url) == 401
        assert status(url, Authorization="Bearer mk_wrong") == 401
        assert status(url, **known) == 200
        filled.access.revoke(filled.access.list()[0].id)
        assert status(url, **known) == 401


def test_a_session_is_its_tokens_alone(filled: memkit.MemoryStore) -> None:
    with served_over_http(ServedBanks(filled)) as url:
        mine, other = token(filled), token(filled)
        session = httpx2.post(url, json=BEGIN, headers={**ACCEPT, **mine}).headers["mcp-session-id"]
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        for headers, status in ((mine, 200), (other, 404)):
            sent = {**ACCEPT, **headers, "mcp-session-id": session}
            assert httpx2.post(url, json=ping, headers=sent).status_code == status


@pytest.mark.parametrize("era", ERAS)
async def test_a_token_reaches_its_own_banks_and_tools_alone(era: str, filled: memkit.MemoryStore) -> None:
    with served_over_http(ServedBanks(filled)) as url:
        async with over_http(url, era, **token(filled, "read")) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {"recall", "portrait", "history", "list_banks"}
            assert (await call(client, "list_banks"))["banks"] == ["acme/ana"]
            assert "4711" in (await call(client, "recall", query="vault code", bank="acme/ana"))["block"]
            assert "right 'read'" in await refusal(client, "recall", query="secret word", bank="other/bob")
            assert "right 'write'" in await refusal(client, "remember", facts=["x."], bank="acme/ana")
        async with over_http(url, era, **token(filled, "read", "erase")) as client:
            plan = await call(client, "plan_erase", about="vault code", bank="acme/ana")
        async with over_http(url, era, **token(filled, "read", "erase")) as client:
            assert "no plan" in await refusal(client, "erase", plan_id=plan["plan_id"], bank="acme/ana")
    assert filled.bank("acme", "ana").list()


def test_a_server_for_other_machines_wants_a_token_first(path: Path) -> None:
    options = ("--db", str(path), "--encoder", "hashing", "--http", "--host", "0.0.0.0", "--port", "0")
    result = subprocess.run(command(*options), capture_output=True, env=environment(), timeout=60)
    assert result.returncode == 1
    assert b"memkit access create" in result.stderr


async def test_the_command_serves_over_http_and_ends_cleanly_on_sigterm(path: Path) -> None:
    session = RawSession("--db", str(path), "--encoder", "hashing", "--bank", "acme/ana", "--http", "--port", "0")
    url = session.heard("MCP at ").split()[-1]
    async with over_http(url) as client:
        await call(client, "remember", facts=["The vault code is 4711."])
        await call(client, "recall", query="What is the vault code?")
    assert session.end(signal.SIGTERM)[0] == 0
    with memkit.open(path, encoder=HashingEncoder(), read_only=True) as store:
        assert [memory.recall_count for memory in store.bank("acme", "ana").list()] == [1]
