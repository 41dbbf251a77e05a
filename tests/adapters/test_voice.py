"""What voices' adapters share: recall against a clock, writing in order beside the talk; no framework is needed."""

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from memkit_adapters.voice import VoiceMemory, VoiceOptions

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing.adapters.contract import damage

PET_TEXT = "My hamster is called Quillfeather."
QUESTION_TEXT = "What is my hamster called?"
AMPLE_MS = 10_000  # where a test is not about the budget


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[memkit.MemoryBank]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
        yield store.bank("app", "ana")


class SlowBank:
    """A bank whose recall takes a while, and observing, too."""

    def __init__(self, bank: memkit.MemoryBank, seconds: float) -> None:
        self._bank, self._seconds = bank, seconds

    def __getattr__(self, name: str) -> Any:
        time.sleep(self._seconds)
        return getattr(self._bank, name)


def voice_of(bank: Any, **options: Any) -> VoiceMemory:
    return VoiceMemory(lambda: bank, "call", VoiceOptions(**{"speaker": "Ana", "budget_ms": AMPLE_MS, **options}))


def said(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": text}


async def test_a_turn_is_shown_what_answers_it_and_not_what_it_holds_itself(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", PET_TEXT)])
    assert "Quillfeather" in await voice_of(bank).block(QUESTION_TEXT, [said(QUESTION_TEXT)], "1")
    assert await voice_of(bank).block(QUESTION_TEXT, [said(PET_TEXT), said(QUESTION_TEXT)], "1") == ""


async def test_a_turn_waits_no_longer_than_its_budget_and_the_log_says_so_without_text(
    bank: memkit.MemoryBank, caplog: pytest.LogCaptureFixture
) -> None:
    bank.observe([("Ana", PET_TEXT)])
    voice = voice_of(SlowBank(bank, 0.3), budget_ms=20)
    with caplog.at_level(logging.WARNING, "memkit"):
        assert await voice.block(QUESTION_TEXT, [], "turn 7") == ""
    assert caplog.messages == ["memkit: recall took more than 20 ms, the turn goes on without it (message turn 7)"]


async def test_what_was_late_is_there_when_the_same_turn_asks_again(bank: memkit.MemoryBank) -> None:
    bank.observe([("Ana", PET_TEXT)])
    voice = voice_of(SlowBank(bank, 0.2), budget_ms=20)
    assert await voice.block(QUESTION_TEXT, [], "1") == ""
    await asyncio.sleep(0.6)
    assert "Quillfeather" in await voice.block(QUESTION_TEXT, [], "1")


async def test_what_is_heard_is_stored_in_order_and_nobody_waits_for_it(bank: memkit.MemoryBank) -> None:
    voice = voice_of(SlowBank(bank, 0.02))
    for number in range(5):
        voice.hear([said(f"line {number}", "assistant" if number % 2 else "user") | {"id": f"m{number}"}], ["1"])
    assert len(bank.session("call")) < 5
    await voice.written()
    turns = bank.session("call")
    assert [turn.text for turn in turns] == [f"line {number}" for number in range(5)]
    assert {turn.speaker for turn in turns} == {"Ana", "assistant"}


async def test_what_is_heard_again_is_not_stored_again_and_what_was_erased_stays_away(bank: memkit.MemoryBank) -> None:
    voice, talk = voice_of(bank), [said("Hello."), said("Hi.", "assistant"), said(PET_TEXT)]
    voice.hear(talk, ["1", "2", "3"])
    await voice.written()
    bank.erase(ids=[bank.session("call")[0].id])
    voice.hear(talk, ["1", "2", "3"])
    await voice.written()
    assert [turn.text for turn in bank.session("call")] == ["Hi.", PET_TEXT]


async def test_a_memory_that_fails_is_logged_and_fails_nobody(
    bank: memkit.MemoryBank, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bank.observe([("Ana", "hello")])
    damage(tmp_path / "memory.db")
    voice = voice_of(bank)
    with caplog.at_level(logging.WARNING, "memkit"):
        assert await voice.block(QUESTION_TEXT, [], "1") == ""
        voice.hear([said(PET_TEXT)], ["turn 8"])
        await voice.written()
    assert "recall failed" in caplog.text
    assert "observe failed (messages turn 8)" in caplog.text
    assert "Quillfeather" not in caplog.text
