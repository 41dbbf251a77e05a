"""A whole session of the official client: every tool, resource and prompt, over both transports, in both protocols."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, MCPError
from mcp_sessions import ERAS, call, over_http, over_stdio, served_over_http, text_of
from mcp_types import PromptReference, ResourceTemplateReference

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.mcp.served_banks import ServedBanks

SAID = [
    {"speaker": "Ana", "role": "user", "text": "I moved to Lisbon in May. I can't eat nuts."},
    {"speaker": "Ana", "role": "user", "text": "My sister Rita visits on Thursday. Always answer in Spanish."},
]


@asynccontextmanager
async def connected(transport: str, era: str, path: Path) -> AsyncIterator[Client]:
    """A client of a server that gives the banks under acme."""
    if transport == "stdio":
        async with over_stdio("--db", str(path), "--encoder", "hashing", "--under", "acme", era=era) as client:
            yield client
        return
    with (
        memkit.open(path, encoder=HashingEncoder()) as store,
        served_over_http(ServedBanks(store, under=("acme",))) as url,
    ):
        async with over_http(url, era) as client:
            yield client


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_session_uses_every_tool_resource_and_prompt(transport: str, era: str, path: Path) -> None:
    async with connected(transport, era, path) as client:
        await use_tools(client)
        await use_resources(client)
        await use_prompts(client)
        await use_erasure(client)


async def use_tools(client: Client) -> None:
    tools = {tool.name for tool in (await client.list_tools()).tools}
    assert tools == set("recall portrait history list_banks remember think correct forget plan_erase erase".split())
    bank = {"bank": "acme/ana"}
    remembered = await call(client, "remember", turns=SAID, session="first", **bank)
    assert [outcome["action"] for outcome in remembered["outcomes"]] == ["added", "added"]
    fact = await call(client, "remember", facts=["The project builds with Bazel 7."], **bank)
    [built] = [outcome["id"] for outcome in fact["outcomes"]]
    assert (await call(client, "list_banks"))["banks"] == ["acme/ana"]
    progress: list[tuple[float, float | None]] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        progress.append((done, total))

    thinking = await client.call_tool("think", bank, progress_callback=note)
    assert not thinking.is_error
    assert progress[-1][0] == progress[-1][1]
    assert progress == sorted(progress)
    recalled = await client.call_tool("recall", {"query": "What does the project build with?", "ids": True, **bank})
    assert "<memory>" in text_of(recalled)
    assert f'"{built}": ' in text_of(recalled)
    assert recalled.structured_content is not None
    assert recalled.structured_content["memories"][0]["text"] == "The project builds with Bazel 7."
    await call(client, "correct", id=built, text="The project builds with Buck 2.", **bank)
    changes = await call(client, "history", id=built, **bank)
    assert [change["event"] for change in changes["changes"]] == ["added", "corrected"]
    assert "Bazel 7" in changes["block"]
    again = await call(client, "recall", query="What does the project build with?", **bank)
    [new] = [memory["id"] for memory in again["memories"] if "Buck 2" in memory["text"]]
    await call(client, "forget", ids=[new], reason="it was a trial", **bank)
    portrait = await client.call_tool("portrait", bank)
    assert "Lisbon" in text_of(portrait)
    assert "Always answer in Spanish." in text_of(portrait)


async def use_resources(client: Client) -> None:
    templates = [template.uri_template for template in (await client.list_resource_templates()).resource_templates]
    ends = ("portrait", "summaries/{period}", "memories/{id}")
    assert templates == [f"memkit://memory/{{bank}}/{end}" for end in ends]
    [portrait] = (await client.list_resources()).resources
    assert "Lisbon" in await read(client, portrait.uri)
    reference = ResourceTemplateReference(uri=templates[1])
    days = await client.complete(reference, {"name": "period", "value": ""}, {"bank": "acme/ana"})
    [day] = days.completion.values
    assert "Rita" in await read(client, f"memkit://memory/acme%2Fana/summaries/{day}")
    [memory, *_] = (await call(client, "recall", query="Where did Ana move?", bank="acme/ana"))["memories"]
    assert "now, active" in await read(client, f"memkit://memory/acme%2Fana/memories/{memory['id']}")
    with pytest.raises(MCPError, match="no such resource"):
        await read(client, "memkit://memory/nothing")


async def read(client: Client, uri: str) -> str:
    [content] = (await client.read_resource(uri)).contents
    return str(getattr(content, "text", ""))


async def use_prompts(client: Client) -> None:
    names = [prompt.name for prompt in (await client.list_prompts()).prompts]
    assert names == ["what_do_you_know", "remember_conversation"]
    asked = await client.get_prompt("what_do_you_know", {"about": "Lisbon", "bank": "acme/ana"})
    block, question = [message.content.text for message in asked.messages if message.content.type == "text"]
    assert block.startswith("<memory>")
    assert question.startswith("What do you know about Lisbon?")
    kept = await client.get_prompt("remember_conversation", {"bank": "acme/ana"})
    assert "in bank acme/ana" in str(kept.messages[0].content)
    banks = await client.complete(PromptReference(name="what_do_you_know"), {"name": "bank", "value": "acme"})
    assert banks.completion.values == ["acme/ana"]
    with pytest.raises(MCPError, match="takes about and bank"):
        await client.get_prompt("what_do_you_know", {"bank": "acme/ana"})


async def use_erasure(client: Client) -> None:
    bank = {"bank": "acme/ana"}
    plan = await call(client, "plan_erase", session="first", **bank)
    assert plan["counts"]["turn"] == 2
    assert "nuts" in plan["block"]
    erased = await call(client, "erase", plan_id=plan["plan_id"], requested_by="Ana", **bank)
    assert erased["counts"] == plan["counts"]
    assert "nuts" not in (await call(client, "recall", query="What can't Ana eat?", **bank))["block"]
