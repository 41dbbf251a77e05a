"""Checksums of what is stored: SQLite finds a page that is damaged in its structure, not one with other contents.

A text's checksum holds two CRC-32: that of its words below, that of the fixed numbers of its memory above.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from memkit.errors import CorruptError
from memkit.storage.core.enum_codes import AUTHOR, KIND, ROLE
from memkit.storage.core.records import StoredMemory
from memkit.times import to_micros

Numbers = Sequence[Any]  # uid, kind, author, role, occurred_at, as they are stored
REMEDY = "Run memkit doctor --repair, or go back to a backup."
MISREAD = (ValueError, TypeError, LookupError, AttributeError, OverflowError, struct.error)  # from false bytes
_NUMBERS = struct.Struct("<bbbq")
_WORDS = 2**32 - 1


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Around the making of values from stored bytes, and nothing else: what can't be made raises a CorruptError."""
    try:
        yield
    except MISREAD:  # its own message may hold text
        raise misread(what) from None


def misread(what: str) -> CorruptError:
    """The error for stored bytes that aren't what was written."""
    return CorruptError(f"{what} isn't what was written: the file is damaged. {REMEDY}")


def of_bytes(vector: bytes | None, passages: bytes | None) -> int:
    """The checksum of a row with a vector."""
    return crc32(passages or b"", crc32(vector or b""))


def of_words(text: str | None, payload: str | None) -> int:
    """The checksum of a row with words."""
    return crc32((payload or "").encode(), crc32((text or "").encode()))


def of_memory(record: StoredMemory, payload: str) -> int:
    """The checksum of a memory's row of words."""
    memory = record.memory
    role, occurred = ROLE.number(memory.role), to_micros(memory.occurred_at)
    numbers = (record.uid, KIND.numbers[memory.kind], AUTHOR.numbers[memory.author], role, occurred)
    return _of_numbers(numbers) << 32 | of_words(memory.text, payload)


def verify(checksum: int | None, text: str | None, payload: str | None, numbers: Numbers) -> None:
    """Raises CorruptError where a memory isn't what was written; None: written without a checksum."""
    if checksum is not None and not intact(checksum, text, payload, numbers):
        raise misread("a memory")


def intact(checksum: int, text: str | None, payload: str | None, numbers: Numbers) -> bool:
    """Whether words and numbers are those that were written."""
    return words_intact(checksum, text, payload) and checksum >> 32 == of_numbers(numbers)


def of_numbers(numbers: Numbers) -> int | None:
    """The part of a checksum that says whose words they are; None for what can't be numbers of a memory."""
    try:
        return _of_numbers(numbers)
    except (struct.error, TypeError):
        return None


def words_intact(checksum: int, text: str | None, payload: str | None) -> bool:
    """Whether words are those that were written."""
    try:
        return checksum & _WORDS == of_words(text, payload)
    except MISREAD:  # not even values of the right type
        return False


def bytes_intact(checksum: int, vector: bytes | None, passages: bytes | None) -> bool:
    """Whether a vector and its passages are those that were written."""
    try:
        return checksum == of_bytes(vector, passages)
    except MISREAD:
        return False


def _of_numbers(numbers: Numbers) -> int:
    """A CRC-32 without its highest bit, so that the whole fits SQLite's signed integers."""
    uid, kind, author, role, occurred = numbers
    return crc32(_NUMBERS.pack(kind, author, -1 if role is None else role, occurred), crc32(uid)) >> 1
