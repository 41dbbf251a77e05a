"""Counters of a bank that damage made no whole numbers: a CorruptError, told by the doctor and mended by it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import CorruptError

COUNTERS = ("next_seq", "next_history", "next_exchange", "next_block", "code_tail", "term_tail")


def opened(path: Path) -> memkit.MemoryStore:
    return memkit.open(path, encoder=HashingEncoder())


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("false", ["'many'", "1.5", "x'00'"])
def test_a_counter_that_is_no_number_stops_reading_and_writing_until_it_is_mended(
    tmp_path: Path, counter: str, false: str
) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", "I live in Rome.")])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE bank SET {counter} = {false}")
    with opened(path) as store:
        bank = store.bank("ana")
        with pytest.raises(CorruptError, match="doctor --repair"):
            bank.recall("Rome")
        with pytest.raises(CorruptError, match="doctor --repair"):
            bank.observe([("ana", "I moved to Oslo.")])
        assert len(store.doctor()) == 1
        store.doctor(repair=True)
        assert store.doctor() == []
        bank.observe([("ana", "I moved to Oslo.")])
        assert [hit.memory.text for hit in bank.recall("Rome", k=1)] == ["I live in Rome."]
