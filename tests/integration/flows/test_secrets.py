"""No memory text in any error, log, receipt or queue: tested with a planted secret."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ThinkerError
from memkit.testing import ScriptedThinker

SECRET = "quetzal-marimba-9471"
TEXT = f"My vault code is {SECRET} and nobody may know it"


class Leaky(HashingEncoder):
    """An encoder whose error quotes what it was given."""

    def encode(self, texts: list[str]) -> np.ndarray[Any, Any]:
        raise ValueError(f"can't encode {texts}")


BAD_INPUTS: list[Any] = [
    {"role": "pirate", "content": TEXT},
    {"role": "user", "content": TEXT, "mood": "sad"},
    {"role": "user", "content": TEXT, "at": datetime(2025, 1, 1)},
    {"role": "user", "content": TEXT + "\0"},
    {"role": "user", "content": TEXT + "\ud800"},
    {"role": "user", "content": TEXT * 100_000},
    {"role": "user", "content": TEXT, "session": 7},
    (TEXT, TEXT, TEXT),
    TEXT,
    ("ana" * 1000, TEXT),
]


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=range(len(BAD_INPUTS)))
def test_an_error_about_a_turn_does_not_hold_its_text(bad: Any) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        with pytest.raises(memkit.MemkitError) as caught:
            store.bank("ana").observe([bad])
        chain = [caught.value, caught.value.__cause__]
        assert all(SECRET not in repr(error) for error in chain)


def test_a_conflict_does_not_hold_either_text() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn(TEXT, "ana", id="t1")])
        with pytest.raises(memkit.MemkitError) as caught:
            bank.observe([memkit.Turn(TEXT + "!", "ana", id="t1")])
        assert SECRET not in str(caught.value)


def test_logs_and_receipts_of_failing_encoders_and_thinkers_hold_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    thinker = ScriptedThinker([ThinkerError("the model failed")] * 5)
    with memkit.open(":memory:", encoder=Leaky(), thinker=thinker) as store:
        bank = store.bank("ana")
        receipts = [bank.observe([("ana", TEXT)]), bank.think()]
        bank.recall(TEXT)
        report = store.stats()
    assert SECRET not in caplog.text
    assert SECRET not in repr(receipts)
    assert SECRET not in repr(report)


def test_a_model_that_answers_with_the_text_does_not_bring_it_into_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    model = FakeListChatModel(responses=[TEXT, TEXT])
    with memkit.open(":memory:", encoder=HashingEncoder(), thinker=model) as store:
        bank = store.bank("ana")
        bank.observe([("ana", TEXT)])
        receipt = bank.think()
        assert receipt.outcomes[0].error == "ThinkerOutputError"
        queue = store.stats()["banks"]["ana"]["queue"]
        assert (queue["waiting"], queue["errors"]) == (1, {"ThinkerOutputError": 1})
    assert SECRET not in caplog.text + repr(receipt)


def test_the_text_lies_only_in_the_content_of_the_file(path: Path) -> None:
    import sqlite3

    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("ana", TEXT)])
        bank.think()
        bank.reflect()
    with sqlite3.connect(path) as connection:
        tables = [row[0] for row in connection.execute("select name from sqlite_schema where type = 'table'")]
        holding = {t for t in tables for row in connection.execute(f"select * from {t}") if SECRET in repr(row)}
    connection.close()
    assert holding == {"content"}
