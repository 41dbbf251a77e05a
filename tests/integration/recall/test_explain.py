"""Why not: each step at which a memory can fall out of a recall is named, with what would have brought it in."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import memkit
from memkit.cli.app import run
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.testing import FrozenClock

NOW = datetime(2026, 4, 1, 15, 30, tzinfo=UTC)
QUESTION = "Which tulip did I plant by the gate?"


@pytest.fixture
def bank() -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW)) as store:
        bank = store.bank("ana")
        bank.observe(
            [
                *(
                    said(f"t{n}", f"I planted tulip {n} by the gate.", days=n + 2, metadata={"bed": n})
                    for n in range(12)
                ),
                said("lisbon", "I moved to Lisbon in the spring."),
                said("bob", "The ferry to the island was late.", speaker="Bob"),
                said("ask", "Please forget what I said about the ferry."),
            ]
        )
        yield bank


def said(id: str, text: str, *, days: int = 1, speaker: str = "Ana", **more: Any) -> memkit.Turn:
    return memkit.Turn(text, speaker, role="user", id=id, at=NOW - timedelta(days=days), **more)


@pytest.mark.parametrize(
    ("query", "id", "options", "step", "helps"),
    [
        (QUESTION, "t3", {"k": 20}, "found", ""),
        (QUESTION, "nobody", {}, "unknown", "one bank"),
        (QUESTION, "t3", {"kinds": ["thought"]}, "kind", 'kinds=["turn"]'),
        (QUESTION, "t3", {"speaker": "Bob"}, "filters", "speaker="),
        (QUESTION, "t3", {"until": NOW - timedelta(days=300)}, "filters", "until="),
        (QUESTION, "t3", {"since": NOW}, "filters", "since="),
        (QUESTION, "t3", {"where": {"bed": 4}}, "filters", "where="),
        (QUESTION, "t3", {"without": ["I planted tulip 3 by the gate."]}, "filters", "without="),
        (QUESTION, "t3", {"as_of": NOW - timedelta(days=1)}, "hidden", "as_of"),
        (QUESTION, "ask", {}, "request", "bank.requests()"),
        (QUESTION, "lisbon", {"min_score": 0.5}, "floor", "min_score=0."),
        ("How do I reset a router?", "lisbon", {}, "unanswerable", "min_score=0"),
        ("What happened in 2019?", "lisbon", {}, "time", "Name its time"),
        ("What happened yesterday?", "t9", {}, "time", "Name its time"),
        ("List all the tulips that I planted by the gate.", "t3", {"k": 20}, "found", ""),
    ],
)
def test_the_step_is_named_and_what_helps(
    bank: memkit.MemoryBank, query: str, id: str, options: dict[str, Any], step: str, helps: str
) -> None:
    explanation = bank.explain(query, id, **options)
    assert explanation.step == step
    assert helps in explanation.remedy
    assert (id in bank.recall(query, **options).ids) == (step == "found")


def test_several_filters_are_named_together(bank: memkit.MemoryBank) -> None:
    explanation = bank.explain(QUESTION, "t3", speaker="Bob", where={"bed": 4})
    assert explanation.remedy == "Leave out speaker=, where=."


def test_one_ranked_below_k_is_brought_in_by_the_k_that_is_told(bank: memkit.MemoryBank) -> None:
    results = bank.recall(QUESTION, k=3).ids
    id = next(f"t{n}" for n in range(12) if f"t{n}" not in results)
    explanation = bank.explain(QUESTION, id, k=3)
    assert explanation.step == "rank"
    assert explanation.rank is not None
    assert f"k={explanation.rank} " in explanation.remedy
    assert id in bank.recall(QUESTION, k=explanation.rank).ids
    assert id not in bank.recall(QUESTION, k=explanation.rank - 1).ids


def test_its_parts_stand_beside_those_of_the_last_result(bank: memkit.MemoryBank) -> None:
    *_, last = bank.recall(QUESTION, k=3)
    explanation = bank.explain(QUESTION, "lisbon", k=3, min_score=0)
    assert explanation.last_id == last.memory.id
    assert explanation.last_parts == {name: last.why[name] for name in explanation.last_parts}
    assert explanation.lacks[0][0] in str(explanation)


def test_in_a_large_bank_what_nothing_led_to_is_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memkit.recall.search.LEXICAL_CANDIDATES", 5)
    monkeypatch.setattr("memkit.recall.search.NEIGHBOUR_ROWS", 0)
    sketched = memkit.Settings(ranking={"exact_up_to": 0, "compact_up_to": 0})
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=sketched) as store:
        bank = store.bank("ana")
        bank.observe([said(f"n{n}", f"Parcel {n} went to hall {n * 7919}.", session=str(n)) for n in range(2000)])
        steps = {bank.explain("Which hall did parcel 7 go to?", f"n{n}").step for n in range(0, 2000, 40)}
    assert "candidates" in steps


@pytest.mark.parametrize("change", ["forget", "supersede", "merge"])
def test_what_was_changed_by_hand_is_hidden_or_still_found(bank: memkit.MemoryBank, change: str) -> None:
    if change == "forget":
        bank.forget("t3", reason="wrong")
        assert "bank.restore" in bank.explain(QUESTION, "t3").remedy
    elif change == "merge":
        bank.merge(["t3", "t4"], "I planted two tulips by the gate.")
        assert bank.explain(QUESTION, "t3").step == "hidden"
    else:
        bank.supersede("t3", "I planted a rose by the gate.")
        assert bank.explain(QUESTION, "t3", k=20).step == "found"


def test_an_echo_is_stood_for_by_the_first(bank: memkit.MemoryBank) -> None:
    bank.observe([said("again", "I planted tulip 3 by the gate.", days=0)])
    explanation = bank.explain(QUESTION, "again")
    assert explanation.step == "echo"
    assert "t3" in explanation.remedy


def test_a_thought_is_shown_with_its_turn(bank: memkit.MemoryBank) -> None:
    bank.insert(
        [
            memkit.Memory(
                id="th",
                kind="thought",
                text="Ana moved to Lisbon.",
                occurred_at=NOW,
                recorded_at=NOW,
                sources=("lisbon",),
            )
        ]
    )
    assert bank.explain("Where did I move?", "th", min_score=0).step == "attached"


def test_an_empty_question_is_refused(bank: memkit.MemoryBank) -> None:
    with pytest.raises(InputError, match="explain"):
        bank.explain(" ", "t3")


def test_an_explanation_is_frozen(bank: memkit.MemoryBank) -> None:
    with pytest.raises(ValidationError):
        bank.explain(QUESTION, "t3").step = "rank"  # type: ignore[misc]


def test_it_strengthens_nothing(bank: memkit.MemoryBank) -> None:
    bank.explain(QUESTION, "t3")
    bank.observe([("Ana", "Good night.")])
    assert not any(memory.recall_count for memory in bank.list())


def test_a_bank_without_anything_knows_no_id() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        assert store.bank("empty").explain(QUESTION, "t3").step == "unknown"


def test_it_can_be_awaited(bank: memkit.MemoryBank) -> None:
    assert asyncio.run(_awaited(bank)) == "found"


async def _awaited(bank: memkit.MemoryBank) -> str:
    return (await bank.aio.explain(QUESTION, "t3", k=20)).step


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_line_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    file = tmp_path / "m.db"
    with memkit.open(file, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([said("lisbon", "I moved to Lisbon in the spring.")])
    arguments = ["recall", "ana", "Lisbon?", "--explain", "lisbon", "--kind", "thought", "--db", str(file)]
    with pytest.raises(SystemExit) as stop:
        run([*arguments, "--encoder", "hashing", *(["--json"] if as_json else [])])
    output = capsys.readouterr().out
    assert stop.value.code == 0
    assert (json.loads(output)["step"] == "kind") if as_json else output.startswith("lisbon: kind.")
