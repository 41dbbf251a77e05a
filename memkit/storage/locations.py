"""Locations of databases: a file's path, or a server's URL."""

from memkit.errors import StorageError

SERVER_SCHEMES = ("postgresql", "postgres")

WAYS_BY_VERB = {
    "back up": "Use pg_dump, or pg_basebackup and the archive of its log; `memkit receipts --out` beside it.",
    "restore": "Use pg_restore or recover to a point in time, then `memkit erase --replay RECEIPTS`, which erases "
    "again what was erased since.",
    "repair": "It recovers by itself; where it can't, go back to a backup. `memkit doctor --repair` mends the rest.",
}


def is_server(location: str) -> bool:
    """Whether a location is the URL of a database server."""
    return location.partition("://")[0].lower() in SERVER_SCHEMES and "://" in location


def public_name(location: str) -> str:
    """A location as it may be shown: of a URL the user, host and database, never the password or the options.

    A password may hold any sign, also where it should have been percent-encoded: the last @ ends it.
    """
    if not is_server(location):
        return location
    scheme, _, rest = location.partition("://")
    login, at, where = rest.partition("?")[0].partition("#")[0].rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}{at}{where}"


def server_error(verb: str, location: str) -> StorageError:
    """The error of a verb that a server does itself, with its way: "back up", "restore" or "repair"."""
    return StorageError(
        f"{verb.replace(' ', '')}: {public_name(location)} is PostgreSQL's to {verb}. {WAYS_BY_VERB[verb]}"
    )
