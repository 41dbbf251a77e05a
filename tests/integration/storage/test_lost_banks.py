"""Rows of banks and texts that damage took or moved: memories are saved, and each stays with its own bank."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder

TEXTS = {"ana": "I live in Rome with my cat.", "bob": "I keep bees in Oslo."}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "memory.db"
    with opened(path) as store:
        for name, text in TEXTS.items():
            bank = store.bank(name)
            bank.observe([memkit.Turn(text, name, id=f"{name}-1", session="s", metadata={"topic": name})])
    return path


def opened(path: Path) -> memkit.MemoryStore:
    return memkit.open(path, encoder=HashingEncoder())


def damage(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)


def test_a_bank_that_lost_its_row_is_saved_with_new_hashes_and_is_told_as_a_loss(path: Path) -> None:
    damage(path, "DELETE FROM bank WHERE name = '[\"ana\"]'")
    losses = memkit.repair(path, encoder=HashingEncoder())
    assert any("time zone is lost" in loss for loss in losses)
    with opened(path) as store:
        assert store.doctor() == []
        [saved] = [name for name in store.banks() if name != ("bob",)]
        bank = store.bank(*saved)
        assert [memory.text for memory in bank.list()] == [TEXTS["ana"]]
        assert [memory.id for memory in bank.list(where={"topic": "ana"})] == ["ana-1"]
        assert bank.get("ana-1") is not None
        assert bank.recall("Rome", speaker="ana")[0].memory.text == TEXTS["ana"]
        assert [memory.text for memory in store.bank("bob").list()] == [TEXTS["bob"]]


def test_a_text_under_another_banks_number_goes_back_to_the_bank_whose_key_its_hash_was_made_with(path: Path) -> None:
    damage(
        path,
        "UPDATE content SET bank = (SELECT bank FROM bank WHERE name = '[\"bob\"]'), id = id + 100 "
        "WHERE bank = (SELECT bank FROM bank WHERE name = '[\"ana\"]')",
        "UPDATE memory SET content = content + 100 WHERE bank = (SELECT bank FROM bank WHERE name = '[\"ana\"]')",
    )
    memkit.repair(path, encoder=HashingEncoder())
    with opened(path) as store:
        assert store.doctor() == []
        assert TEXTS["ana"] in [memory.text for memory in store.bank("ana").list(states=["active", "archived"])]
        assert [memory.text for memory in store.bank("bob").list(states=["active", "archived"])] == [TEXTS["bob"]]


def test_a_text_that_no_banks_key_fits_is_left_out_and_told(path: Path) -> None:
    damage(
        path,
        "UPDATE content SET bank = (SELECT bank FROM bank WHERE name = '[\"bob\"]'), id = id + 100 "
        "WHERE bank = (SELECT bank FROM bank WHERE name = '[\"ana\"]')",
        "UPDATE memory SET content = content + 100, text_key = 7 "
        "WHERE bank = (SELECT bank FROM bank WHERE name = '[\"ana\"]')",
    )
    losses = memkit.repair(path, encoder=HashingEncoder())
    assert any("in whose bank they were" in loss for loss in losses)
    with opened(path) as store:
        assert store.doctor() == []
        for name in TEXTS:
            assert TEXTS["ana"] not in [memory.text for memory in store.bank(name).list(states=["active", "archived"])]


def test_a_file_that_lost_the_encoders_name_gets_its_vectors_made_again(path: Path) -> None:
    damage(path, "DELETE FROM meta WHERE key = 'encoder.name'")
    losses = memkit.repair(path, encoder=HashingEncoder())
    assert any("which encoder" in loss for loss in losses)
    with opened(path) as store:
        store.maintain(budget_s=30)
        assert store.doctor() == []
        assert store.bank("ana").recall("my cat in Rome")[0].why["cosine"] > 0.3
