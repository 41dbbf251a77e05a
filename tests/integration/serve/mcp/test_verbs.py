"""The verbs over MCP leave a bank as the library's own do."""

from collections.abc import Sequence
from typing import Any

from mcp_sessions import call, in_process

import memkit
from memkit.models import MEMORY_STATES
from memkit.serve.mcp.served_banks import ServedBanks

SAID = [
    {"speaker": "Ana", "role": "user", "text": "I moved to Lisbon in May. I can't eat nuts."},
    {"speaker": "bot", "role": "assistant", "text": "I see."},
    {"speaker": "Ana", "role": "user", "text": "My sister Rita visits on Thursday. Always answer in Spanish."},
]
FACTS = ["The project builds with Bazel 7.", "The vault code is 4711."]


def by_library(bank: memkit.MemoryBank) -> None:
    bank.observe([{**turn, "session": "first"} for turn in SAID])
    built, vault = bank.insert(FACTS).ids
    bank.think()
    bank.reflect()
    bank.correct(built, "The project builds with Buck 2.")
    bank.forget([vault], reason="it was a trial")
    bank.erase(bank.plan_erase(about="Rita"), requested_by="Ana")


async def by_mcp(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    async with in_process(ServedBanks(store, only=bank.name)) as client:
        await call(client, "remember", turns=SAID, session="first")
        built, vault = [o["id"] for o in (await call(client, "remember", facts=FACTS))["outcomes"]]
        await call(client, "think")
        await call(client, "correct", id=built, text="The project builds with Buck 2.")
        await call(client, "forget", ids=[vault], reason="it was a trial")
        plan = await call(client, "plan_erase", about="Rita")
        await call(client, "erase", plan_id=plan["plan_id"], requested_by="Ana")


def contents(bank: memkit.MemoryBank) -> Sequence[Any]:
    memories = bank.list(states=MEMORY_STATES)
    return sorted((m.kind, m.state, m.text, m.speaker, m.role, m.session, m.author, m.pinned) for m in memories)


async def test_the_same_verbs_by_the_library_and_over_mcp_leave_the_same(store: memkit.MemoryStore) -> None:
    one, other = store.bank("library"), store.bank("mcp")
    by_library(one)
    await by_mcp(store, other)
    assert contents(one) == contents(other)
    receipts = [[(r.counts, r.requested_by, len(r.remade)) for r in store.receipts(bank.name)] for bank in (one, other)]
    assert receipts[0] == receipts[1]
    for question in ("What does the project build with?", "What can't Ana eat?", "When does Rita visit?"):
        hits = one.recall(question, reinforce=False)
        async with in_process(ServedBanks(store, only=other.name)) as client:
            recalled = await call(client, "recall", query=question)
        assert [m["text"] for m in recalled["memories"]] == [hit.memory.text for hit in hits]
        assert recalled["block"] == hits.prompt(2_000)
