"""A new database from what can still be read of a damaged one; the damaged one is kept beside it."""

import json
import os
import secrets
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from memkit.errors import BusyError, NotADatabaseError
from memkit.storage.core.blocks import TERM_PART, unpack_terms
from memkit.storage.core.checksums import bytes_intact, words_intact
from memkit.storage.sqlite.connections import BUSY_CODES, connect, primary_code, translated
from memkit.storage.sqlite.migrations import migrate
from memkit.storage.sqlite.pages import Pages, Row, Value
from memkit.storage.sqlite.repair.reconcile import reconcile

TYPES: dict[str, tuple[type, ...]] = {"INTEGER": (int,), "REAL": (int, float), "TEXT": (str,), "BLOB": (bytes,)}
OWN = ("migration",)  # tables that the new database has already
UNSHAPED = ("source", "tag", "band", "exchange_turn", "lease")  # can't be told from indexes by their looks
MIRRORS = {  # indexes whose entries are whole rows of a table, the last two of three columns the other way round
    "source_back": "source",
    "tag_back": "tag",
    "band_back": "band",
    "exchange_turn_seq": "exchange_turn",
}


@dataclass(frozen=True)
class Table:
    """What rows of a table look like: the types of their columns, None allowed or not."""

    name: str
    rowid: bool
    columns: tuple[tuple[str, bool], ...]

    def fits(self, row: Row) -> bool:
        """Whether this may be a row of the table."""
        if (row.rowid is not None) != self.rowid:
            return False
        values = self.padded(row)
        if len(values) != len(self.columns):
            return False
        return all(_of_type(v, kind, needed) for v, (kind, needed) in zip(values, self.columns, strict=True))

    def padded(self, row: Row) -> tuple[Value, ...]:
        """The row's values; columns that were added later are NULL, an integer key is the rowid."""
        values = row.values + (None,) * (len(self.columns) - len(row.values) if self.name == "content" else 0)
        return (row.rowid, *values[1:]) if row.rowid is not None and values and values[0] is None else values


def _of_type(value: Value, kind: str, needed: bool) -> bool:
    return not needed if value is None else isinstance(value, TYPES[kind])


@dataclass
class Salvaged:
    """The rows that are whole, by table; names of banks by number; how many contents are not what was written."""

    rows: dict[str, list[tuple[Value, ...]]] = field(default_factory=lambda: defaultdict(list))
    names: dict[int, str] = field(default_factory=dict)
    broken: int = 0


def recover(path: Path) -> list[str]:
    """Put a new database in the place of a damaged one; what was done and what is lost, one sentence each.

    Raises BusyError where somebody has it open, NotADatabaseError where nothing of memkit's is in it.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    kept = _free(path.with_name(f"{path.name}.damaged"))
    try:
        with _alone(path) as pages:
            told = _rebuilt(pages, part, path)
            _put_in_place(part, path, kept)
    finally:
        for leftover in path.parent.glob(f"{part.name}*"):
            leftover.unlink()
    first = f"the damaged file is kept as {kept.name}. Later erasures don't reach it: delete it once it isn't needed."
    return [*told, first]


@contextmanager
def _alone(path: Path) -> Iterator[Pages]:
    """The pages of a database that nobody else has open."""
    log = path.with_name(f"{path.name}-wal")
    with ExitStack() as stack, translated(str(path)):
        # Closing a file drops this process's locks on it, so they are closed after the connection.
        files = [stack.enter_context(file.open("rb")) for file in (path, log) if file.exists()]
        _lock(path, stack)
        contents = [file.read() for file in files]
        yield Pages(contents[0], contents[1] if len(contents) > 1 else b"")


def _lock(path: Path, stack: ExitStack) -> None:
    try:
        connection = stack.enter_context(closing(connect(path, read_only=False)))
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.DatabaseError as error:
        if primary_code(error) in BUSY_CODES:
            raise BusyError(
                f"{path}: somebody has it open, and a damaged file is rebuilt only alone. Close it there, then repair."
            ) from error  # any other error: too damaged to be locked


def _put_in_place(part: Path, path: Path, kept: Path) -> None:
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    part.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _free(path: Path) -> Path:
    """This path, or one with a number where it is taken."""
    others = (path.with_name(f"{path.name}.{n}") for n in range(2, 10_000))
    return next(p for p in (path, *others) if not p.exists())


def _rebuilt(pages: Pages, part: Path, path: Path) -> list[str]:
    with closing(connect(part, read_only=False)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        migrate(connection)
        found = _sorted(pages, _tables(connection))
        if not found.rows["memory"] and not found.rows["content"] and not found.rows["meta"]:
            raise NotADatabaseError(f"{path}: holds nothing of memkit's that could be saved; it was left as it is.")
        found.rows["content"] = list(_apart(found.rows["content"]))
        for name, rows in found.rows.items():
            marks = ", ".join("?" * len(rows[0])) if rows else "NULL"
            connection.executemany(f'INSERT OR IGNORE INTO "{name}" VALUES ({marks})', rows)  # noqa: S608
        told = reconcile(connection, found.names)
        connection.execute("COMMIT")
    _sync(part)
    return [*([f"{found.broken} texts or vectors are not what was written."] if found.broken else []), *told]


def _apart(contents: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """No two with one number: texts get another one, and vectors are left to be made again."""
    different = dict.fromkeys(contents)
    claims = Counter(id for id, *_ in different)
    unused = count(max(claims, default=0) + 1)
    taken: set[int] = set()
    for id, *rest in different:
        vector = rest[3]
        if claims[id] == 1 or vector is None:
            yield (next(unused) if id in taken else id, *rest)
            taken.add(id)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _tables(connection: sqlite3.Connection) -> dict[str, Table]:
    found = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {name: _table(connection, name, sql) for name, sql in found if name not in OWN}


def _table(connection: sqlite3.Connection, name: str, sql: str) -> Table:
    columns = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
    return Table(name, "WITHOUT ROWID" not in sql, tuple((c[2], bool(c[3]) or bool(c[5])) for c in columns))


def _roots(rows: Iterable[Row]) -> dict[int, str]:
    """The first pages of tables and indexes, with what they belong to."""
    places = ((row.values[3], str(row.values[1])) for row in rows if _is_schema(row))
    return {page: name for page, name in places if isinstance(page, int)}


def _sorted(pages: Pages, tables: dict[str, Table]) -> Salvaged:
    """Every row to its table: by the path that leads to its page, else by its looks; a damaged path leads anywhere."""
    rows = list(pages.rows())
    owner = pages.trees(_roots(rows))
    found, strays = Salvaged(), list[Row]()
    for row in rows:
        name = owner.get(row.page, "")
        if name in MIRRORS:
            name, row = MIRRORS[name], _turned(row)
        if name not in tables or not _take(found, tables[name], row):
            strays.append(row)
    shaped = [table for table in tables.values() if table.name not in UNSHAPED]
    for row in strays:
        _note_name(found, row)
        any(_take(found, table, row) for table in shaped)
    return found


def _turned(row: Row) -> Row:
    return row._replace(values=(*row.values[:1], *row.values[:0:-1]))


def _is_schema(row: Row) -> bool:
    """A line of the schema: type, name, table, where its pages begin, SQL; found wherever it lies."""
    types = (str, str, str, int)
    return len(row.values) == 5 and all(map(isinstance, row.values, types)) and row.values[0] in ("table", "index")


def _note_name(found: Salvaged, row: Row) -> None:
    """Entries of the index over the names of banks hold a name and its bank's number."""
    if len(row.values) == 2 and isinstance(row.values[0], str) and isinstance(row.values[1], int):
        with suppress(ValueError):
            if isinstance(json.loads(row.values[0]), list):
                found.names[row.values[1]] = row.values[0]


def _take(found: Salvaged, table: Table, row: Row) -> bool:
    if not table.fits(row):
        return False
    values = table.padded(row)
    if table.name == "content" and not _whole(values):
        found.broken += 1
        return True
    if table.name == "trace" and not _readable(values):
        return True  # made again from its text
    found.rows[table.name].append(values)
    return True


def _whole(content: Sequence[Any]) -> bool:
    _, _, text, payload, vector, passages, checksum = content
    if checksum is None:
        return _parses(payload)
    if text is None and payload is None and vector is not None:
        return bytes_intact(checksum, vector, passages)
    return words_intact(checksum, text, payload)


def _readable(entry: Sequence[Any]) -> bool:
    _, part, _, _, data = entry
    try:
        return part != TERM_PART or bool(unpack_terms(data))
    except ValueError:
        return False


def _parses(payload: str | None) -> bool:
    """Rows of older files have no checksum."""
    try:
        return payload is None or isinstance(json.loads(payload), dict)
    except ValueError:
        return False


__all__ = ["recover"]
