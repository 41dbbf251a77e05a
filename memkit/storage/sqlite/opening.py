"""Opening a SQLite file: its path, its owner and its format are checked, and a new one is created."""

from pathlib import Path

from memkit.errors import ReadOnlyError, UnwritablePathError
from memkit.storage.sqlite.connections import Connections
from memkit.storage.sqlite.filesystem import check_shareable, writable
from memkit.storage.sqlite.migrations import is_current, migrate


def prepare(connections: Connections) -> None:
    """Make the file ready for use; a file that isn't memkit's is left as it was.

    Raises UnwritablePathError, NetworkPathError, NotADatabaseError, NewerVersionError, OtherDraftError, ReadOnlyError
    or CorruptError.
    """
    path, read_only = connections.path, connections.read_only
    _check_path(path, read_only=read_only)
    with connections.borrowed() as connection:
        ready = connections.retry_while_busy(lambda: is_current(connection, path))
        if read_only and not ready:
            raise ReadOnlyError(
                f"{path}: must be made or brought to this version first. Open it once without read_only."
            )
        if not read_only:
            connections.retry_while_busy(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
    if ready:
        return
    with connections.writing() as connection:
        if not is_current(connection, path):  # another process may have been first
            migrate(connection)


def _check_path(path: Path, *, read_only: bool) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise UnwritablePathError(f"{path}: its folder doesn't exist. Make it first: mkdir -p {folder}")
    if path.is_dir():
        raise UnwritablePathError(f"{path}: is a folder. Give the path of a file in it.")
    check_shareable(path)
    if read_only:
        if not path.exists():
            raise UnwritablePathError(f"{path}: doesn't exist, and read_only makes no file.")
        return
    target = path if path.exists() else folder
    if not writable(target) or not writable(folder):
        raise UnwritablePathError(
            f"{path}: may not be written. Change its rights, give another path, or open it with read_only."
        )
