"""Rules of terms that changed: the terms of older banks are made again by maintenance, and recall works meanwhile."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import memkit
from memkit.encoders import HashingEncoder
from memkit.flows import reencode
from memkit.runtime import indexer
from memkit.text.terms.keys import TERM_RULES, TERM_RULES_META, document_terms, text_key

TEXTS = [
    "The null pointer came from OPENAI_API_BASE, said Zoë at 7:45.",
    "Ärzte und Straßen: 1.299,50 €",
    "Я купил ёлку вчера",
    "昨日、東京で寿司を食べた",
    "मैं कल बाज़ार गया था",
    "call +351 912 345 678 about order #4711-22",
]
DIGEST_BY_RULES = {2: "4687c0b43fc38401"}


def without_identifier_parts(text: str, **fields: Any) -> dict[int, int]:
    """Terms by older rules: what is written together is one word."""
    return document_terms(text.replace("OPENAI_API_BASE", "openaiapibase"), **fields)


def write_by_older_rules(path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    with monkeypatch.context() as patch, memkit.open(path, encoder=HashingEncoder()) as store:
        patch.setattr(indexer, "document_terms", without_identifier_parts)
        bank = store.bank("ana")
        bank.observe([("ana", f"Number {n} of the list is OPENAI_API_BASE, as ever.") for n in range(size)])
        state = bank._context.ensure()
        bank._context.storage.set_meta({TERM_RULES_META.format(state.number): json.dumps({"rules": 0})})


def evidence(store: memkit.MemoryStore) -> float:
    """Score of the best result, which shares words alone."""
    return store.bank("ana").recall("Where is the api base?", k=1, min_score=0)[0].score


def test_terms_by_older_rules_are_made_again_and_recall_works_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_by_older_rules(path, monkeypatch, 30)
    with memkit.open(path, encoder=HashingEncoder()) as store:
        before = evidence(store)
        report = store.maintain(60)
        assert (report.renewed, report.finished) == (30, True)
        assert evidence(store) > before
        assert store.maintain(60).renewed == 0
        assert store.doctor() == []


def test_what_was_stopped_halfway_goes_on_where_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_by_older_rules(path, monkeypatch, 30)
    monkeypatch.setattr(reencode, "RENEWED_BATCH", 8)
    with memkit.open(path, encoder=HashingEncoder()) as store:
        assert reencode.renew_terms(store.bank("ana")._context, may_go_on=stopping_after(2)) == 16
        store.bank("ana").observe([("ana", "A new one by today's rules: OPENAI_API_BASE.")])
    with memkit.open(path, encoder=HashingEncoder()) as store:
        assert reencode.renew_terms(store.bank("ana")._context) == 15
        assert reencode.renew_terms(store.bank("ana")._context) == 0


def stopping_after(pages: int) -> Callable[[], bool]:
    page = count(1)
    return lambda: next(page) <= pages


def test_a_new_bank_follows_todays_rules(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([("ana", "I live in Lisbon.")])
        assert store.maintain(60).renewed == 0


def test_the_number_of_the_rules_is_raised_when_the_rules_change() -> None:
    at, zone, key = datetime(2026, 3, 4, 5, tzinfo=UTC), ZoneInfo("Europe/Lisbon"), b"key"
    terms = [sorted(document_terms(text, speaker="Zoë", at=at, zone=zone, key=key).items()) for text in TEXTS]
    keys = [text_key(key, text, None) for text in TEXTS]
    digest = hashlib.sha256(json.dumps([terms, keys]).encode()).hexdigest()[:16]
    assert DIGEST_BY_RULES.get(TERM_RULES) == digest, "raise TERM_RULES and note the digest of the new rules"
