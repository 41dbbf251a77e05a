"""Names of banks and time zones, as they are stored."""

import json
from zoneinfo import ZoneInfo

from memkit.errors import InvalidNameError, UnknownOptionError
from memkit.protocols import BankName


def checked_name(name: BankName) -> BankName:
    """A tuple of at least one storable string. Raises InvalidNameError."""
    parts = tuple(name)
    if not parts or not all(isinstance(part, str) and part for part in parts):
        raise InvalidNameError('a bank\'s name is one or more non-empty strings, for example ("acme", "ana").')
    try:
        "".join(parts).encode()
    except UnicodeEncodeError:
        raise InvalidNameError("a bank's name holds a lone surrogate, which is no Unicode text.") from None
    return parts


def checked_zone(zone: str) -> str:
    """An IANA zone that exists here. Raises UnknownOptionError."""
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, KeyError):
        raise UnknownOptionError(
            f"zone: {zone!r} is no time zone known here. Give an IANA name, for example 'Europe/Lisbon'."
        ) from None


def name_key(name: BankName) -> str:
    """A bank's name as one string: a JSON array."""
    return json.dumps(list(name), ensure_ascii=False, separators=(",", ":"))


def prefix_range(prefix: BankName) -> tuple[str, str]:
    """Lower and upper bound of the keys of all names that start with these parts."""
    start = name_key(prefix)[:-1]
    return start, start + "\U0010ffff"
