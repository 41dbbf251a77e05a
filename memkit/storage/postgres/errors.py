"""PostgreSQL's errors as memkit's. Messages hold no values, and nothing of a location but server and database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from memkit.errors import (
    BusyError,
    CorruptError,
    DiskFullError,
    InputError,
    InvalidTextError,
    MemkitError,
    NewerVersionError,
    PermissionDeniedError,
    ReadOnlyError,
    StorageError,
    UnreachableServerError,
)

RETRIED_STATES = ("40001", "40P01")  # serialisation failure, deadlock
UNPREPARED_STATES = ("26000", "42P05", "08P01")  # a statement isn't there, or is there already: a pooler in between
REFUSED_OPTION = re.compile(  # as libpq and psycopg say it
    r'(?:invalid|bad) (?:value for )?(\w+)(?: value| number)?: ["\']|'
    r'invalid \w+ value "[^"]*" for connection option "(\w+)"'
)
UNREACHABLE_WORDS = "the server can't be reached, or went away. Look whether it runs and takes connections; call again."
ERRORS_BY_STATE: dict[str, tuple[type[MemkitError], str]] = {
    "53100": (DiskFullError, "no room left on the server's disk; nothing of this call was stored."),
    "53200": (BusyError, "the server has no memory left. Call again, or give it more."),
    "53300": (BusyError, "the server takes no more connections. Open with a smaller pool, or raise max_connections."),
    "55P03": (
        BusyError,
        "another worker held the bank's lock for too long. Call again, or wait longer with "
        "settings.runtime.busy_timeout.",
    ),
    "57014": (BusyError, "the server cut a statement off (statement_timeout). Call again, or allow more time."),
    "0A000": (ReadOnlyError, "the server takes no writes: it is a standby. (Or its tables changed: open it again.)"),
    "25006": (ReadOnlyError, "the server takes no writes: it is a standby, or the role is read-only."),
    "42501": (
        PermissionDeniedError,
        "the role may not do this. Grant it what memkit/POSTGRESQL.md lists under roles.",
    ),
    "42P01": (NewerVersionError, "a table is not as this memkit made it: a newer one changed it. Update memkit."),
    "42703": (NewerVersionError, "a column is not as this memkit made it: a newer one changed it. Update memkit."),
    "3D000": (UnreachableServerError, "there is no such database on the server. Make it first: createdb NAME"),
    "28P01": (PermissionDeniedError, "the server refused user and password."),
    "28000": (PermissionDeniedError, "the server refused the role (pg_hba.conf)."),
    "22021": (InvalidTextError, "a text holds what the server can't store."),
}
ERRORS_BY_CLASS: dict[str, tuple[type[MemkitError], str]] = {
    "08": (UnreachableServerError, UNREACHABLE_WORDS),
    "57": (UnreachableServerError, UNREACHABLE_WORDS),
    "XX": (CorruptError, "the server found damaged data. Look at its log, and go back to a backup."),
}


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone with it."""
    state = error.sqlstate
    return isinstance(error, psycopg.OperationalError) and (
        state is None or (state[:2] in ("08", "57") and state != "57014")
    )


@contextmanager
def translated(place: str) -> Iterator[None]:
    """PostgreSQL's errors as memkit's."""
    try:
        yield
    except psycopg.Error as error:
        raise translation(error, place) from None
    except UnicodeEncodeError:
        raise InvalidTextError("a text holds a lone surrogate, which is no Unicode text.") from None


def translation(error: psycopg.Error, place: str) -> Exception:
    """The error of memkit's for one of PostgreSQL's."""
    if error.sqlstate is None and isinstance(error, psycopg.DataError):
        return InvalidTextError("a text holds a NUL character, which PostgreSQL can't store.")
    refused = REFUSED_OPTION.search(str(error)) if error.sqlstate is None else None
    if refused is not None:
        return InputError(f"{place}: libpq doesn't take the value of the URL's option {refused[1] or refused[2]}.")
    if is_lost(error) and error.sqlstate is None:
        kind, words = _login(str(error)) or (UnreachableServerError, UNREACHABLE_WORDS)
    else:
        state = error.sqlstate or ""
        kind, words = (
            ERRORS_BY_STATE.get(state)
            or ERRORS_BY_CLASS.get(state[:2])
            or (StorageError, f"PostgreSQL refused a statement (SQLSTATE {state}). Its log says more.")
        )
    return kind(f"{place}: {words}")


def _login(message: str) -> tuple[type[MemkitError], str] | None:
    """Error of a refused login; libpq gives no state for it."""
    if "authentication failed" in message or "no password supplied" in message:
        return ERRORS_BY_STATE["28P01"]
    if "pg_hba.conf" in message or ("role" in message and "does not exist" in message):
        return ERRORS_BY_STATE["28000"]
    if "database" in message and "does not exist" in message:
        return ERRORS_BY_STATE["3D000"]
    if "too many clients" in message or "remaining connection slots" in message:
        return ERRORS_BY_STATE["53300"]
    return None
