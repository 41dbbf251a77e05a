"""Formats of a file: other drafts are refused, and a later format is reached by a step with its line in the ledger."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import NewerVersionError, OtherDraftError
from memkit.storage.sqlite import migrations

NOTE_TABLE = "CREATE TABLE note (text)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one memory."""
    path = tmp_path / "store.db"
    with opened(path) as store:
        store.bank("ana").observe([("ana", "I moved to Lisbon.")])
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def opened(path: Path) -> memkit.MemoryStore:
    return memkit.open(path, encoder=HashingEncoder())


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE name NOT LIKE '%migration%'")}


def steps_in_ledger(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM migration ORDER BY id")]


def test_a_new_file_has_the_tables_of_every_format_and_their_lines_in_the_ledger(
    connection: sqlite3.Connection,
) -> None:
    with closing(sqlite3.connect(":memory:")) as other:
        for script in ("schema.sql", "access.sql"):
            other.executescript(files("memkit.storage.sqlite").joinpath(script).read_text("utf-8"))
        assert tables(connection) == tables(other)
    assert steps_in_ledger(connection) == ["format_1", "format_2"]


@pytest.mark.parametrize("version", [1, 8, 1000, migrations.file_version(1) + 1])
def test_a_file_of_another_draft_is_refused_with_the_remedy_and_left_as_it_was(
    path: Path, connection: sqlite3.Connection, version: int
) -> None:
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(OtherDraftError, match=r"store\.db: .* draft .*store\.export.*store\.load"):
            memkit.open(path, encoder=HashingEncoder(), read_only=read_only)
    assert path.read_bytes() == before


def test_a_backup_of_another_draft_is_refused_and_nothing_is_written(
    path: Path, connection: sqlite3.Connection, tmp_path: Path
) -> None:
    connection.execute("PRAGMA user_version = 8")
    with pytest.raises(OtherDraftError, match="draft"):
        memkit.restore(path, tmp_path / "restored.db", encoder=HashingEncoder())
    assert not (tmp_path / "restored.db").exists()


def test_a_file_of_a_later_format_is_refused(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA user_version = {migrations.file_version(3)}")
    with pytest.raises(NewerVersionError, match="Update memkit"):
        opened(path)


def test_the_next_step_runs_once_when_a_file_is_opened_and_keeps_what_it_holds(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(migrations.FORMAT_STEPS, "note", lambda connection: connection.execute(NOTE_TABLE))
    for _ in range(2):
        with opened(path) as store:
            assert [m.text for m in store.bank("ana").list()] == ["I moved to Lisbon."]
            assert store.doctor() == []
    assert "note" in tables(connection)
    assert steps_in_ledger(connection) == ["format_1", "format_2", "note"]
    assert connection.execute("PRAGMA user_version").fetchone() == (migrations.file_version(3),)


def test_a_step_that_fails_leaves_neither_its_tables_nor_its_line(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_midway(connection: sqlite3.Connection) -> None:
        connection.execute(NOTE_TABLE)
        raise RuntimeError("midway")

    monkeypatch.setitem(migrations.FORMAT_STEPS, "note", fail_midway)
    with pytest.raises(RuntimeError, match="midway"):
        opened(path)
    assert "note" not in tables(connection)
    assert steps_in_ledger(connection) == ["format_1", "format_2"]
    assert connection.execute("PRAGMA user_version").fetchone() == (migrations.file_version(2),)
