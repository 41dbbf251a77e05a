"""A new database from the rows of a damaged one, read page by page; the damaged one is kept beside it.

SQLite reads a row only by the path that leads to its page. Of the first 310 files of the long damage test (814 memories
each, one to four damaged pages), the page reader saved 7,308 memories in 10 files that no SELECT reached, neither by
ranges, nor key by key, nor through indexes: nearly all where a page of the schema or the root of the texts was damaged.
With a new file's schema laid over the damaged one, SQLite still missed 816 memories in 2 files.
"""

import json
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
from memkit.storage.core.blocks import TERM_PART
from memkit.storage.core.checksums import is_text_intact, is_vector_intact
from memkit.storage.core.rows import unpack_terms
from memkit.storage.sqlite.connections import BUSY_CODES, connect, primary_code, translated
from memkit.storage.sqlite.filesystem import sync
from memkit.storage.sqlite.migrations import migrate
from memkit.storage.sqlite.pages import Pages, Row, Value
from memkit.storage.sqlite.repair.reconcile import reconcile

TYPES_BY_AFFINITY: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "REAL": (int, float),
    "TEXT": (str,),
    "BLOB": (bytes,),
}
OWN_TABLES = ("migration",)  # tables that the new database has already
SHAPELESS_TABLES = ("source", "tag", "mention", "exchange_turn", "lease")  # their rows look like entries of indexes
TABLE_BY_MIRROR = {  # indexes that hold whole rows of a table, the last two of three columns swapped
    "source_back": "source",
    "tag_back": "tag",
    "exchange_turn_seq": "exchange_turn",
}


@dataclass(frozen=True)
class Table:
    """Shape of a table's rows: the types of their columns, and whether None is allowed."""

    name: str
    rowid: bool
    columns: tuple[tuple[str, bool], ...]

    def fits(self, row: Row) -> bool:
        """Whether this may be a row of the table."""
        values = self.values(row)
        return (row.rowid is not None, len(values)) == (self.rowid, len(self.columns)) and all(
            not needed if value is None else isinstance(value, TYPES_BY_AFFINITY[kind])
            for value, (kind, needed) in zip(values, self.columns, strict=True)
        )

    def values(self, row: Row) -> tuple[Value, ...]:
        """The row's values; an integer key is the rowid."""
        has_key = row.rowid is not None and row.values[:1] == (None,)
        return (row.rowid, *row.values[1:]) if has_key else row.values


@dataclass
class RecoveredRows:
    """Undamaged rows by table; names of banks by number; how many contents are not what was written."""

    rows: dict[str, list[tuple[Value, ...]]] = field(default_factory=lambda: defaultdict(list))
    names: dict[int, str] = field(default_factory=dict)
    broken: int = 0


def recover(path: Path) -> list[str]:
    """Put a new database in the place of a damaged one; gives back the losses, one sentence each.

    Raises BusyError where somebody has it open, NotADatabaseError where nothing of memkit's is in it.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    damaged = _unused(path.with_name(f"{path.name}.damaged"))
    try:
        with _exclusive_pages(path) as pages:
            losses = _rebuild(pages, part, path)
            _put_in_place(part, path, damaged)
    finally:
        for leftover in path.parent.glob(f"{part.name}*"):
            leftover.unlink()
    where = (
        f"the damaged file is kept as {damaged.name}. Later erasures don't reach it: delete it once it isn't needed."
    )
    return [*losses, where]


@contextmanager
def _exclusive_pages(path: Path) -> Iterator[Pages]:
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


def _put_in_place(part: Path, path: Path, damaged: Path) -> None:
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(damaged.with_name(damaged.name + suffix))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    part.rename(path)
    sync(path.parent)


def _unused(path: Path) -> Path:
    """This path, or one with a number where it is taken."""
    others = (path.with_name(f"{path.name}.{n}") for n in range(2, 10_000))
    return next(p for p in (path, *others) if not p.exists())


def _rebuild(pages: Pages, part: Path, path: Path) -> list[str]:
    with closing(connect(part, read_only=False)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        migrate(connection)
        recovered = _assign(pages, _tables(connection))
        if not any(recovered.rows[name] for name in ("memory", "content", "meta")):
            raise NotADatabaseError(f"{path}: holds nothing of memkit's that could be saved; it was left as it is.")
        recovered.rows["content"] = list(_with_unique_ids(recovered.rows["content"]))
        for name, rows in recovered.rows.items():
            if not rows:
                continue
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f'INSERT OR IGNORE INTO "{name}" VALUES ({marks})', rows)  # noqa: S608
        losses = reconcile(connection, recovered.names)
        connection.execute("COMMIT")
    sync(part)
    broken = [f"{recovered.broken} texts or vectors are not what was written."] if recovered.broken else []
    return [*broken, *losses]


def _with_unique_ids(contents: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Rows of `content`, no two of a bank with one id: texts get another one, vectors are left to be made again."""
    different = dict.fromkeys(contents)
    claims = Counter((bank, id) for bank, id, *_ in different)
    unused = count(max((id for _, id in claims), default=0) + 1)
    taken: set[tuple[int, int]] = set()
    for bank, id, *rest in different:
        vector = rest[2]
        if claims[bank, id] == 1 or vector is None:
            yield (bank, next(unused) if (bank, id) in taken else id, *rest)
            taken.add((bank, id))


def _tables(connection: sqlite3.Connection) -> dict[str, Table]:
    tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    columns = 'SELECT type, "notnull" OR pk FROM pragma_table_info(?)'
    return {
        name: Table(name, "WITHOUT ROWID" not in sql, tuple(connection.execute(columns, (name,))))
        for name, sql in tables
        if name not in OWN_TABLES
    }


def _roots(rows: Iterable[Row]) -> dict[int, str]:
    """First pages of tables and indexes, with their names."""
    places = ((row.values[3], str(row.values[1])) for row in rows if _is_schema(row))
    return {page: name for page, name in places if isinstance(page, int)}


def _assign(pages: Pages, tables: dict[str, Table]) -> RecoveredRows:
    """Assign every row to its table: by the path to its page, else by its shape; a damaged path leads anywhere."""
    rows = list(pages.rows())
    owner = pages.trees(_roots(rows))
    recovered, strays = RecoveredRows(), list[Row]()
    for row in rows:
        name = owner.get(row.page, "")
        table = tables.get(TABLE_BY_MIRROR.get(name, name))
        swapped = row._replace(values=(*row.values[:1], *row.values[:0:-1]))
        if table is None or not _take(recovered, table, swapped if name in TABLE_BY_MIRROR else row):
            strays.append(row)
    shaped = [table for table in tables.values() if table.name not in SHAPELESS_TABLES]
    for row in strays:
        _note_name(recovered, row)
        any(_take(recovered, table, row) for table in shaped)
    return recovered


def _is_schema(row: Row) -> bool:
    """Whether this is a row of the schema: type, name, table, first page, SQL."""
    types = (str, str, str, int)
    return len(row.values) == 5 and all(map(isinstance, row.values, types)) and row.values[0] in ("table", "index")


def _note_name(recovered: RecoveredRows, row: Row) -> None:
    """Note a bank's name from an entry of the index over names, which holds the bank's number, too."""
    if len(row.values) == 2 and isinstance(row.values[0], str) and isinstance(row.values[1], int):
        with suppress(ValueError):
            if isinstance(json.loads(row.values[0]), list):
                recovered.names[row.values[1]] = row.values[0]


def _take(recovered: RecoveredRows, table: Table, row: Row) -> bool:
    if not table.fits(row):
        return False
    values = table.values(row)
    if table.name == "content" and not _is_intact(values):
        recovered.broken += 1
        return True
    if table.name == "index_entry" and not _is_readable(values):
        return True  # made again from its text
    recovered.rows[table.name].append(values)
    return True


def _is_intact(content: Sequence[Any]) -> bool:
    _, _, text, payload, vector, passages, tokens, checksum = content
    if text is None and payload is None and vector is not None:
        return is_vector_intact(checksum, vector, passages, tokens)
    return is_text_intact(checksum, text, payload)


def _is_readable(entry: Sequence[Any]) -> bool:
    _, part, _, _, data = entry
    with suppress(ValueError):
        return part != TERM_PART or bool(unpack_terms(data))
    return False
