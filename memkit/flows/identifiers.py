"""Ids: UUIDv7, whose order is the order of recording."""

from datetime import datetime

import uuid_utils

from memkit.times import to_micros


def uuid7(at: datetime) -> str:
    """A new UUIDv7 of this moment; several of one moment differ in their random part."""
    seconds, micros = divmod(max(to_micros(at), 0), 1_000_000)
    return str(uuid_utils.uuid7(timestamp=seconds, nanos=micros * 1000))
