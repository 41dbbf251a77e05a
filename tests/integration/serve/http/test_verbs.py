"""Every verb over HTTP answers what the library gives, asked of a copy of the same bank."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic_core import to_jsonable_python

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.serve.http.openapi import document, operations
from memkit.testing import FrozenClock
from tests.support.served_life import BANK_PATH, LIVED_TURNS, enliven
from tests.support.serving import serving

QUESTION = "Who moved to Hamburg?"
FOUR_DAYS = timedelta(days=4)
NEW_TURNS = [{"text": "I bought a piano.", "speaker": "Ana", "session": "friday", "id": "p1"}, ["Ana", "It is black."]]
CHANGED_BY_CHANCE = {
    "id",
    "ids",
    "erased",
    "derived",
    "remade",
    "hash",
    "previous",
    "sources",
    "superseded_by",
    "receipt",
}
Verb = Callable[[memkit.MemoryBank], Any]


@pytest.fixture
def served(store: memkit.MemoryStore) -> memkit.MemoryBank:
    return enliven(store)


@pytest.fixture
def twin(
    served: memkit.MemoryBank, store: memkit.MemoryStore, clock: FrozenClock, tmp_path: Path
) -> Iterator[memkit.MemoryBank]:
    store.backup(tmp_path / "copy.db")
    with memkit.open(tmp_path / "copy.db", encoder=HashingEncoder(), clock=clock) as opened:
        yield opened.bank(*served.name)


@pytest.fixture
def client(served: memkit.MemoryBank, store: memkit.MemoryStore) -> Iterator[httpx.Client]:
    with serving(create_app(store)) as url, httpx.Client(base_url=f"{url}/v1/bank", timeout=60) as opened:
        yield opened


def a_thought(bank: memkit.MemoryBank) -> str:
    return bank.list(["thought"])[0].id


READING: dict[str, tuple[dict[str, Any], Verb]] = {
    "zone": ({}, lambda bank: bank.zone),
    "get": ({"id": "own id"}, lambda bank: bank.get("own id")),
    "history": ({"id": "own id"}, lambda bank: bank.history("own id")),
    "portrait": ({}, lambda bank: bank.portrait()),
    "mood": ({}, lambda bank: bank.mood()),
    "beliefs": ({}, lambda bank: bank.beliefs()),
    "standing": ({}, lambda bank: bank.standing()),
    "upcoming": ({"now": "2025-06-03", "within": "P4D"}, lambda bank: bank.upcoming("2025-06-03", FOUR_DAYS)),
    "requests": ({}, lambda bank: bank.requests()),
    "window": ({"budget": 120, "session": "monday"}, lambda bank: vars(bank.window(120, session="monday"))),
    "session": ({"session": "monday", "last": 2}, lambda bank: bank.session("monday").last(2)),
    "get_item": ({"key": "note/1"}, lambda bank: bank.get_item("note/1")),
    "list": (
        {"kinds": ["turn", "thought"], "limit": 3, "order": "-occurred_at", "since": "2025-01-01"},
        lambda bank: {
            "memories": list(page := bank.list(["turn", "thought"], limit=3, order="-occurred_at", since="2025-01-01")),
            "next": page.next,
        },
    ),
}
TELLING: dict[str, tuple[Callable[[memkit.MemoryBank], dict[str, Any]], Verb]] = {
    "repeated": (lambda _: {"turns": LIVED_TURNS[3:4]}, lambda bank: bank.repeated(bank.read(LIVED_TURNS[3:4]))),
    "explain": (lambda _: {"query": QUESTION, "id": "own id"}, lambda bank: bank.explain(QUESTION, "own id")),
    "reinforce": (lambda _: {"ids": ["own id", "gone"]}, lambda bank: bank.reinforce(["own id", "gone"])),
    "observe": (lambda _: {"turns": NEW_TURNS}, lambda bank: bank.observe(NEW_TURNS)),
    "think": (lambda _: {}, lambda bank: bank.think()),
    "reflect": (lambda _: {}, lambda bank: bank.reflect()),
    "insert": (lambda _: {"items": ["Ana plays the piano."]}, lambda bank: bank.insert("Ana plays the piano.")),
    "merge": (
        lambda bank: {"ids": [a_thought(bank)], "text": "Ana lives by the sea."},
        lambda bank: bank.merge([a_thought(bank)], "Ana lives by the sea."),
    ),
    "supersede": (
        lambda bank: {"id": a_thought(bank), "text": "Ana lives in Bremen."},
        lambda bank: bank.supersede(a_thought(bank), "Ana lives in Bremen."),
    ),
    "correct": (
        lambda bank: {"id": a_thought(bank), "text": "Ana lives in Bremen."},
        lambda bank: bank.correct(a_thought(bank), "Ana lives in Bremen."),
    ),
    "pin": (lambda _: {"id": "own id"}, lambda bank: bank.pin("own id")),
    "forget": (lambda _: {"ids": ["own id"], "reason": "over"}, lambda bank: bank.forget("own id", reason="over")),
    "restore": (lambda _: {"ids": ["own id"]}, lambda bank: bank.restore("own id")),
    "undo": (
        lambda bank: {"receipt": bank.pin("own id").model_dump(mode="json")},
        lambda bank: bank.undo(bank.pin("own id")),
    ),
    "rename_speaker": (lambda _: {"old": "Ana", "new": "Eva"}, lambda bank: bank.rename_speaker("Ana", "Eva")),
    "change_zone": (lambda _: {"zone": "Asia/Tokyo"}, lambda bank: bank.change_zone("Asia/Tokyo")),
    "decay": (lambda _: {"now": "2031-01-01T00:00:00Z"}, lambda bank: bank.decay("2031-01-01T00:00:00Z")),
    "put_many": (
        lambda _: {"puts": [{"key": "a", "value": [1, None]}], "delete": ["note/1"]},
        lambda bank: bank.put_many([{"key": "a", "value": [1, None]}], delete=["note/1"]),
    ),
    "refresh_item": (lambda _: {"key": "note/2"}, lambda bank: bank.get_item("note/2", refresh=True)),
    "delete_item": (lambda _: {"key": "note/1"}, lambda bank: bank.delete_item("note/1")),
    "session_extend": (
        lambda _: {"session": "friday", "turns": NEW_TURNS},
        lambda bank: bank.session("friday").extend(NEW_TURNS),
    ),
    "session_catch_up": (
        lambda _: {"session": "monday", "turns": [*LIVED_TURNS[:3], ["assistant", "Bueno."]]},
        lambda bank: bank.session("monday").catch_up([*LIVED_TURNS[:3], ["assistant", "Bueno."]]),
    ),
    "session_pop": (lambda _: {"session": "monday"}, lambda bank: bank.session("monday").pop()),
    "session_clear": (lambda _: {"session": "monday"}, lambda bank: bank.session("monday").clear()),
    "plan_erase": (lambda _: {"speaker": "Ana"}, lambda bank: bank.plan_erase(speaker="Ana")),
    "erase": (
        lambda bank: {"plan": bank.plan_erase(session="monday").model_dump(mode="json"), "requested_by": "Ana"},
        lambda bank: bank.erase(bank.plan_erase(session="monday"), requested_by="Ana"),
    ),
    "prune": (lambda _: {"dry_run": True}, lambda bank: bank.prune(dry_run=True)),
    "erase_all": (lambda _: {"confirm": ["acme", "ana"]}, lambda bank: bank.erase_all(confirm=bank.name)),
}  # fmt: skip


def comparable(value: Any) -> Any:
    """A result as JSON, without what chance or the copying decides: new ids, hashes."""
    if isinstance(value, dict):
        return {name: comparable(part) for name, part in value.items() if name not in CHANGED_BY_CHANCE | {"born"}}
    return [comparable(part) for part in value] if isinstance(value, list) else value


def as_json(value: Any) -> Any:
    return to_jsonable_python(value)


@pytest.mark.parametrize("operation", READING)
def test_reading_over_http_answers_what_the_library_gives(
    operation: str, client: httpx.Client, twin: memkit.MemoryBank
) -> None:
    query, verb = READING[operation]
    answer = client.get(f"/{operation}", params={"bank": BANK_PATH, **query})
    assert answer.status_code == 200, answer.text
    assert answer.json() == as_json(verb(twin))


@pytest.mark.parametrize("operation", TELLING)
def test_a_verb_over_http_does_and_answers_what_the_library_does(
    operation: str, client: httpx.Client, served: memkit.MemoryBank, twin: memkit.MemoryBank
) -> None:
    body, verb = TELLING[operation]
    answer = client.post(f"/{operation}", params={"bank": BANK_PATH}, json=body(served))
    assert answer.status_code == 200, answer.text
    assert comparable(answer.json()) == comparable(as_json(verb(twin)))
    assert texts(served) == texts(twin)


def texts(bank: memkit.MemoryBank) -> list[tuple[str, str, str | None]]:
    return [
        (memory.text, memory.state, memory.speaker)
        for memory in bank.list(states=["active", "superseded", "forgotten"])
    ]


@pytest.mark.parametrize(
    "operation", [name for name in ("plan_erase", "repeated", "explain", *READING) if name != "history"]
)
def test_asking_makes_no_bank(
    operation: str, client: httpx.Client, served: memkit.MemoryBank, store: memkit.MemoryStore
) -> None:
    if operation in READING:
        answer = client.get(f"/{operation}", params={**READING[operation][0], "bank": "acme/nobody"})
    else:
        answer = client.post(f"/{operation}", params={"bank": "acme/nobody"}, json=TELLING[operation][0](served))
    assert answer.status_code == 200, answer.text
    assert store.banks() == [served.name]


def test_no_verb_of_a_bank_is_left_out_of_this_comparison() -> None:
    compared = {*READING, *TELLING, "recall", "observe_stream"}
    assert {
        op["operationId"] for op in operations(document()) if not op["operationId"].startswith("store_")
    } == compared
