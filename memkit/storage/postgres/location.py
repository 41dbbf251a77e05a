"""Location of a database on a server: libpq's URL, with memkit's own options taken out of its query.

`schema` (default "memkit"), `partitions` (of each table by the bank's hash, where the schema is made by this opening;
default 0: none), `prepare` ("on" or "off"; without it found out), `pool` (connections at most, default 8). All others
are libpq's, for example `sslmode` and `target_session_attrs`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from memkit.errors import UnknownOptionError
from memkit.storage.locations import public_name

SCHEMA_PATTERN = re.compile(r"[a-z_][a-z0-9_]{0,62}")
MAX_PARTITIONS = 1024
MAX_POOL = 1000


@dataclass(frozen=True)
class Location:
    """`url`: for libpq; `shown`: without password and options, for errors and logs."""

    url: str
    shown: str
    schema: str = "memkit"
    partitions: int = 0
    prepare: bool | None = None
    pool: int = 8

    def __repr__(self) -> str:
        return f"Location({self.shown})"

    @classmethod
    def parse(cls, location: str) -> "Location":
        """Read a location. Raises UnknownOptionError."""
        parts = urlsplit(location)
        options = parse_qsl(parts.query, keep_blank_values=True)
        own = {name: OPTION_READERS[name](value) for name, value in options if name in OPTION_READERS}
        rest = urlencode([(name, value) for name, value in options if name not in OPTION_READERS])
        return cls(urlunsplit(parts._replace(query=rest, fragment="")), public_name(location), **own)


def _schema(value: str) -> str:
    if not SCHEMA_PATTERN.fullmatch(value) or value.startswith("pg_"):
        raise UnknownOptionError(
            "schema: a schema's name is made of small letters, digits and _, up to 63, and doesn't begin with pg_."
        )
    return value


def _number(name: str, least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isdecimal() or not least <= int(value) <= most:
            raise UnknownOptionError(f"{name}: must be a whole number from {least} to {most}.")
        return int(value)

    return read


def _switch(value: str) -> bool:
    if value not in ("on", "off"):
        raise UnknownOptionError('prepare: must be "on" or "off".')
    return value == "on"


OPTION_READERS: dict[str, Callable[[str], Any]] = {
    "schema": _schema,
    "partitions": _number("partitions", 0, MAX_PARTITIONS),
    "prepare": _switch,
    "pool": _number("pool", 1, MAX_POOL),
}
