"""Queries of one bank's view, and reading ahead: what will be read is read together, where a server is far."""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from memkit.models import BankState
from memkit.protocols import BankView
from memkit.storage.core.banks import BankRow
from memkit.storage.core.base_view import View
from memkit.storage.core.blocks import ROW_PART, SKETCH_PART, TERM_PART
from memkit.storage.core.hashing import Hasher
from memkit.storage.sql.queries import Connection, Cursor, NamedConnection, run, run_over
from memkit.storage.sql.row_blocks import rows_of_blocks, too_many_moved

T = TypeVar("T")
Sources = dict[int, tuple[int, ...]]
AHEAD_ROWS = 20_000  # of a bank, up to which all that an index needs is read in one round trip


class QueryingView(View):
    """The part of a view that runs queries over a connection that is inside a transaction."""

    def __init__(self, connection: Connection, row: BankRow) -> None:
        self.connection = connection
        self.row = row
        self.bank = row.bank
        self.hasher = Hasher(row.key)
        self.next_seq, self.next_exchange = row.next_seq, row.next_exchange
        self._known_names: dict[int, str] = {}  # read together with what is linked with them

    @cached_property
    def state(self) -> BankState:  # type: ignore[override]
        """The bank's state, made where it is asked for."""
        return self.row.to_state()

    def _run(self, name: str, **values: Any) -> Cursor:
        return run(self.connection, name, bank=self.bank, **values)

    def _seqs(self, name: str, **values: Any) -> list[int]:
        return [row[0] for row in self._run(name, **values)]

    def _over(self, name: str, values: Iterable[Any], **others: Any) -> list[tuple[Any, ...]]:
        chosen = list(dict.fromkeys(values))
        return run_over(self.connection, name, chosen, bank=self.bank, **others) if chosen else []

    def read_ahead(self, *reads: Callable[[BankView], object], trips: int = 1) -> None:
        """Read what these functions read first together, where a server is far; they are called more than once."""
        if isinstance(self.connection, NamedConnection):
            self.connection.read_ahead((partial(read, self) for read in reads), trips)

    def read_last(self, read: Callable[[BankView], T]) -> T:
        """Value of the last read of this view, with which a server ends the snapshot."""
        if isinstance(self.connection, NamedConnection):
            self.connection.end_with_next()
        return read(self)

    def read_ahead_since(self, since: int) -> None:
        """Read together what an index needs to be brought up from a change number; of a large bank one by one."""
        if isinstance(self.connection, NamedConnection) and self.row.size <= AHEAD_ROWS:
            self.connection.read_ahead(partial(read, since) for read in self._reads_since(bool(since)))

    def _reads_since(self, is_loaded: bool) -> list[Callable[[int], object]]:
        """Reads of an index, each of one query."""
        parts = (SKETCH_PART, TERM_PART)
        rows: list[Callable[[int], object]] = [
            lambda since: too_many_moved(self.connection, self.bank, self.row.size),
            lambda since: next(rows_of_blocks(self.connection, self.bank), None),
            lambda since: self._run("index_rows_unblocked", part=ROW_PART),
            lambda since: self._run("index_rows_moved"),
        ]
        return [
            self._links,
            *([lambda since: self._changed("index_rows", since)] if is_loaded else rows),
            *(partial(self._run_since, name, part) for name in ("blocks", "unsealed") for part in parts),
            lambda since: self.speakers(),
            lambda since: self.mentions(("standing",)),
        ]

    def _run_since(self, name: str, part: int, since: int) -> Cursor:
        return self._run(name, part=part, since=since)

    def _changed(self, name: str, since: int) -> Cursor:
        return self._run(f"{name}_since", since=since) if since else self._run(name)

    def _links(self, since: int) -> Sources:
        return grouped(self._changed("links", since))


def of_view(read: Callable[[], object]) -> Callable[[BankView], object]:
    """A read that needs no view, as a function of one."""
    return lambda view: read()


def grouped(pairs: Iterable[tuple[int, int]]) -> Sources:
    """The second numbers of pairs by the first, in order."""
    by_first = groupby(sorted(pairs), key=itemgetter(0))
    return {first: tuple(second for _, second in own) for first, own in by_first}
