"""Files of an earlier format open, keep what they hold, and take in what is new."""

import sqlite3
from pathlib import Path

import memkit
from memkit.encoders.hashing import HashingEncoder

LONG = "The boat left late. " * 30 + "The captain was called Ines. " + "It rained all night. " * 30


def made_old(path: Path) -> None:
    """Take the second step of the schema back, as if the file had been written before it."""
    with sqlite3.connect(path) as connection:
        for column in ("passages", "checksum"):
            connection.execute(f"ALTER TABLE content DROP COLUMN {column}")
        connection.execute("DELETE FROM migration WHERE name IN ('passages', 'checksums')")
        connection.execute("PRAGMA user_version = 1")


def test_a_file_without_passages_opens_and_gets_them_for_what_comes_and_by_reencoding(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([("ana", LONG)])
        whole = store.stats()["bytes"]["vectors"]
    made_old(path)
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        assert store.doctor() == []
        assert bank.recall("Who was the captain?", k=1)[0].memory.text == LONG
        bare = store.stats()["bytes"]["vectors"]
        assert bare < whole
        bank.observe([("ana", LONG.replace("Ines", "Tomás"))])
        assert store.stats()["bytes"]["vectors"] > 2 * bare
        store.reencode(HashingEncoder())
        assert store.stats()["bytes"]["vectors"] == 2 * whole
        assert store.doctor() == []
