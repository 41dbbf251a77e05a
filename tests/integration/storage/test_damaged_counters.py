"""Numbers that damage made impossible: a bank's counters, told and mended by the doctor; memories' own numbers."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import CorruptError
from memkit.models import MEMORY_STATES
from memkit.settings import ObserveSettings

NEXT_NUMBERS = ("next_seq", "next_history", "next_exchange", "next_block", "next_content")
BANK_COUNTERS = (*NEXT_NUMBERS, "unsealed_sketches", "unsealed_terms")


def opened(path: Path) -> memkit.MemoryStore:
    settings = memkit.Settings(observe=ObserveSettings(small_talk_from=0))
    return memkit.open(path, encoder=HashingEncoder(), settings=settings)


@pytest.mark.parametrize("counter", BANK_COUNTERS)
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


@pytest.mark.parametrize("false", [-32_410, 0, 2**31, 2**40])
def test_a_memory_whose_number_can_not_be_keeps_its_text_through_a_repair(tmp_path: Path, false: int) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", "I live in Rome."), ("ana", "I like tea.")])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE memory SET seq = ? WHERE seq = 1", (false,))
    memkit.repair(path, encoder=HashingEncoder())
    with opened(path) as store:
        bank = store.bank("ana")
        assert {m.text: m.state for m in bank.list(states=MEMORY_STATES)} == {
            "I live in Rome.": "archived",
            "I like tea.": "active",
        }
        bank.observe([("ana", "I moved to Oslo.")])
        assert [hit.memory.text for hit in bank.recall("tea", k=1)] == ["I like tea."]
        assert store.doctor() == []


@pytest.mark.parametrize("false", ["'many'", "x'00'"])
def test_a_salience_that_is_no_number_is_an_error_of_memkits_own_where_small_talk_is_judged(
    tmp_path: Path, false: str
) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", f"I counted {n} boats by the old harbour wall.") for n in range(40)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE memory SET salience = {false}")
    with opened(path) as store, pytest.raises(CorruptError, match="doctor --repair"):
        store.bank("ana").observe([("ana", "Haha yes"), ("ana", "Well then")])
