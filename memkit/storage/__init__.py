"""Storage of banks: one SQLite file, or dicts in memory; both implement protocols.Storage."""

from pathlib import Path
from typing import TYPE_CHECKING

from memkit.errors import UnwritablePathError
from memkit.settings import RuntimeSettings

if TYPE_CHECKING:
    from memkit.protocols import Storage

MEMORY_LOCATION = ":memory:"


def open_storage(location: str, *, read_only: bool = False, settings: RuntimeSettings | None = None) -> "Storage":
    """Open the database at a path, created where it isn't there; ":memory:" gives the twin made of dicts.

    Raises UnwritablePathError, NotADatabaseError, NewerVersionError, ReadOnlyError or CorruptError.
    """
    if location == MEMORY_LOCATION:
        from memkit.storage.inmemory.storage import MemoryStorage

        return MemoryStorage(read_only=read_only)
    if not location.strip() or "\0" in location:
        raise UnwritablePathError('location: is no path. Give a file\'s path, or ":memory:".')
    from memkit.storage.sqlite.storage import SqliteStorage

    path = Path(location).expanduser().absolute()
    return SqliteStorage(path, read_only=read_only, settings=settings or RuntimeSettings())


__all__ = ["MEMORY_LOCATION", "open_storage"]
