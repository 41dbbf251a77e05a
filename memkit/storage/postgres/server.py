"""Settings that a server must have for memkit to keep its promises: asked once, when a store is opened."""

import warnings
from typing import Any

from memkit.errors import UnsafeServerWarning, UnsuitableServerError
from memkit.storage.postgres.session import Raw

MIN_VERSION = 140000  # PostgreSQL 14
CHECKED_SETTINGS = ("server_version_num", "server_encoding", "fsync", "full_page_writes", "synchronous_commit")
SETTINGS_QUERY = b"SELECT pg_backend_pid(), " + b", ".join(
    f"current_setting('{name}')".encode() for name in CHECKED_SETTINGS
)
UNSAFE_WORDS = "{place}: the server runs with {name} = off: a crash of its machine may lose or damage what was stored."


def check(raw: Raw, place: str) -> tuple[bool, bool]:
    """Whether a pooler stands in between, and whether commits must be made durable by each transaction.

    Raises UnsuitableServerError; warns with UnsafeServerWarning.
    """
    row: Any = raw.execute(SETTINGS_QUERY).fetchone()
    backend, *values = row
    settings = dict(zip(CHECKED_SETTINGS, values, strict=True))
    if int(settings["server_version_num"]) < MIN_VERSION:
        raise UnsuitableServerError(f"{place}: the server is older than PostgreSQL 14. Update it.")
    if settings["server_encoding"] != "UTF8":
        raise UnsuitableServerError(
            f"{place}: the database's encoding is {settings['server_encoding']}, which can't hold every text. Make one "
            "in UTF-8: createdb --encoding=UTF8 --template=template0 NAME"
        )
    for name in ("fsync", "full_page_writes"):
        if settings[name] == "off":
            warnings.warn(UNSAFE_WORDS.format(place=place, name=name), UnsafeServerWarning, stacklevel=2)
    return backend != raw.info.backend_pid, settings["synchronous_commit"] == "off"
