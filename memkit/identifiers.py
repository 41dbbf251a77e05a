"""Ids: UUIDv7, whose order is the order of recording."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count
from urllib.parse import quote, unquote

from memkit.times import to_micros

UUID7_PATTERN = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")  # RFC 9562
UUID_BYTES = 16
MESSAGE_ID_KEY = "message_id"  # metadata of a turn: the id that its source gave it
_counter = count(secrets.randbits(31))


def uuid7(at: datetime) -> str:
    """A new UUIDv7 of this moment; of one moment, those that this process made later are greater.

    After the milliseconds come 32 bits that count, from a random start (RFC 9562, 6.2), then 42 random ones.
    """
    number = next(_counter) & 0xFFFF_FFFF
    first, second = number >> 20, number & 0xF_FFFF
    head = (max(to_micros(at), 0) // 1000) << 80 | 7 << 76 | first << 64
    return _grouped(f"{head | 2 << 62 | second << 42 | secrets.randbits(42):032x}")


def uuid_text(uid: bytes) -> str:
    """A UUID of 16 bytes in its usual form. Raises ValueError for bytes of another length."""
    if len(uid) != UUID_BYTES:
        raise ValueError("a UUID has 16 bytes")
    return _grouped(uid.hex())


def _grouped(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@lru_cache(maxsize=16_384)
def uuid7_bytes(id: str) -> bytes | None:
    """The 16 bytes of a UUIDv7 in its usual form; None for any other id."""
    return bytes.fromhex(id.replace("-", "")) if UUID7_PATTERN.fullmatch(id) else None


def bank_path(name: Sequence[str]) -> str:
    """A bank's name on one line, as the command line takes it: "acme/ana"; what would break it is percent-encoded."""
    return "/".join("".join(map(_in_path, part)) for part in name)


def _in_path(character: str) -> str:
    is_plain = character.isprintable() and character not in "/%"
    return character if is_plain else quote(character, safe="")


def bank_name(path: str) -> tuple[str, ...]:
    """The inverse of `bank_path`."""
    return tuple(map(unquote, path.split("/")))
