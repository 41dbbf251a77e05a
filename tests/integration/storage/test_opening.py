"""Opening a store: what is refused, and that nothing is lost by it."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import (
    ClosedError,
    EncoderMismatchError,
    InputError,
    NotADatabaseError,
    ReadOnlyError,
    UnwritablePathError,
)
from memkit.identifiers import bank_name, bank_path


def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("acme", "ana", zone="Europe/Lisbon").observe([("ana", "I moved to Lisbon in May")])
    with memkit.open(path, encoder=HashingEncoder()) as store:
        assert store.banks() == [("acme", "ana")]
        assert store.bank("acme", "ana").recall("moved to Lisbon")[0].memory.speaker == "ana"
        assert store.doctor() == []


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(path: Path) -> None:
    path.write_bytes(b"this is a diary, not a database" * 100)
    before = path.read_bytes()
    with pytest.raises(NotADatabaseError):
        memkit.open(path, encoder=HashingEncoder())
    assert path.read_bytes() == before


def test_somebody_elses_sqlite_file_is_refused_and_left_as_it_was(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table recipe (name text)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotADatabaseError):
        memkit.open(path, encoder=HashingEncoder())
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnwritablePathError):
        memkit.open(tmp_path / "no" / "such" / "folder" / "memory.db", encoder=HashingEncoder())
    with pytest.raises(UnwritablePathError):
        memkit.open(tmp_path, encoder=HashingEncoder())


def test_another_encoder_is_refused_with_a_word_about_reencode(path: Path) -> None:
    memkit.open(path, encoder=HashingEncoder(dimension=64)).close()
    with pytest.raises(EncoderMismatchError, match="reencode"):
        memkit.open(path, encoder=HashingEncoder(dimension=128))


def test_reencoding_gives_every_memory_a_vector_of_the_new_encoder(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder(dimension=64)) as store:
        bank = store.bank("ana")
        bank.observe([("ana", f"Fact number {i} about the garden") for i in range(30)])
        assert store.reencode(HashingEncoder(dimension=128)) == 30
        assert bank.recall("fact number 7")[0].memory.text == "Fact number 7 about the garden"
    with memkit.open(path) as store:
        assert store.stats()["encoder"]["dimension"] == 128
        assert store.stats()["banks"]["ana"]["unencoded"] == 0
        assert store.bank("ana").recall("fact number 7")[0].why["dense"]


class Foreign:
    """An encoder that memkit can't make by itself."""

    name, dimension = "foreign", 8

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.full((len(texts), 8), 8**-0.5, dtype=np.float32)


def test_a_file_of_a_foreign_encoder_still_opens_and_is_searched_by_words(path: Path) -> None:
    with memkit.open(path, encoder=Foreign()) as store:
        store.bank("ana").observe([("ana", "The key lies under the green flowerpot")])
    with memkit.open(path) as store:
        assert len(store.bank("ana").recall("green flowerpot")) == 1


def test_a_read_only_store_reads_and_refuses_to_write(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([("ana", "The key lies under the flowerpot")])
    with memkit.open(path, encoder=HashingEncoder(), read_only=True) as store:
        hits = store.bank("ana").recall("flowerpot")
        assert hits.prompt(max_tokens=200)
        with pytest.raises(ReadOnlyError):
            store.bank("ana").observe([("ana", "Something new")])


def test_a_closed_store_says_so(path: Path) -> None:
    store = memkit.open(path, encoder=HashingEncoder())
    store.close()
    with pytest.raises(ClosedError):
        store.banks()


@pytest.mark.parametrize("names", [(), ("",), ("a", ""), ("", "a"), ("x" * 10_001,), ("a", 7), ("a\ud800",)])
def test_no_part_of_a_banks_name_is_empty_or_no_text(path: Path, names: tuple[Any, ...]) -> None:
    with (
        memkit.open(":memory:", encoder=HashingEncoder()) as store,
        pytest.raises(InputError),
    ):
        store.bank(*names)


@pytest.mark.parametrize("names", [("a\nb", "c/d", "\0"), (" ",), ("%2F", "é/", "..", "\x1f"), ("a", "\u202e*")])
def test_any_text_is_part_of_a_banks_name(path: Path, names: tuple[str, ...]) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank(*names).observe([("ana", "I moved to Lisbon in May")])
        store.bank(*names, "below").put("k", 1)
        assert (store.banks(), store.banks(names)) == ([names, (*names, "below")],) * 2
        assert bank_name(bank_path(names)) == names
        assert bank_path(names).isprintable()
        assert store.bank(*names).recall("Lisbon")[0].bank == names


def test_an_export_loads_into_another_store_as_it_was(path: Path, tmp_path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("acme", "ana")
        bank.observe([("ana", "I moved to Lisbon in May"), ("bob", "How lovely for you")])
        bank.insert(["Ana lives in Lisbon."])
        before = bank.list()
        assert store.export(tmp_path / "out.jsonl").memories == 3
    with memkit.open(":memory:", encoder=HashingEncoder()) as other:
        assert other.load(tmp_path / "out.jsonl").new == 3
        assert other.load(tmp_path / "out.jsonl").new == 0
        assert [m.text for m in other.bank("acme", "ana").list()] == [m.text for m in before]
        assert [m.id for m in other.bank("acme", "ana").list()] == [m.id for m in before]
