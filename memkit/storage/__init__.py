"""Storage of banks: one SQLite file, a PostgreSQL server, or dicts in memory; all implement protocols.Storage."""

from pathlib import Path
from typing import TYPE_CHECKING

from memkit.errors import MissingExtraError, UnwritablePathError
from memkit.settings import RuntimeSettings
from memkit.storage.locations import is_server

if TYPE_CHECKING:
    from memkit.protocols import Storage

MEMORY_LOCATION = ":memory:"


def open_storage(location: str, *, read_only: bool = False, settings: RuntimeSettings | None = None) -> "Storage":
    """Open the database at a path, created where it isn't there; ":memory:" gives the twin made of dicts.

    "postgresql://..." opens one on a server. Raises UnwritablePathError, NotADatabaseError, NewerVersionError,
    ReadOnlyError, CorruptError; of a server UnreachableServerError, PermissionDeniedError, UnsuitableServerError, or
    MissingExtraError.
    """
    if location == MEMORY_LOCATION:
        from memkit.storage.inmemory.storage import MemoryStorage

        return MemoryStorage(read_only=read_only)
    if is_server(location):
        return _open_server(location, read_only=read_only, settings=settings or RuntimeSettings())
    if not location.strip() or "\0" in location:
        raise UnwritablePathError('location: is no path. Give a file\'s path, or ":memory:".')
    from memkit.storage.sqlite.storage import SqliteStorage

    path = Path(location).expanduser().absolute()
    return SqliteStorage(path, read_only=read_only, settings=settings or RuntimeSettings())


def _open_server(location: str, *, read_only: bool, settings: RuntimeSettings) -> "Storage":
    try:
        from memkit.storage.postgres.storage import PostgresStorage
    except ImportError as error:
        if error.name is None or not error.name.startswith("psycopg"):
            raise
        raise MissingExtraError(
            "postgresql://: a database on a server needs psycopg. Install it: pip install 'memkit-agents[postgres]'"
        ) from None
    from memkit.storage.postgres.location import Location

    return PostgresStorage(Location.parse(location), read_only=read_only, settings=settings)


__all__ = ["MEMORY_LOCATION", "open_storage"]
