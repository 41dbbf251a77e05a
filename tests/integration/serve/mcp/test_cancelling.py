"""Cancelling stops work between two steps: what was done stays done, the rest waits, and nothing more is sent."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_sessions import ERAS, call, in_process, over_http, served_over_http

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.serve.mcp.served_banks import ServedBanks

EXCHANGES = 40


class PatientThinker:
    """A thinker that takes its time, and counts what it was asked."""

    name = "patient"

    def __init__(self) -> None:
        self.asked = 0
        self.begun = threading.Event()

    def think(self, task: Task) -> list[Proposal]:
        self.asked += 1
        self.begun.set()
        threading.Event().wait(0.05)
        return []


def tell(bank: memkit.MemoryBank) -> None:
    for number in range(EXCHANGES):
        question = memkit.Turn(f"I think of number {number}", "Ana", role="user", session=str(number))
        bank.observe([question, memkit.Turn("I see.", "bot", role="assistant", session=str(number))])


def waiting(store: memkit.MemoryStore) -> int:
    return int(next(iter(store.stats()["banks"].values()))["queue"]["waiting"])


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["in process", "http"])
async def test_a_cancelled_thinking_stops_after_the_exchange_at_hand(transport: str, era: str, path: Path) -> None:
    thinker = PatientThinker()
    with memkit.open(path, encoder=HashingEncoder(), thinker=thinker) as store:
        bank = store.bank("acme", "ana")
        tell(bank)
        served = ServedBanks(store, only=bank.name)
        if transport == "http":
            with served_over_http(served) as url:
                async with over_http(url, era) as client:
                    await cancel_thinking(client, thinker)
        else:
            async with in_process(served, era) as client:
                await cancel_thinking(client, thinker)
        asked = thinker.asked
        assert asked < EXCHANGES
        assert waiting(store) == EXCHANGES - asked
        bank.think()
        assert (thinker.asked, waiting(store)) == (EXCHANGES, 0)


async def cancel_thinking(client: Any, thinker: PatientThinker) -> None:
    """Cancel a thinking that has begun; the session goes on, and nothing more is thought."""
    steps: list[float] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        steps.append(done)

    async with anyio.create_task_group() as tasks:

        async def think() -> None:
            await client.call_tool("think", {}, progress_callback=note)

        tasks.start_soon(think)
        await asyncio.to_thread(thinker.begun.wait, 30)
        await anyio.sleep(0.2)
        tasks.cancel_scope.cancel()
    await call(client, "recall", query="Which number?")
    asked = thinker.asked
    await anyio.sleep(0.3)
    assert thinker.asked - asked <= 1
    assert steps == sorted(steps)
