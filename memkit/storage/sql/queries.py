"""The named queries of `queries.sql`, and running them over long lists of values."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from memkit.storage.sql.connection import Connection, Cursor

CHUNKS = (1, 8, 64, 500)  # lists are cut and padded to these lengths, so that statements stay prepared


@cache
def queries() -> dict[str, str]:
    """All queries, by name."""
    text = files("memkit.storage.sql").joinpath("queries.sql").read_text(encoding="utf-8")
    blocks = text.split("-- name: ")[1:]
    return {name.strip(): sql.strip() for name, sql in (block.split("\n", 1) for block in blocks)}


def run(connection: Connection, name: str, *values: Any) -> Cursor:
    """One named query."""
    return connection.execute(queries()[name], values)


def run_many(connection: Connection, name: str, rows: Sequence[Sequence[Any]]) -> None:
    """A named statement for every row of values."""
    if rows:
        connection.executemany(queries()[name], rows)


def run_over(
    connection: Connection, name: str, head: Sequence[Any], values: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """A named query over a list of any length; rows in no order across its chunks."""
    for chunk in chunked(values):
        yield from connection.execute(_sized(name, len(chunk)), (*head, *chunk)).fetchall()


def change_over(connection: Connection, name: str, head: Sequence[Any], values: Sequence[Any]) -> int:
    """A named statement over a list of any length; how many rows it changed."""
    return sum(connection.execute(_sized(name, len(chunk)), (*head, *chunk)).rowcount for chunk in chunked(values))


def chunked(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts of a list, each of one of the lengths in CHUNKS; the last value fills up."""
    for start in range(0, len(values), CHUNKS[-1]):
        part = values[start : start + CHUNKS[-1]]
        size = next(size for size in CHUNKS if size >= len(part))
        yield [*part, *([part[-1]] * (size - len(part)))]


@cache
def _sized(name: str, size: int) -> str:
    return queries()[name].replace("?*", ", ".join("?" * size))
