"""Checksums of what is stored: SQLite finds a page that is damaged in its structure, not one with other contents.

A text's checksum holds two CRC-32: that of its words below, that of the fixed numbers of its memory above.
"""

import struct
from collections.abc import Callable, Sequence
from functools import reduce, wraps
from typing import Any, ParamSpec, TypeVar
from zlib import crc32

from memkit.errors import CorruptError

P = ParamSpec("P")
T = TypeVar("T")
Numbers = Sequence[Any]  # uid, kind, author, role, occurred_at, as they are stored
DAMAGE_REMEDY = "Run memkit doctor --repair, or go back to a backup."
DECODING_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    struct.error,
)  # raised by decoding damaged bytes
_NUMBERS_FORMAT = struct.Struct("<bbbq")
_TEXT_MASK = 2**32 - 1


class Decoding:
    """Turns errors of decoding stored bytes into a CorruptError, in a block or as a decorator.

    contextlib's take three times as long, and every read goes through one.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, *raised: object) -> None:
        if isinstance(raised[1], DECODING_ERRORS):  # whose own message may hold text
            raise corrupt_error(self._what) from None

    def __call__(self, decode: Callable[P, T]) -> Callable[P, T]:
        """The same function, whose errors are turned."""

        @wraps(decode)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return decode(*args, **kwargs)
            except DECODING_ERRORS:
                raise corrupt_error(self._what) from None

        return guarded


def decoding(what: str) -> Decoding:
    """Turn errors of decoding stored bytes into a CorruptError; put it around nothing else."""
    return Decoding(what)


def corrupt_error(what: str) -> CorruptError:
    """The error for stored bytes that aren't what was written."""
    return CorruptError(f"{what} isn't what was written: the file is damaged. {DAMAGE_REMEDY}")


def vector_checksum(*parts: bytes | None) -> int:
    """The checksum of a row with a vector, its passages and its tokens."""
    return reduce(lambda checksum, part: crc32(part or b"", checksum), parts, 0)


def text_checksum(text: str | None, payload: str | None) -> int:
    """The checksum of a row with words."""
    return crc32((payload or "").encode(), crc32((text or "").encode()))


def memory_checksum(text: str, payload: str, numbers: Numbers) -> int:
    """The checksum of a memory's row of words."""
    return _numbers_checksum(numbers) << 32 | text_checksum(text, payload)


def is_memory_intact(checksum: int, text: str | None, payload: str | None, numbers: Numbers) -> bool:
    """Whether words and numbers are those that were written."""
    return is_text_intact(checksum, text, payload) and checksum >> 32 == numbers_checksum(numbers)


def numbers_checksum(numbers: Numbers) -> int | None:
    """The part of a checksum that says whose words they are; None for what can't be numbers of a memory."""
    try:
        return _numbers_checksum(numbers)
    except (struct.error, TypeError):
        return None


def is_text_intact(checksum: int, text: str | None, payload: str | None) -> bool:
    """Whether words are those that were written."""
    try:
        return checksum & _TEXT_MASK == text_checksum(text, payload)
    except DECODING_ERRORS:  # not even values of the right type
        return False


def is_vector_intact(checksum: int, *parts: bytes | None) -> bool:
    """Whether a vector, its passages and its tokens are those that were written."""
    try:
        return checksum == vector_checksum(*parts)
    except DECODING_ERRORS:
        return False


def _numbers_checksum(numbers: Numbers) -> int:
    """A CRC-32 without its highest bit, so that the whole fits SQLite's signed integers."""
    uid, kind, author, role, occurred = numbers
    return crc32(_NUMBERS_FORMAT.pack(kind, author, -1 if role is None else role, occurred), crc32(uid)) >> 1
