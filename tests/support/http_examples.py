"""Examples of every operation, as a server answered them: `python tests/support/http_examples.py` writes them.

One story in one bank, told over HTTP in order. What differs from run to run (ids, hashes, last digits of scores) is put
in the same form. `tests/integration/serve/http/test_examples.py` tells it again.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.serve.http.openapi import EXAMPLES_FILE, document
from memkit.testing import FrozenClock

STORY_START = datetime(2026, 5, 4, 8, tzinfo=UTC)
BANK_QUERY = {"bank": "acme/ana"}
OTHER_QUERY = {"bank": "acme/ben"}
UUID_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
BIRTH_PATTERN = re.compile(r'"born": "[^"]+"')  # of a bank, which no injected clock decides
HASH_PATTERN = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-f])")
QUESTION = {"query": "Who moved to Hamburg?", "k": 2}
TURNS = [
    {"text": "I moved to Hamburg in April.", "speaker": "Ana", "role": "user", "id": "m1", "session": "monday"},
    {"role": "assistant", "content": "Welcome to Hamburg!", "id": "m2", "session": "monday"},
    {"text": "Always answer in German, please.", "speaker": "Ana", "role": "user", "id": "m3", "session": "monday"},
    {
        "text": "I have a dentist appointment on 8 May.",
        "speaker": "Ana",
        "role": "user",
        "id": "m4",
        "session": "monday",
    },
]
ANSWER = {"role": "assistant", "content": "Gern.", "id": "m5"}
TURN_LINES = "".join(
    json.dumps(turn) + "\n"
    for turn in [{"text": "Good morning.", "speaker": "Ben", "id": "b1"}, ["Ben", "Tea, please."]]
)

Answers = dict[str, Any]
Body = Callable[[Answers], Any]


class Request:
    """A request of the story; what it says may come from earlier answers."""

    def __init__(self, operation: str, query: dict[str, Any] | Body = BANK_QUERY, body: Any = None) -> None:
        self.operation, self.query, self.body = operation, query, body

    def told(self, answers: Answers) -> tuple[dict[str, Any], Any]:
        """Its parameters and its body."""
        query = self.query(answers) if callable(self.query) else self.query
        return query, self.body(answers) if callable(self.body) else self.body


def first_id(receipt: dict[str, Any]) -> str:
    """The id of a receipt's first outcome."""
    return str(receipt["outcomes"][0]["id"])


STORY = [
    Request("change_zone", body={"zone": "Europe/Berlin"}),
    Request("zone"),
    Request("observe", body={"turns": TURNS}),
    Request("repeated", body={"turns": [TURNS[0]]}),
    Request("think", body={"batch": 4}),
    Request("reflect"),
    Request("recall", body={**QUESTION, "prompt": {"max_tokens": 400}}),
    Request("explain", body={**QUESTION, "id": "m2"}),
    Request("reinforce", body={"ids": ["m1"]}),
    Request("window", {**BANK_QUERY, "budget": 200, "session": "monday"}),
    Request("portrait"),
    Request("mood"),
    Request("beliefs"),
    Request("standing"),
    Request("upcoming", {**BANK_QUERY, "now": "2026-05-05", "within": "P7D"}),
    Request("get", lambda answers: {**BANK_QUERY, "id": first_id(answers["think"])}),
    Request("list", {**BANK_QUERY, "kinds": "turn", "limit": 2, "order": "-occurred_at"}),
    Request("insert", body={"items": ["Ana likes the harbour."]}),
    Request("correct", body=lambda answers: {"id": first_id(answers["think"]), "text": "Ana lives in Bremen."}),
    Request("history", lambda answers: {**BANK_QUERY, "id": first_id(answers["think"])}),
    Request("supersede", body=lambda answers: {"id": first_id(answers["insert"]), "text": "Ana likes the Weser."}),
    Request("merge", body=lambda answers: {
        "ids": [first_id(answers["correct"]), first_id(answers["supersede"])], "text": "Ana lives by the Weser."
    }),
    Request("undo", body=lambda answers: {"receipt": answers["merge"]}),
    Request("pin", body=lambda answers: {"id": first_id(answers["correct"]), "pinned": True}),
    Request("forget", body=lambda answers: {"ids": [first_id(answers["correct"])], "reason": "no longer true"}),
    Request("restore", body=lambda answers: {"ids": [first_id(answers["correct"])]}),
    Request("rename_speaker", body={"old": "Ana", "new": "Ana Lima"}),
    Request("decay", body={"dry_run": True}),
    Request("put_many", body={"puts": [{"key": "note/1", "value": {"title": "Groceries"}, "ttl": 60}]}),
    Request("get_item", {**BANK_QUERY, "key": "note/1"}),
    Request("refresh_item", body={"key": "note/1"}),
    Request("delete_item", body={"key": "note/1"}),
    Request("session", {**BANK_QUERY, "session": "monday", "last": 1}),
    Request("session_extend", body={"session": "tuesday", "turns": [["Ana Lima", "Forget that I moved."]]}),
    Request("session_catch_up", body={"session": "monday", "turns": [*TURNS, ANSWER]}),
    Request("requests"),
    Request("session_pop", body={"session": "monday"}),
    Request("session_clear", body={"session": "tuesday"}),
    Request("observe_stream", OTHER_QUERY, TURN_LINES),
    Request("store_import_from", {**OTHER_QUERY, "format": "jsonl"}, TURN_LINES),
    Request("store_banks", {"prefix": "acme"}),
    Request("store_recall", {}, {"query": "Who drinks tea?", "under": ["acme"], "k": 1}),
    Request("store_maintain", {}, {"budget_s": 1.0}),
    Request("store_audit", {}, {"prefix": ["acme"], "fix": False}),
    Request("store_doctor", {}, {"repair": False}),
    Request("store_stats", {"measure": False}),
    Request("store_flush", {}, {"timeout_s": 5.0}),
    Request("store_export", {"prefix": "nobody", "vectors": False}),
    Request("store_load", {}, lambda answers: answers["store_export"]),
    Request("plan_erase", body={"about": "dentist appointment"}),
    Request("erase", body=lambda answers: {"plan": answers["plan_erase"], "requested_by": "Ana"}),
    Request("prune", body={"dry_run": True}),
    Request("erase_all", OTHER_QUERY, {"confirm": ["acme", "ben"], "requested_by": "Ben"}),
    Request("store_receipts", {"prefix": "acme"}),
    Request("store_repeat_erasures", {}, lambda answers: {"receipts": answers["store_receipts"]}),
    Request("store_erase_all", {}, {"under": ["acme"], "confirm": ["acme"]}),
    Request("store_purge", {}),
]  # fmt: skip


def tell() -> dict[str, Any]:
    """The story, told to a server: query, body and answer of each operation."""
    from fastapi.testclient import TestClient

    places = {
        operation["operationId"]: (method, path)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }
    answers: Answers = {}
    told: dict[str, Any] = {}
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(STORY_START)) as store:
        client = TestClient(create_app(store), base_url="http://localhost", client=("127.0.0.1", 50_000))
        for request in STORY:
            query, body = request.told(answers)
            content = {"content": body} if isinstance(body, str) else {} if body is None else {"json": body}
            answer = client.request(*places[request.operation], params=query, **content)
            assert answer.status_code == 200, (request.operation, answer.text)
            answers[request.operation] = (
                answer.json() if answer.headers["content-type"] == "application/json" else answer.text
            )
            told[request.operation] = {"query": query, "body": body, "answer": answers[request.operation]}
    return in_one_form(told)


def in_one_form(told: dict[str, Any]) -> dict[str, Any]:
    """The story without what differs from run to run."""
    text = renamed(json.dumps(told, ensure_ascii=False), UUID_PATTERN, "019df2c4-8a10-7c3e-8b1d-{:012x}")
    text = BIRTH_PATTERN.sub(f'"born": "{STORY_START:%Y-%m-%dT%H:%M:%SZ}"', renamed(text, HASH_PATTERN, "{:064x}"))
    shaped: dict[str, Any] = json.loads(text, parse_float=lambda digits: round(float(digits), 2))
    return shaped


def renamed(text: str, pattern: re.Pattern[str], form: str) -> str:
    """A text in which each name is one of this form, numbered in the order in which they come."""
    numbers: dict[str, int] = {}
    return pattern.sub(lambda match: form.format(numbers.setdefault(match[0], len(numbers) + 1)), text)


def main() -> None:
    """Write the examples where the application reads them."""
    Path(EXAMPLES_FILE).write_text(json.dumps(tell(), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
