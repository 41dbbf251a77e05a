"""Access tokens of a database, opened and shown, for the commands on them."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime

from rich.table import Table

from memkit.access import AccessToken
from memkit.cli.output import new_table, shown
from memkit.identifiers import bank_path
from memkit.runtime.access import Access
from memkit.storage import open_storage
from memkit.times import utc_now

TOKEN_COLUMNS = ("id", "name", "under", "rights", "ends", "state")
ID_CHARS = 36


@contextmanager
def opened_access(db: str, *, read_only: bool = False) -> Iterator[Access]:
    """The access tokens of a database, without a store over it, whose modules are many."""
    with closing(open_storage(db, read_only=read_only)) as storage:
        yield Access(storage, utc_now)


def tokens_table(tokens: Sequence[AccessToken], now: datetime) -> Table:
    """Tokens, and whether they count."""
    return new_table(TOKEN_COLUMNS, (_cells(token, now) for token in tokens), least={"id": ID_CHARS})


def _cells(token: AccessToken, now: datetime) -> tuple[str, ...]:
    ends = f"{token.expires_at:%Y-%m-%d %H:%M}" if token.expires_at else "never"
    return token.id, shown(token.name), under(token), ", ".join(token.rights), ends, _state(token, now)


def under(token: AccessToken) -> str:
    """The banks of a token, in words."""
    return ", ".join(shown(bank_path(prefix)) or "all banks" for prefix in token.prefixes)


def _state(token: AccessToken, now: datetime) -> str:
    if token.is_valid(now):
        return "valid"
    return "expired" if token.revoked_at is None else f"revoked {token.revoked_at:%Y-%m-%d}"
