"""Files of an earlier format open, keep what they hold, and take in what is new."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock

LONG_TEXT = "The boat left late. " * 30 + "The captain was called Ines. " + "It rained all night. " * 30


def made_old(path: Path) -> None:
    """Take the second step of the schema back, as if the file had been written before it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for column in ("passages", "checksum"):
            connection.execute(f"ALTER TABLE content DROP COLUMN {column}")
        connection.execute("DELETE FROM migration WHERE name IN ('passages', 'checksums')")
        connection.execute("PRAGMA user_version = 1")


def test_a_file_without_passages_opens_and_gets_them_for_what_comes_and_by_reencoding(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([("ana", LONG_TEXT)])
        whole = store.stats()["bytes"]["vectors"]
    made_old(path)
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        assert store.doctor() == []
        assert bank.recall("Who was the captain?", k=1)[0].memory.text == LONG_TEXT
        bare = store.stats()["bytes"]["vectors"]
        assert bare < whole
        bank.observe([("ana", LONG_TEXT.replace("Ines", "Tomás"))])
        assert store.stats()["bytes"]["vectors"] > 2 * bare
        store.reencode(HashingEncoder())
        assert store.stats()["bytes"]["vectors"] == 2 * whole
        assert store.doctor() == []


def test_a_file_without_receipts_opens_and_erases_as_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([memkit.Turn("It opens with heliotrope.", "ana", id="t1"), ("ana", "I like tea.")])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("DROP TABLE erasure; DROP TABLE fingerprint; DROP INDEX history_at;")
        connection.execute("DELETE FROM migration WHERE name IN ('erasures', 'history_at')")
        connection.execute("PRAGMA user_version = 3")
    with memkit.open(path, encoder=HashingEncoder()) as store:
        receipt = store.bank("ana").erase(ids=["t1"])
        assert (receipt.number, receipt.bytes_pending) == (1, False)
        assert store.receipts() == [receipt]
        assert store.doctor() == []
    assert b"heliotrope" not in path.read_bytes()


def test_a_file_without_the_index_of_its_history_by_time_opens_and_answers_as_of_a_moment(tmp_path: Path) -> None:
    path, clock = tmp_path / "old.db", FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        [id] = store.bank("ana").observe([("ana", "The key lies under the flowerpot")]).ids
        clock.advance(timedelta(days=2))
        store.bank("ana").forget(id, reason="it moved")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP INDEX history_at")
        connection.execute("DELETE FROM migration WHERE name = 'history_at'")
        connection.execute("PRAGMA user_version = 4")
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        yesterday = clock.now - timedelta(days=1)
        assert len(store.bank("ana").recall("key", min_score=0)) == 0
        assert len(store.bank("ana").recall("key", min_score=0, as_of=yesterday)) == 1
