"""The way in: `memkit.connect`."""

from typing import TYPE_CHECKING

from memkit.errors import InputError
from memkit.serve.client.address import Address
from memkit.serve.client.line import LineOptions
from memkit.serve.client.store import RemoteStore

if TYPE_CHECKING:
    import ssl

    from memkit.banks import Store
    from memkit.store import MemoryStore

    def are_alike(here: MemoryStore, there: RemoteStore) -> tuple[Store, Store]:
        """A store here and one of a server as what both are: it is mypy that says so."""
        return here, there


MAX_TRIES = 4


def connect(
    url: str, *, token: str | None = None, timeout: float = 30.0, tries: int = MAX_TRIES,
    allow_plain_http: bool = False, ssl_context: "ssl.SSLContext | None" = None,
) -> RemoteStore:  # fmt: skip
    """A store that `memkit serve` holds at an address, with a store's and a bank's own methods; asks nothing yet.

    `token`: an access token; without it that of the environment variable MEMKIT_TOKEN. It is sent over http to this
    machine alone, unless `allow_plain_http`. `timeout`: seconds for one answer. `tries`: how often a call is sent, at
    most, where that does no harm: the server can't be reached, the connection broke off, or it asks to come again.
    `ssl_context`: for certificates of one's own. Raises InputError, MissingExtraError.
    """
    if not timeout > 0 or isinstance(tries, bool) or tries < 1:
        raise InputError("connect: timeout is seconds, above 0, and tries a number of 1 or more.")
    address = Address.of(url, token, allow_plain_http=allow_plain_http)
    return RemoteStore(address, LineOptions(timeout, tries, ssl_context or address.ssl_context()))
