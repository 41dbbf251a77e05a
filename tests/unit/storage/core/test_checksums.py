"""Checksums notice every change of what a memory is, and decoding errors never hold its words."""

import json
import struct
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from memkit.errors import CorruptError
from memkit.storage.core.checksums import (
    decoding,
    is_memory_intact,
    is_text_intact,
    is_vector_intact,
    numbers_checksum,
    vector_checksum,
)
from memkit.storage.core.enum_codes import AUTHOR_CODES, KIND_CODES, ROLE_CODES
from memkit.storage.core.hashing import Hasher
from memkit.storage.core.records import StoredMemory
from memkit.storage.core.rows import MemoryRow, content_columns, decode_records, memory_columns
from memkit.testing.contract.cases import memory
from memkit.times import to_micros

ONE_STORED = StoredMemory(seq=1, uid=bytes(16), memory=memory("I live in Rome", id="t1", role="user"))
ONE_PAYLOAD = content_columns(ONE_STORED)["payload"]


def numbers(stored: StoredMemory) -> tuple[object, ...]:
    kind, author = KIND_CODES.codes[stored.memory.kind], AUTHOR_CODES.codes[stored.memory.author]
    role = stored.memory.role and ROLE_CODES.codes[stored.memory.role]
    return stored.uid, kind, author, role, to_micros(stored.memory.occurred_at)


def test_a_checksum_holds_for_what_was_written_alone() -> None:
    checksum = content_columns(ONE_STORED)["checksum"]
    later = ONE_STORED.memory.occurred_at + timedelta(microseconds=1)
    others = [
        ONE_STORED.changed(kind="item"),
        ONE_STORED.changed(author="import"),
        ONE_STORED.changed(role=None),
        ONE_STORED.changed(occurred_at=later),
        replace(ONE_STORED, uid=bytes(15) + b"\1"),
    ]
    assert is_memory_intact(checksum, ONE_STORED.memory.text, ONE_PAYLOAD, numbers(ONE_STORED))
    assert not any(is_memory_intact(checksum, ONE_STORED.memory.text, ONE_PAYLOAD, numbers(other)) for other in others)
    assert not is_memory_intact(checksum, "I live in Oslo", ONE_PAYLOAD, numbers(ONE_STORED))
    assert not is_memory_intact(checksum, ONE_STORED.memory.text, "{}", numbers(ONE_STORED))


def test_a_checksum_fits_a_signed_integer_of_eight_bytes() -> None:
    checksums = [content_columns(replace(ONE_STORED, uid=bytes([n]) * 16))["checksum"] for n in range(50)]
    assert all(struct.pack("<q", checksum) for checksum in checksums)


def test_values_of_other_types_are_damaged_not_errors() -> None:
    text: Any = b"bytes"
    vector: Any = "text"
    assert not is_text_intact(1, text, None)
    assert not is_vector_intact(1, vector, None)
    assert numbers_checksum((bytes(16), "turn", None, None, 0)) is None
    assert is_vector_intact(vector_checksum(b"ab", None), b"ab", None)


@pytest.mark.parametrize("damage", [{"checksum": None}, {"text": "something else"}, {"kind": 3}, {"occurred_at": 1}])
def test_a_row_that_is_not_what_was_written_or_has_no_checksum_is_damaged(damage: dict[str, Any]) -> None:
    hasher = Hasher(bytes(16))
    columns = {**memory_columns(ONE_STORED, hasher), **content_columns(ONE_STORED)}
    row = MemoryRow(**{name: columns[name] for name in MemoryRow._fields})
    assert decode_records([row], {}) == {1: ONE_STORED}
    with pytest.raises(CorruptError, match="doctor --repair"):
        decode_records([row._replace(**damage)], {})


def test_an_error_of_decoding_becomes_a_corrupt_error_that_holds_no_words() -> None:
    with pytest.raises(CorruptError) as error, decoding("a memory"):
        json.loads("my secret")
    assert error.value.__cause__ is None
    assert "secret" not in str(error.value)
    with pytest.raises(ZeroDivisionError), decoding("a memory"):
        _ = 1 / 0
