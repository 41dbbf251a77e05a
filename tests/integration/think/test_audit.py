"""Self-care: what a bank should not hold is found, told without text, put right, and can be brought back."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from scripted_model import ScriptedModel

import memkit
from memkit.cli import main
from memkit.encoders.hashing import HashingEncoder
from memkit.evaluation.formats.jsonl import read_turns
from memkit.evaluation.texts import CONVERSATIONS_FOLDER
from memkit.flows.audit import AuditReport
from memkit.identifiers import uuid7
from memkit.models import Memory
from memkit.operations import Insert
from memkit.testing import FrozenClock

START_TIME = datetime(2025, 6, 2, 12, tzinfo=UTC)


def thought(text: str, days: int = 0, **fields: Any) -> Memory:
    at = START_TIME + timedelta(days=days)
    given = {
        "id": uuid7(START_TIME),
        "kind": "thought",
        "author": "thinker",
        "occurred_at": at,
        "recorded_at": START_TIME,
        "speaker": "Ana",
    }
    return Memory.model_validate({**given, **fields, "text": text})


def put(bank: memkit.MemoryBank, *memories: Memory) -> None:
    """Store memories as they are, those too that the ordinary ways in refuse."""
    ctx = bank._context
    entries = ctx.services.indexer.entry(ctx.ensure(), memories)
    ctx.storage.apply(
        ctx.ensure().number, [Insert(m, t) for m, t in zip(memories, entries, strict=True)], at=START_TIME
    )


LIVES_IN: dict[str, Any] = {"head": "Ana", "relation": "lives in"}


@pytest.fixture
def messy(bank: memkit.MemoryBank) -> memkit.MemoryBank:
    bank.observe([memkit.Turn("I live in Porto by the river", "Ana", id="t1", at=START_TIME)])
    bank.observe([memkit.Turn("Forget that I said this", "Ana", id="t2", at=START_TIME)])
    on_it: dict[str, Any] = {"sources": ("t1",)}
    put(
        bank,
        thought("Ana likes green tea.", **on_it),
        thought("ana likes green tea", **on_it),
        thought("Ana plays the piano every evening with friends in a small band.", **on_it),
        thought("Ana plays the piano every evening with friends in a small jazz band.", **on_it),
        thought("Ana wakes at 7:15 every single working day.", **on_it),
        thought("Ana wakes at 7:45 every single working day.", **on_it),
        thought("Ana lives in Lisbon.", 1, tail="Lisbon", **LIVES_IN, **on_it),
        thought("Ana lives in Porto.", 2, tail="Porto", **LIVES_IN, **on_it),
        thought("Ana has a secret.", sources=("t2",)),
        thought("Ana came from nowhere."),
        thought("Ana imported this.", author="import"),
    )
    bank.forget("t2", reason="asked for")
    for n in range(4):
        bank.observe([memkit.Turn("Ana likes green tea.", "bot", role="assistant", at=START_TIME + timedelta(hours=n))])
    return bank


def only(store: memkit.MemoryStore, **options: Any) -> AuditReport:
    [report] = store.audit(**options)
    return report


EXPECTED_FLAWS = {
    "copies": 1,
    "near copies": 1,
    "contradictions": 1,
    "orphans": 1,
    "without sources": 1,
    "recall loops": 4,
    "junk": 0,
}


def test_every_flaw_is_found_once_and_what_only_looks_alike_is_none(
    store: memkit.MemoryStore, messy: memkit.MemoryBank
) -> None:
    report = only(store)
    assert report.counts == EXPECTED_FLAWS
    assert "Ana" not in report.model_dump_json()


def test_fixing_leaves_nothing_to_find_keeps_sources_and_can_be_undone(
    store: memkit.MemoryStore, messy: memkit.MemoryBank
) -> None:
    states = ("active", "superseded", "merged", "archived", "forgotten")
    before = {m.id: (m.state, m.superseded_by, m.valid_until) for m in messy.list(states=states)}
    receipt = only(store, fix=True).receipt
    assert receipt is not None
    assert sum(only(store).counts.values()) == 0
    assert [m.tail for m in messy.beliefs()["Ana"]["lives in"]] == ["Porto"]
    assert all(m.sources == ("t1",) for m in messy.list(kinds=["thought"]) if m.author == "thinker")
    assert store.doctor() == []
    messy.undo(receipt)
    after = {m.id: (m.state, m.superseded_by, m.valid_until) for m in messy.list(states=states)}
    assert {id: after[id] for id in before} == before
    assert only(store).counts == EXPECTED_FLAWS


def test_a_contradiction_never_goes_against_the_user(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    put(
        bank,
        thought("Ana lives in Porto.", 0, tail="Porto", author="user", **LIVES_IN),
        thought("Ana lives in Rome.", 9, tail="Rome", author="import", **LIVES_IN),
    )
    only(store, fix=True)
    assert [m.tail for m in bank.beliefs()["Ana"]["lives in"]] == ["Porto"]


def test_thoughts_from_turns_that_tell_nothing_are_junk(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    put(
        bank,
        thought("hmm", kind="turn", author="observer", id="t1", salience=0.5),
        thought("Ana says hmm.", sources=("t1",)),
    )
    assert only(store).counts["junk"] == 1


def test_the_command_shows_examples_fixes_and_then_finds_nothing(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with memkit.open(path, encoder=HashingEncoder(), clock=FrozenClock(START_TIME)) as store:
        put(store.bank("ana"), *(thought(text, author="import") for text in ("Ana likes tea.", "Ana likes tea!")))

    def run(*more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main(["audit", "--db", str(path), *more])
        return int(stop.value.code or 0), capsys.readouterr().out

    code, out = run()
    assert code == 3
    assert "Ana likes tea" in out
    code, out = run("--json")
    assert code == 3
    assert "likes" not in out
    assert run("--fix")[0] == 0
    code, out = run()
    assert code == 0
    assert "0 flaws" in out


@pytest.mark.parametrize("name", ["conversation", "assistant-conversation"])
def test_at_most_one_in_a_hundred_thoughts_of_a_demo_is_a_near_copy(store: memkit.MemoryStore, name: str) -> None:
    turns = read_turns(CONVERSATIONS_FOLDER / f"{name}.jsonl")
    for start in range(0, len(turns), 200):  # heard in parts, thought about in between, then all of it once more
        store.bank("demo").observe(turns[start : start + 200])
        store.bank("demo").think()
    again = [memkit.Turn(turn.text, turn.speaker, role=turn.role, at=START_TIME) for turn in turns]
    store.bank("demo").observe(again)
    store.bank("demo").think()
    report = only(store)
    copies = report.counts["copies"] + report.counts["near copies"]
    print(f"\n{name}: {report.thoughts} thoughts, {report.counts}")
    assert report.thoughts >= 5
    assert copies <= 0.01 * report.thoughts


def talkative(messages: list[BaseMessage]) -> str:
    """A model that makes a thought of everything that anybody says, known or not."""
    turns = re.findall(r'^\d+\. \[.*?\] (.+?) \((?:person|user)\): "(.*)"$', str(messages[1].text), re.MULTILINE)
    return json.dumps([{"op": "insert", "text": f"{who} said: {said[:300]}", "speaker": who} for who, said in turns])


def test_even_a_model_that_keeps_everything_leaves_few_near_copies(path: Path) -> None:
    model = ScriptedModel(answering=talkative)
    with memkit.open(path, encoder=HashingEncoder(), thinker=model, clock=FrozenClock(START_TIME)) as store:
        bank = store.bank("demo")
        turns = read_turns(CONVERSATIONS_FOLDER / "conversation.jsonl")
        for variant in ("{}", "{}!", "Well, {}"):
            bank.observe(
                [memkit.Turn(variant.format(t.text), t.speaker, session=variant, at=START_TIME) for t in turns]
            )
            bank.think()
        report = only(store)
        copies = report.counts["copies"] + report.counts["near copies"]
        print(f"\nall of it three times over: {report.thoughts} thoughts, {report.counts}")
        assert report.thoughts > 300
        assert copies <= 0.01 * report.thoughts
