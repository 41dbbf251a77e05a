"""Named queries of this folder's `.sql` files: read, rendered for SQLite, and run with values by name.

They run on connections with a part of DB-API 2.0 (PEP 249), or on those of an engine that renders named queries itself.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol, TypeAlias

from memkit.storage.core.banks import bank_meta

QUERY_FILES = ("queries.sql", "tables.sql", "callers.sql")
CHUNK_SIZES = (1, 8, 64, 500)  # long lists are cut and padded to these lengths, so that statements stay prepared
VALUE_PATTERN = re.compile(r":(\w+)")
LIST_PATTERN = re.compile(r"= ANY\(:(\w+)\)")

Values = Mapping[str, Any]


class Cursor(Protocol):
    """Rows of one statement."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchmany(self, size: int, /) -> list[Any]: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class DatabaseConnection(Protocol):
    """A connection inside one transaction, which takes SQL as it is rendered here."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor: ...

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> Any: ...


class NamedConnection:
    """A connection inside one transaction that runs named queries in a dialect of its own.

    A plain class: whether a connection is one is asked with every query.
    """

    def run_named(self, name: str, values: Values) -> Cursor:
        """See `run`."""
        raise NotImplementedError

    def run_rows(self, name: str, rows: Sequence[Values]) -> None:
        """Run a named statement for every row of its values; at least one."""
        raise NotImplementedError

    def run_over(self, name: str, values: Sequence[Any], others: Values) -> Cursor:
        """Run a named query over its list, of any length but none."""
        raise NotImplementedError

    def read_ahead(self, reads: Iterable[Callable[[], object]], trips: int = 1) -> None:
        """Run the first queries of these functions together; when they are called, the rows are here.

        The functions are called, and end where they look at rows that aren't here yet: so once for each of the round
        trips, of which one takes all of them a query further.
        """
        raise NotImplementedError

    def end_with_next(self) -> None:
        """End the transaction, which changes nothing, together with the rows that are read next."""
        raise NotImplementedError


Connection: TypeAlias = DatabaseConnection | NamedConnection


@dataclass(frozen=True)
class NamedQuery:
    """One named query, with the names of its single values and of its lists, each in the order of the text."""

    sql: str
    names: tuple[str, ...]
    lists: tuple[str, ...]
    pick: Callable[[Values], tuple[Any, ...]]  # the single values, from more that have a name

    @classmethod
    def parse(cls, sql: str) -> "NamedQuery":
        """Read the names in a query's text."""
        lists = tuple(dict.fromkeys(LIST_PATTERN.findall(sql)))
        names = tuple(name for name in dict.fromkeys(VALUE_PATTERN.findall(sql)) if name not in lists)
        return cls(sql, names, lists, _picker(names))

    @cached_property
    def plain(self) -> str:
        """The text of a query without lists, as SQLite takes it."""
        return self.render(())

    def render(self, sizes: Sequence[int]) -> str:
        """The text with numbered places, which bind three times as fast as names; lists, of these sizes, come last."""
        places = {name: f"?{number}" for number, name in enumerate(self.names, 1)}
        end = len(places)
        for name, size in zip(self.lists, sizes, strict=True):
            places[name] = ", ".join(f"?{end + n}" for n in range(1, size + 1))
            end += size
        sql = LIST_PATTERN.sub(lambda match: f"IN ({places[match[1]]})", self.sql)
        return VALUE_PATTERN.sub(lambda match: places[match[1]], sql)


def _picker(names: Sequence[str]) -> Callable[[Values], tuple[Any, ...]]:
    """Function that takes values by name, in this order."""
    if len(names) > 1:
        return itemgetter(*names)
    return (lambda values: (values[names[0]],)) if names else lambda values: ()


@cache
def queries() -> dict[str, NamedQuery]:
    """All queries, by name."""
    room = files("memkit.storage.sql")
    text = "\n".join(room.joinpath(name).read_text(encoding="utf-8") for name in QUERY_FILES)
    columns = dict(sections(text, "columns"))
    return {
        name: NamedQuery.parse(re.sub(r"\{(\w+)\}", lambda match: columns[match[1]], sql))
        for name, sql in sections(text)
    }


def sections(text: str, kind: str = "name") -> Iterator[tuple[str, str]]:
    """Names and texts of the sections of one kind in a file of queries."""
    for section in re.split(r"^-- (?=\w+: )", text, flags=re.MULTILINE):
        title, _, body = section.partition("\n")
        if title.startswith(f"{kind}: "):
            yield title.removeprefix(f"{kind}: ").strip(), body.strip()


@cache
def _rendered(name: str, sizes: tuple[int, ...]) -> str:
    return queries()[name].render(sizes)


def run(connection: Connection, name: str, /, **values: Any) -> Cursor:
    """Run one named query with its values; short lists are given as sequences."""
    if isinstance(connection, NamedConnection):
        return connection.run_named(name, values)
    query = queries()[name]
    if not query.lists:
        return connection.execute(query.plain, query.pick(values))
    lists = [values[name] for name in query.lists]
    return connection.execute(_rendered(name, tuple(map(len, lists))), (*query.pick(values), *chain(*lists)))


def run_many(connection: Connection, /, **statements: Iterable[Values]) -> None:
    """Run named statements in this order, each for every row of its values."""
    for name, rows in statements.items():
        if isinstance(connection, NamedConnection):
            if values := list(rows):
                connection.run_rows(name, values)
            continue
        query = queries()[name]
        ordered = list(map(query.pick, rows))
        if ordered:
            connection.executemany(query.plain, ordered)


def run_over(connection: Connection, name: str, values: Sequence[Any], /, **others: Any) -> list[tuple[Any, ...]]:
    """Rows of a named query over its list, of any length; in no order across the chunks."""
    return [row for cursor in _over(connection, name, values, others) for row in cursor.fetchall()]


def change_over(connection: Connection, name: str, values: Sequence[Any], /, **others: Any) -> list[Cursor]:
    """Run a named statement over its list, of any length; the cursors know how many rows it changed."""
    return list(_over(connection, name, values, others))


def _over(connection: Connection, name: str, values: Sequence[Any], others: Values) -> Iterator[Cursor]:
    if isinstance(connection, NamedConnection):
        if values:
            yield connection.run_over(name, values, others)
        return
    head = queries()[name].pick(others) if values else ()
    for chunk in chunked(values):
        yield connection.execute(_rendered(name, (len(chunk),)), (*head, *chunk))


def empty_bank(connection: Connection, bank: int) -> None:
    """Remove all that belongs to a bank but its own row and its receipts."""
    for name in queries():
        if name.startswith("empty_bank."):
            run(connection, name, bank=bank)


def drop_bank(connection: Connection, bank: int) -> None:
    """Remove a bank's own row, and the store's notes on it."""
    run(connection, "drop_bank_meta", meta_keys=bank_meta(bank))
    run(connection, "drop_bank", bank=bank)


def chunked(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts of a list, each of one of the lengths in CHUNK_SIZES; the last value fills up."""
    if len(values) in CHUNK_SIZES:
        yield values
        return
    for start in range(0, len(values), CHUNK_SIZES[-1]):
        part = values[start : start + CHUNK_SIZES[-1]]
        size = next(size for size in CHUNK_SIZES if size >= len(part))
        yield [*part, *([part[-1]] * (size - len(part)))]
