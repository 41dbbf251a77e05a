"""A bank as a folder of files, without Anthropic's SDK: a sample of what `tests/frameworks/test_anthropic*` holds."""

from collections.abc import Iterator
from typing import Any

import pytest
from memkit_adapters.anthropic_files import FileError, MemoryFolder
from served_stores import open_served

import memkit
from memkit.encoders.hashing import HashingEncoder

NOTE = "/memories/ana.md"


@pytest.fixture(params=[memkit.open, open_served], ids=["here", "over HTTP"])
def bank(request: Any) -> Iterator[memkit.Bank]:
    with request.param(":memory:", encoder=HashingEncoder()) as store:
        yield store.bank("acme", "ana")


def test_a_file_is_written_edited_moved_and_deleted(bank: memkit.Bank) -> None:
    assert MemoryFolder(bank).create(NOTE, "no nuts\nlives in Porto\n") == f"File created successfully at: {NOTE}"
    assert "     2\tlives in Lisbon" in MemoryFolder(bank).str_replace(NOTE, "Porto", "Lisbon")
    assert MemoryFolder(bank).insert(NOTE, 0, "# Ana") == f"The file {NOTE} has been edited."
    MemoryFolder(bank).rename(NOTE, "/memories/people/ana.md")
    assert MemoryFolder(bank).view("/memories/people").endswith("\n30B\t/memories/people/ana.md")
    MemoryFolder(bank).delete("/memories/people")
    assert list(bank.list(kinds=["item"])) == []


@pytest.mark.parametrize("path", ["/memories/../x", "/memoriesX", "x", "/memories/a/../../x", "/memories/a\nb"])
def test_no_path_leads_out_of_the_folder(bank: memkit.Bank, path: str) -> None:
    with pytest.raises(FileError):
        MemoryFolder(bank).create(path, "x")


def test_what_the_bank_has_made_is_read_and_never_written(bank: memkit.Bank) -> None:
    bank.observe([("ana", "I moved to Lisbon in May.")])
    bank.think()
    bank.reflect()
    assert "lives in Lisbon" in MemoryFolder(bank).view("/memories/memkit/beliefs.md")
    with pytest.raises(FileError, match="read-only"):
        MemoryFolder(bank).delete("/memories/memkit")
