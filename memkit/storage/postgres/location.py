"""Location of a database on a server: libpq's URL, with memkit's own options taken out of its query.

`schema` (default "memkit"), `partitions` (of each table by the bank's hash, where the schema is made by this opening;
default 0: none), `prepare` ("on" or "off"; without it found out), `pool` (connections at most, default 8). All others
are libpq's, for example `sslmode` and `target_session_attrs`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from memkit.errors import InputError, UnknownOptionError
from memkit.storage.locations import public_name

SCHEMA_PATTERN = re.compile(r"[a-z_][a-z0-9_]{0,62}")
MAX_PARTITIONS = 1024
MAX_POOL = 1000
LIBPQ_OPTIONS = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}


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
        address, _, query = location.partition("?")
        pairs = (option.partition("=") for option in query.split("&") if option)
        options = [(unquote(name), unquote(value)) for name, _, value in pairs]  # a + stands for itself
        unknown = sorted({name for name, _ in options} - set(OPTION_READERS) - LIBPQ_OPTIONS)
        if unknown:
            raise UnknownOptionError(
                f"{public_name(location)}: the URL has no option {', '.join(unknown)}. memkit's own are "
                f"{', '.join(OPTION_READERS)}; all others are libpq's, such as sslmode and connect_timeout."
            )
        own = {name: OPTION_READERS[name](value) for name, value in options if name in OPTION_READERS}
        rest = urlencode([option for option in options if option[0] not in OPTION_READERS], quote_via=quote)
        return cls(_readable(f"{address}?{rest}" if rest else address, location), public_name(location), **own)


def _readable(url: str, location: str) -> str:
    """The URL, if libpq can read it. Raises InputError."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # whose words may hold the password
        raise InputError(
            f"{public_name(location)}: is no URL that libpq can read: postgresql://user:password@host:5432/database. "
            "Percent-encode what is special in a password: @ as %40, / as %2F, % as %25."
        ) from None
    return url


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
