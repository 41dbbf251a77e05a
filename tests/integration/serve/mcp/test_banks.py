"""Banks that a server gives: one, or those under a prefix; no name, however crafted, reaches another."""

import random
from urllib.parse import quote

import pytest
from mcp import MCPError
from mcp_sessions import call, in_process, refusal

import memkit
from memkit.errors import ForbiddenError, InputError, InvalidNameError, UnknownOptionError
from memkit.serve.guard import Caller
from memkit.serve.mcp.served_banks import ServedBanks

OTHERS = [("other", "ana"), ("acme2",), ("acme/ana",), ("ACME", "ana"), ("", "acme"), ("acme.", "ana"), ("a",)]
PIECES = [
    *["acme", "ana", "/"] * 6, "other", "..", ".", "//", "%2F", "%2f", "%252F", "%00", "\x00", "%", "\\", " ",
    "ａｃｍｅ", "aсme", "\u202e", "%61cme", "?bank=other", "#", ";", "%5C", "\n", "é", "e\u0301", "*", "acme%",
]  # fmt: skip
CRAFTED = ["other/ana", "acme2", "acme%2Fana", "ACME/ana", "/acme", "acme./ana", "a", "other", "../other/ana", ""]


@pytest.fixture
def filled(store: memkit.MemoryStore) -> memkit.MemoryStore:
    store.bank("acme", "ana").insert("The vault code is 4711.")
    for name in OTHERS:
        if all(name):
            store.bank(*name).insert("The secret word is xyzzy.")
    return store


async def test_banks_outside_the_prefix_are_neither_listed_nor_read_nor_written(filled: memkit.MemoryStore) -> None:
    before = {name: store_change(filled, name) for name in filled.banks()}
    async with in_process(ServedBanks(filled, under=("acme",))) as client:
        assert (await call(client, "list_banks"))["banks"] == ["acme/ana"]
        for name in CRAFTED:
            for tool, arguments in {"recall": {"query": "secret word"}, "remember": {"facts": ["x."]}}.items():
                assert await refusal(client, tool, bank=name, **arguments)
            with pytest.raises(MCPError):
                await client.read_resource(f"memkit://memory/{quote(name, safe='')}/portrait")
            with pytest.raises(MCPError):
                await client.get_prompt("what_do_you_know", {"about": "secret", "bank": name})
    assert {name: store_change(filled, name) for name in filled.banks()} == before


def store_change(store: memkit.MemoryStore, name: tuple[str, ...]) -> list[str]:
    return [memory.text for memory in store.bank(*name).list()]


def test_ten_thousand_crafted_names_give_a_bank_under_the_prefix_or_an_error(filled: memkit.MemoryStore) -> None:
    rng, served = random.Random(7), ServedBanks(filled, under=("acme",))
    given = set()
    for _ in range(10_000):
        path = "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 6)))
        try:
            given.add(served.bank(Caller(), path, "read").name)
        except (ForbiddenError, InputError):
            continue
    assert given == {("acme", "ana")}


async def test_with_one_bank_no_tool_takes_a_bank_and_none_lists_them(filled: memkit.MemoryStore) -> None:
    async with in_process(ServedBanks(filled, only=("acme", "ana"))) as client:
        tools = (await client.list_tools()).tools
        assert all("bank" not in tool.input_schema["properties"] for tool in tools)
        assert "list_banks" not in {tool.name for tool in tools}
        assert "4711" in (await call(client, "recall", query="What is the vault code?"))["block"]
        assert "bank" in await refusal(client, "recall", query="secret", bank="other/ana")


async def test_a_server_that_only_reads_offers_no_other_tool(filled: memkit.MemoryStore) -> None:
    async with in_process(ServedBanks(filled, read_only=True)) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {"recall", "portrait", "history", "list_banks"}
        assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["what_do_you_know"]
        with pytest.raises(MCPError, match="no such tool"):
            await client.call_tool("remember", {"facts": ["x."], "bank": "acme/ana"})


async def test_a_bank_that_is_not_there_is_told_and_made_by_remembering(store: memkit.MemoryStore) -> None:
    async with in_process(ServedBanks(store, under=("acme",))) as client:
        assert "list_banks" in await refusal(client, "recall", query="anything", bank="acme/bob")
        assert store.banks() == []
        await call(client, "remember", facts=["Bob likes tea."], bank="acme/bob")
        assert (await call(client, "list_banks"))["banks"] == ["acme/bob"]


async def test_many_banks_come_in_pages(store: memkit.MemoryStore) -> None:
    for number in range(120):
        store.bank("acme", f"{number:03}").insert("A fact.")
    async with in_process(ServedBanks(store)) as client:
        names, cursor = [], {}
        while True:
            page = await call(client, "list_banks", **cursor)
            names += page["banks"]
            if "next_cursor" not in page:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert names == [f"acme/{number:03}" for number in range(120)]
        first = await client.list_resources()
        second = await client.list_resources(cursor=first.next_cursor)
        assert (len(first.resources), len(second.resources), second.next_cursor) == (100, 20, None)


def test_one_bank_with_a_prefix_and_an_impossible_name_are_refused(store: memkit.MemoryStore) -> None:
    with pytest.raises(UnknownOptionError, match="not both"):
        ServedBanks(store, only=("acme", "ana"), under=("acme",))
    with pytest.raises(InvalidNameError):
        ServedBanks(store, only=("acme", ""))
