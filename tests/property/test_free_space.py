"""Free space of a database, where no row lies, is told from what rows hold, whatever was written and deleted before."""

import sqlite3
import tempfile
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from memkit.storage.sqlite.secure_delete.free_space import FreeSpace

TABLES_SQL = """
CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT);
CREATE TABLE keyed (key INTEGER, text TEXT, PRIMARY KEY (key)) WITHOUT ROWID;
"""
TABLE_NAMES = ("plain", "keyed")
ANY_LENGTH = st.one_of(st.integers(0, 60), st.integers(300, 1500), st.integers(3900, 4200), st.integers(9_000, 140_000))
ANY_ACTION = st.sampled_from(("add", "add", "add", "drop", "grow", "drop many"))
steps = st.lists(st.tuples(ANY_ACTION, st.integers(0, 10**6), ANY_LENGTH), min_size=1, max_size=60)


class Rows:
    """Texts that begin and end with words of their own, in two kinds of tables."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection, self.numbers = connection, count()
        self.there: dict[tuple[str, int], bytes] = {}
        self.gone: list[bytes] = []

    def add(self, chance: int, length: int, key: tuple[str, int] | None = None) -> None:
        table, number = key or (TABLE_NAMES[chance % 2], chance * 7919 % 65_521 + 100_000 * next(self.numbers))
        end = f"<ends{next(self.numbers):08d}>"  # twice, so that no border of pages cuts both
        text = f"<begins{next(self.numbers):08d}>{'.' * length}{end}--------{end}"
        self.connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (number, text))
        self.there[table, number] = text.encode()

    def drop(self, chance: int, length: int) -> None:
        if self.there:
            table, number = sorted(self.there)[chance % len(self.there)]
            self.connection.execute(f"DELETE FROM {table} WHERE rowid = ?" if table == "plain" else
                                    f"DELETE FROM {table} WHERE key = ?", (number,))  # fmt: skip
            self.gone.append(self.there.pop((table, number)))

    def grow(self, chance: int, length: int) -> None:
        if self.there:
            key = sorted(self.there)[chance % len(self.there)]
            self.drop(chance, length)
            self.add(chance, length, key)

    def drop_many(self, chance: int, length: int) -> None:
        for number in range(len(self.there) // 2):
            self.drop(chance + number, length)


def spare_of(data: bytes) -> bytes:
    return b"\0".join(FreeSpace(lambda start, length: data[start : start + length]).parts())


def planted(data: bytes, texts: Iterable[bytes], size: int) -> tuple[bytes, int]:
    """Something behind the ends of texts that don't fit on their pages, and how often."""
    changed, times = bytearray(data), 0
    for text in texts:
        end = data.find(text[-36:]) + 36
        if len(text) > size and end > 36 and -end % size > 7:
            changed[end : end + 7] = b"PLANTED"
            times += 1
    return bytes(changed), times


@settings(max_examples=80, deadline=None)
@example([("add", n, 20_000 + 120_000 * (n > 3)) for n in range(8)], 65536, False)
@given(steps, st.sampled_from((512, 4096, 65536)), st.booleans())
def test_every_copy_of_a_row_that_is_gone_is_spare_and_no_row_that_is_there(
    steps: list[tuple[str, int, int]], size: int, filled: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.db"
        with sqlite3.connect(path, isolation_level=None) as connection:
            connection.executescript(f"PRAGMA page_size = {size}; PRAGMA secure_delete = OFF; {TABLES_SQL}")
            rows = Rows(connection)
            for number in range(60 if filled else 0):
                rows.add(number, number * 37 % 300)
            for name, chance, length in steps:
                getattr(rows, name.replace(" ", "_"))(chance, length)
        connection.close()
        data = path.read_bytes()
    spare = spare_of(data)
    for text in rows.there.values():
        assert data.count(text[:16]) - spare.count(text[:16]) == 1
        assert data.count(text[-14:]) - spare.count(text[-14:]) in (1, 2)
    for text in rows.gone:
        for part in (text[:16], text[-14:]):
            assert data.count(part) == spare.count(part)
    changed, times = planted(data, rows.there.values(), size)
    assert spare_of(changed).count(b"PLANTED") == times


def test_what_lies_behind_the_last_page_of_a_database_is_spare(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES_SQL)
    connection.close()
    data = path.read_bytes()
    leaf = data[4096:8192]
    assert b"left behind" in spare_of(data + leaf[:-11] + b"left behind")
    assert b"CREATE TABLE plain" not in spare_of(data)
