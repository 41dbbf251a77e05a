"""A recollection that was built again from an answer is the one that the library gave."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

import memkit
from memkit.serve.http.forms.recollection import RecollectionForm
from tests.support.served_life import asking, enliven

BEN_TURNS = [{"text": "I drink tea in Hamburg.", "speaker": "Ben"}, {"text": "Good for you.", "speaker": "assistant"}]
QUESTIONS: list[dict[str, Any]] = [
    {"query": "Where does Ana live?", "min_score": 0},
    {"query": "Who moved to Hamburg?", "around": 2, "k": 3},
    {"query": "What do you know about me?"},
    {"query": "Summarize everything that Ana said."},
    {"query": "What did Ana say in June?", "k": 1},
    {"query": "nothing of the kind, xylophone"},
]
WAYS: list[Callable[[memkit.Recollection], Any]] = [
    lambda recollection: recollection.prompt(600),
    lambda recollection: recollection.prompt(60),
    lambda recollection: recollection.ids,
    lambda recollection: list(recollection),
    lambda recollection: recollection[:1].prompt(600),
    lambda recollection: recollection.quotes(600),
    lambda recollection: recollection.standing,
    lambda recollection: (recollection.portrait, recollection.summaries, recollection.further, recollection.gathered),
]


@pytest.fixture
def bank(store: memkit.MemoryStore) -> memkit.MemoryBank:
    return enliven(store)


@pytest.fixture
def client(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> TestClient:
    return asking(store)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["query"])
def test_what_was_sent_shows_what_the_library_shows(
    question: dict[str, Any], bank: memkit.MemoryBank, client: TestClient
) -> None:
    here = bank.recall(**question)
    answer = client.post("/recall", json=question)
    there = RecollectionForm.model_validate_json(answer.content).recollection()
    assert [way(there) for way in WAYS] == [way(here) for way in WAYS]


def test_what_is_placed_into_a_prompt_is_told_once(bank: memkit.MemoryBank, client: TestClient) -> None:
    used: list[str] = []
    form = RecollectionForm.model_validate_json(client.post("/recall", json=QUESTIONS[1]).content)
    recollection = form.recollection(used.extend)
    recollection.prompt(600)
    recollection.prompt(600)
    assert set(recollection.ids) <= set(used)
    assert len(used) == len(set(used))


def test_hits_of_several_banks_show_the_zone_and_the_turns_of_their_own(
    store: memkit.MemoryStore, bank: memkit.MemoryBank
) -> None:
    other = store.bank("acme", "ben", zone="Asia/Tokyo")
    other.observe(BEN_TURNS)
    question = {"query": "Who lives in Hamburg?", "k": 4, "min_score": 0}
    here = store.recall(under=["acme"], **question)
    answer = asking(store, "store").post("/recall", json={**question, "under": ["acme"]})
    asked_by = dict[tuple[str, ...], list[str]]()
    there = RecollectionForm.model_validate_json(answer.content).of_banks(
        lambda name: asked_by.setdefault(name, []).extend
    )
    assert [way(there) for way in WAYS[:4]] == [way(here) for way in WAYS[:4]]
    assert {hit.bank for hit in there} == {bank.name, other.name} == set(asked_by)


def test_the_block_made_on_the_server_is_the_librarys_and_strengthens_what_it_shows(
    store: memkit.MemoryStore, bank: memkit.MemoryBank, client: TestClient
) -> None:
    question = {"query": "Who moved to Hamburg?", "k": 1}
    [hit] = bank.recall(**question)
    block = bank.recall(**question, reinforce=False).prompt(300, portrait=False)
    answer = client.post("/recall", json={**question, "prompt": {"max_tokens": 300, "portrait": False}})
    assert answer.json()["prompt"] == block
    bank.insert("Something else.")  # with which what waits is written
    stored = bank.get(hit.memory.id)
    assert stored is not None
    assert stored.strength > hit.memory.strength


def test_the_block_tells_what_is_coming_up_where_it_is_asked_for(client: TestClient) -> None:
    question = {"query": "Hamburg", "now": "2025-06-03T08:00:00Z"}
    blocks = [
        client.post("/recall", json={**question, "prompt": {"max_tokens": 900, "upcoming": upcoming}}).json()["prompt"]
        for upcoming in (False, True)
    ]
    assert ["Due soon" in block for block in blocks] == [False, True]
