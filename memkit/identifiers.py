"""Ids: UUIDv7, whose order is the order of recording."""

import secrets
from datetime import datetime
from itertools import count

from memkit.times import to_micros

_counter = count(secrets.randbits(31))


def uuid7(at: datetime) -> str:
    """A new UUIDv7 of this moment; of one moment, those that this process made later are greater.

    After the milliseconds come 32 bits that count, from a random start (RFC 9562, 6.2), then 42 random ones.
    """
    number = next(_counter) & 0xFFFF_FFFF
    first, second = number >> 20, number & 0xF_FFFF
    head = (max(to_micros(at), 0) // 1000) << 80 | 7 << 76 | first << 64
    digits = f"{head | 2 << 62 | second << 42 | secrets.randbits(42):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
