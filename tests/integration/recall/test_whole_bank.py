"""Questions about the whole bank: many turns answer, in the order of time; the prompt says what it left out."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.formats.jsonl import read_jsonl
from memkit.evaluation.texts import CONVERSATIONS_FOLDER
from memkit.testing import FrozenClock

NOW = datetime(2026, 4, 1, 15, 30, tzinfo=UTC)
STEPS = 24
LEFT_OUT = re.compile(r"\(left out for room: (\d+) more turns? on this\)")
QUESTIONS = Path(__file__).parents[2] / "data" / "whole_bank" / "assistant-questions.jsonl"


@pytest.fixture
def bank() -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as store:
        bank = store.bank("ana")
        for step in range(STEPS):
            at = NOW - timedelta(days=2 * (STEPS - step))
            bank.observe(
                [
                    memkit.Turn(f"Step {step} of the greenhouse: pane {step * 3} is set.", "Ana", role="user", at=at),
                    memkit.Turn(
                        f"Greenhouse noted, pane {step * 3}.", "Bot", role="assistant", at=at + timedelta(minutes=1)
                    ),
                    memkit.Turn(f"Lunch was soup number {step}.", "Ana", role="user", at=at + timedelta(hours=3)),
                ]
            )
        yield bank


@pytest.mark.parametrize("question", ["Summarise the greenhouse.", "In which order did the greenhouse panes go?"])
def test_hits_are_about_the_topic_and_in_the_order_of_time(bank: memkit.MemoryBank, question: str) -> None:
    hits = bank.recall(question, k=12)
    moments = [hit.memory.occurred_at for hit in hits]
    assert len(hits) == 12
    assert moments == sorted(moments)
    assert all("reenhouse" in hit.memory.text for hit in hits)


def test_what_people_told_comes_before_what_an_assistant_says_of_it(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("List all steps of the greenhouse.", k=STEPS)
    assert {hit.memory.speaker for hit in hits} == {"Ana"}


@pytest.mark.parametrize("tokens", [300, 600, 1200])
def test_the_prompt_shows_as_many_as_fit_and_says_how_many_it_left_out(bank: memkit.MemoryBank, tokens: int) -> None:
    hits = bank.recall("Summarise the greenhouse.", k=3)
    text = hits.prompt(tokens, count_tokens=lambda part: len(part) // 4)
    shown = text.count("pane ")
    left_out = LEFT_OUT.search(text)
    assert shown > 3
    assert len(text) // 4 <= tokens
    assert (int(left_out[1]) if left_out else 0) == hits.gathered - shown


def test_a_prompt_that_left_nothing_out_says_nothing(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("Summarise the greenhouse.", k=3)
    assert hits.gathered <= 60
    assert not LEFT_OUT.search(hits.prompt(20_000))


def test_a_question_about_a_time_takes_the_same_path(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("What happened in the past 10 days?", k=2)
    text = hits.prompt(200, count_tokens=lambda part: len(part) // 4)
    assert (len(hits), hits.gathered) == (2, 15)
    assert LEFT_OUT.search(text)


def test_without_a_topic_the_most_telling_of_all_times_answer(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("Summarise everything.", k=6)
    days = {hit.memory.occurred_at.date() for hit in hits}
    assert len(days) == 6
    assert hits.gathered == 3 * STEPS


@pytest.mark.parametrize("question", ["Summarise what we did about the moon landing.", "List all my yoga teachers."])
def test_of_what_a_bank_does_not_know_it_gives_nothing(bank: memkit.MemoryBank, question: str) -> None:
    assert list(bank.recall(question)) == []


def test_a_slice_shows_its_own_hits_alone(bank: memkit.MemoryBank) -> None:
    text = bank.recall("Summarise the greenhouse.", k=6)[:2].prompt(4000)
    assert text.count("Step ") == 2
    assert not LEFT_OUT.search(text)


def test_an_ordinary_question_has_nothing_further(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("Which pane was step 7 of the greenhouse?", k=3)
    assert hits.gathered == 0
    assert not LEFT_OUT.search(hits.prompt(100))


def test_what_further_turns_show_grows_stronger_too(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("Summarise the greenhouse.", k=1)
    hits.prompt(20_000)
    bank.observe([("Ana", "Good night.")])
    assert sum(memory.recall_count for memory in bank.list(limit=200)) > 1


def test_summaries_about_the_topic_go_before_the_turns() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as store:
        bank = store.bank("ana")
        for day in range(20):
            thing = "boat was painted and its mast" if day < 10 else "orchard was pruned and its fence"
            at = NOW - timedelta(days=40 - day)
            bank.observe(
                memkit.Turn(f"The {thing} mended, part {day + n}.", "Ana", role="user", at=at) for n in range(3)
            )
        bank.reflect()
        hits = bank.recall("Summarise the boat and its mast.")
        days = bank.list(["summary"], limit=100)
        assert any("orchard" in summary.text and "boat" not in summary.text for summary in days)
        assert hits.summaries
        assert all("boat" in summary.text for summary in hits.summaries)
        assert "boat" in hits.prompt(400, portrait=False).split("\n")[2]


def test_filters_hold_for_all_that_is_gathered(bank: memkit.MemoryBank) -> None:
    hits = bank.recall("Summarise the greenhouse.", k=2, until=NOW - timedelta(days=30), kinds=["turn"])
    assert hits.gathered
    assert all(hit.memory.occurred_at < NOW - timedelta(days=30) for hit in (*hits, *hits.further))


def test_every_question_of_the_set_has_evidence_that_tells_a_step() -> None:
    conversation = read_jsonl(CONVERSATIONS_FOLDER / "assistant-conversation.jsonl", QUESTIONS)
    texts = {turn.id: turn.text for turn in conversation.turns}
    lines = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    assert len(conversation.questions) == len(lines) == 30
    assert all(t in texts[e] for line in lines for t, e in zip(line["told"], line["evidence"], strict=True))
