"""A bank with a life in it, and requests that name what is there: so that generated ones reach what they are about."""

import random
from collections.abc import Mapping
from typing import Any

from fastapi.testclient import TestClient

import memkit
from memkit.serve.http.app import create_app

BANK_PATH = "acme/ana"
BANK_NAME = ("acme", "ana")
ID_FIELDS = {"id", "ids", "after", "sources", "reply_to"}
WORDS_BY_FIELD = {
    "query": "Where does Ana live?", "about": "Hamburg", "speaker": "Ana", "old": "Ana", "session": "monday",
    "key": "note/1", "zone": "Europe/Berlin", "prefix": "acme",
}  # fmt: skip
LIVED_TURNS = [
    {"text": "I moved to Hamburg in May 2026.", "speaker": "Ana", "session": "monday", "at": "2026-06-01T09:00:00Z"},
    {"text": "Welcome! Who is with you?", "speaker": "assistant", "role": "assistant", "session": "monday"},
    {"text": "My dog Rex. Always answer in Spanish.", "speaker": "Ana", "session": "monday"},
    {"text": "I have a dentist appointment next Friday.", "speaker": "Ana", "session": "tuesday", "id": "own id"},
    {"text": "Please forget that I moved to Hamburg.", "speaker": "Ana", "session": "tuesday"},
]
SHARE_OF_REAL_VALUES = 0.7


def enliven(store: memkit.MemoryStore) -> memkit.MemoryBank:
    """A bank with turns, thoughts, summaries and items; filled again where a request emptied it."""
    bank = store.bank(*BANK_NAME)
    if len(bank.list(limit=8)) < 8:
        bank.observe(LIVED_TURNS)
        bank.think()
        bank.reflect()
        bank.put("note/1", {"title": "Groceries", "tags": ["food"]})
        bank.put("note/2", "passing", ttl=600)
    return bank


def asking(store: memkit.MemoryStore, room: str = "bank") -> TestClient:
    """A client of an application that serves a store; asking about a bank, it names the bank by itself."""
    client = TestClient(create_app(store), base_url=f"http://localhost/v1/{room}", client=("127.0.0.1", 50_000))
    if room == "bank":
        client.params = client.params.set("bank", BANK_PATH)
    return client


class ServedLife:
    """Puts ids, keys and names that are there in the place of generated ones, in some requests of many."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self._store, self._version = store, ""
        self._bank = enliven(store)
        self._random = random.Random()

    def put_into(self, case: Any) -> None:
        """Change a case of schemathesis, always in the same way."""
        self._random.seed(f"{case.body!r} {case.query!r}")
        self._look()
        if case.query:
            case.query = self._query(case.query)
        if case.media_type == "application/json" and isinstance(case.body, dict):
            case.body = self._body(case.body)

    def _look(self) -> None:
        if self._bank.version != self._version:
            self._bank = enliven(self._store)
            self._version = self._bank.version
            self._ids = [memory.id for memory in self._bank.list(limit=30, order="-recorded_at")]

    def _query(self, query: Mapping[str, Any]) -> dict[str, Any]:
        named = {**query, "bank": BANK_PATH} if "bank" in query and self._is_real() else query
        return {name: self._value(name, value) for name, value in named.items()}

    def _body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        changed = {name: self._value(name, value) for name, value in body.items()}
        if changed.get("plan") and self._is_real():
            changed["plan"] = self._bank.plan_erase(ids=self._some_ids()).model_dump(mode="json")
        if changed.get("receipt") and self._is_real():
            changed["receipt"] = self._bank.pin(self._random.choice(self._ids)).model_dump(mode="json")
        for name in changed.keys() & {"under", "confirm"}:
            changed[name] = list(BANK_NAME) if self._is_real() else changed[name]
        return changed

    def _value(self, name: str, value: Any) -> Any:
        if name in ID_FIELDS and self._is_real():
            return self._some_ids() if isinstance(value, list) else self._random.choice(self._ids)
        return WORDS_BY_FIELD[name] if name in WORDS_BY_FIELD and isinstance(value, str) and self._is_real() else value

    def _some_ids(self) -> list[str]:
        return self._random.sample(self._ids, k=min(2, len(self._ids)))

    def _is_real(self) -> bool:
        return self._random.random() < SHARE_OF_REAL_VALUES
