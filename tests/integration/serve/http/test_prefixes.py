"""Rights under a prefix: what a token of some banks may ask of the store, and of banks that aren't there yet."""

from collections.abc import Iterator

import httpx
import pytest
from serving import serving

import memkit
from memkit.access import Right
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app

SAID = [("ana", "I moved to Lisbon in May.")]


@pytest.fixture
def store() -> Iterator[memkit.MemoryStore]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        for name in (("acme", "ana"), ("other", "tom")):
            store.bank(*name).observe(SAID)
        yield store


@pytest.fixture
def address(store: memkit.MemoryStore) -> Iterator[str]:
    with serving(create_app(store)) as address:
        yield address


def client(store: memkit.MemoryStore, address: str, right: Right) -> httpx.Client:
    secret = store.access.create("test", under=[("acme",)], rights=(right,)).secret
    return httpx.Client(base_url=f"{address}/v1", headers={"Authorization": f"Bearer {secret}"})


def test_the_banks_under_a_tokens_prefix_can_be_audited_and_no_others(store: memkit.MemoryStore, address: str) -> None:
    with client(store, address, "admin") as http:
        [report] = http.post("/store/audit", json={"prefix": ["acme"]}).json()
        assert report["bank"] == ["acme", "ana"]
        for elsewhere in ({"prefix": ["other"]}, {"prefix": []}, {}):
            assert http.post("/store/audit", json=elsewhere).status_code == 403


def test_who_may_only_read_does_not_say_in_which_zone_a_bank_is_made(store: memkit.MemoryStore, address: str) -> None:
    with client(store, address, "read") as http:
        asked = {"bank": "acme/new", "zone": "Asia/Tokyo"}
        assert http.get("/bank/zone", params=asked).json() == "UTC"
    store.bank("acme", "new").observe(SAID)
    assert store.bank("acme", "new").zone == "UTC"


def test_a_path_with_a_slash_behind_it_leads_to_no_verb(address: str) -> None:
    answer = httpx.get(f"{address}/v1/bank/zone/", params={"bank": "acme/ana"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
