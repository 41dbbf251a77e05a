"""Entity tags: an answer that a caller has isn't sent again, as long as it is right."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

import memkit
from memkit.testing import FrozenClock
from tests.support.served_life import asking, enliven

TAGGED_VERBS = [("get", {"id": "own id"}), ("list", {"kinds": "turn"}), ("portrait", {}), ("history", {"id": "own id"})]


@pytest.fixture
def client(store: memkit.MemoryStore) -> TestClient:
    enliven(store)
    return asking(store)


@pytest.mark.parametrize(("operation", "query"), TAGGED_VERBS)
def test_an_answer_that_is_still_right_is_not_sent_again(
    operation: str, query: dict[str, str], client: TestClient, store: memkit.MemoryStore
) -> None:
    first = client.get(f"/{operation}", params=query)
    again = client.get(f"/{operation}", params=query, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    store.bank("acme", "ana").pin("own id")
    changed = client.get(f"/{operation}", params=query, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_answers_to_other_questions_have_other_tags(client: TestClient) -> None:
    tags = [client.get("/list", params={"limit": limit}).headers["etag"] for limit in (1, 2)]
    assert len(set(tags)) == 2


def test_use_that_changes_a_memory_changes_its_tag(client: TestClient, store: memkit.MemoryStore) -> None:
    before = client.get("/get", params={"id": "own id"})
    assert client.post("/reinforce", json={"ids": ["own id"]}).json() == 1
    store.bank("acme", "ana").insert("Something else.")  # with which what waits is written
    after = client.get("/get", params={"id": "own id"}, headers={"If-None-Match": before.headers["etag"]})
    assert after.json()["strength"] > before.json()["strength"]


def test_a_bank_that_was_erased_and_made_anew_has_no_tag_of_before(
    client: TestClient, store: memkit.MemoryStore
) -> None:
    bank = store.bank("acme", "ben")
    tags = []
    for _ in range(2):
        bank.observe([{"text": "I had soup.", "speaker": "Ben"}])
        tags.append(client.get("/list", params={"bank": "acme/ben"}).headers["etag"])
        bank.erase_all(confirm=bank.name)
    assert len(set(tags)) == 2


def test_an_item_whose_time_passes_is_never_taken_for_still_there(
    client: TestClient, store: memkit.MemoryStore, clock: FrozenClock
) -> None:
    questions = [("get", {"id": "item:note/2"}), ("list", {"kinds": "item"})]
    first = [client.get(f"/{operation}", params=query) for operation, query in questions]
    clock.advance(timedelta(days=1))
    for (operation, query), before in zip(questions, first, strict=True):
        after = client.get(f"/{operation}", params=query, headers={"If-None-Match": before.headers.get("etag", '"x"')})
        assert after.status_code == 200
        assert after.json() != before.json()


def test_recall_has_no_tag(client: TestClient) -> None:
    assert "etag" not in client.post("/recall", json={"query": "Hamburg"}).headers


def test_no_cache_that_others_share_keeps_an_answer(client: TestClient) -> None:
    answers = {
        name: client.get(f"/{name}", params=query)
        for name, query in [*TAGGED_VERBS, ("zone", {}), ("history", {"id": "?"})]
    }
    kept = {name: answer.headers["cache-control"] for name, answer in answers.items()}
    assert kept == {
        "get": "private, no-cache", "list": "private, no-cache", "portrait": "private, no-cache", "zone": "no-store",
        "history": "no-store",
    }  # fmt: skip
