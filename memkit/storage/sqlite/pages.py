"""A database's pages as they lie in its files, read without SQLite, which gives up where a page is damaged.

Rows are taken from every page that holds any, whether a path leads to it or not
(https://www.sqlite.org/fileformat.html). Bytes of deleted rows are zeroed by secure_delete, so none comes back.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

DEFAULT_PAGE_BYTES = 4096  # where the header is damaged
DATABASE_HEADER = 100  # bytes
INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
WAL_HEADER, FRAME_HEADER = 32, 24  # bytes
WAL_BIG_ENDIAN, WAL_LITTLE_ENDIAN = 0x377F0683, 0x377F0682

Value = int | float | str | bytes | None


class DamagedPageError(ValueError):
    """Bytes that can't be what SQLite wrote."""


class Row(NamedTuple):
    """A row of a table, or (rowid None) an entry of an index or of a table without rowids."""

    page: int
    rowid: int | None
    values: tuple[Value, ...]


@dataclass
class Pages:
    """The pages of a database, those of its log put over them; counts from 1."""

    data: bytes
    log: bytes = b""
    damaged: set[int] = field(default_factory=set)

    @cached_property
    def size(self) -> int:
        stored = int.from_bytes(self.data[16:18], "big")
        size = 65536 if stored == 1 else stored
        return size if self.data.startswith(b"SQLite format 3\0") and size in _PAGE_SIZES else DEFAULT_PAGE_BYTES

    @cached_property
    def count(self) -> int:
        return self._committed[1] or -(-len(self.data) // self.size)

    def page(self, number: int) -> bytes:
        """A page's bytes. Raises DamagedPageError where there is none."""
        start = (number - 1) * self.size
        page = self._committed[0].get(number) or self.data[start : start + self.size]
        if number < 1 or len(page) < self.size:
            raise DamagedPageError("no such page")
        return page

    @cached_property
    def _committed(self) -> tuple[dict[int, bytes], int]:
        """The last committed version of every page that the log holds, and how many pages there were then."""
        pending: dict[int, bytes] = {}
        committed: dict[int, bytes] = {}
        count = 0
        for number, pages, data in _frames(self.log, self.size):
            pending[number] = data
            if pages:
                committed |= pending
                pending, count = {}, pages
        return committed, count

    def rows(self) -> Iterator[Row]:
        """All rows that can be read; the numbers of pages with others are put down in `damaged`."""
        for number in range(1, self.count + 1):
            yield from self._of_page(number)

    def trees(self, roots: dict[int, str]) -> dict[int, str]:
        """The table or index that each page belongs to, as far as paths lead to it."""
        owner: dict[int, str] = {}
        waiting = list(roots.items())
        while waiting:
            number, name = waiting.pop()
            if number not in owner:
                owner[number] = name
                waiting += [(child, name) for child in self._children(number)]
        return owner

    def _children(self, number: int) -> list[int]:
        try:
            page, start, kind, cells = self._cells(number)
            if kind not in (INTERIOR_INDEX, INTERIOR_TABLE):
                return []
            return [_u32(page, start + 8), *(_u32(page, cell) for cell in cells)]
        except (DamagedPageError, struct.error):
            self.damaged.add(number)
            return []

    def _cells(self, number: int) -> tuple[bytes, int, int, list[int]]:
        """A page, where its header starts, its kind and where its cells start."""
        page = self.page(number)
        start = DATABASE_HEADER if number == 1 else 0
        kind, _, count = struct.unpack_from(">BHH", page, start)
        header = start + (12 if kind in (INTERIOR_INDEX, INTERIOR_TABLE) else 8)
        if header + 2 * count > self.size:
            raise DamagedPageError("more cells than a page can hold")
        return page, start, kind, list(struct.unpack_from(f">{count}H", page, header))

    def _of_page(self, number: int) -> Iterator[Row]:
        try:
            page, _, kind, cells = self._cells(number)
        except (DamagedPageError, struct.error):
            self.damaged.add(number)
            return
        if kind not in (INTERIOR_INDEX, LEAF_INDEX, LEAF_TABLE):
            return
        for cell in cells:
            try:
                yield self._row(number, page, kind, cell)
            except (DamagedPageError, struct.error, IndexError, UnicodeDecodeError):
                self.damaged.add(number)

    def _row(self, number: int, page: bytes, kind: int, cell: int) -> Row:
        length, at = varint(page, cell + (4 if kind == INTERIOR_INDEX else 0))
        rowid: int | None = None
        if kind == LEAF_TABLE:
            rowid, at = varint(page, at)
        if rowid is not None and rowid >= 2**63:
            rowid -= 2**64
        return Row(number, rowid, _values(self._payload(page, kind, length, at)))

    def _payload(self, page: bytes, kind: int, length: int, at: int) -> bytes:
        """A cell's payload, with what of it lies on overflow pages."""
        usable = self.size - self._reserved
        here = local_bytes(kind, length, usable)
        if here == length:
            return _cut(page, at, length)
        if length > len(self.data) + len(self.log):
            raise DamagedPageError("longer than the database")
        return _cut(page, at, here) + self._overflow(_u32(page, at + here), length - here, usable - 4)

    def _overflow(self, number: int, length: int, room: int) -> bytes:
        parts: list[bytes] = []
        while length > 0:
            page = self.page(number)
            parts.append(page[4 : 4 + min(length, room)])
            number, length = _u32(page, 0), length - room
        return b"".join(parts)

    @cached_property
    def _reserved(self) -> int:
        return self.data[20] if self.data.startswith(b"SQLite format 3\0") and self.data[20] < 64 else 0


_PAGE_SIZES = tuple(2**n for n in range(9, 17))
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)


def _frames(log: bytes, size: int) -> Iterator[tuple[int, int, bytes]]:
    """Valid frames of a write-ahead log: the page's number, where a commit ends how many pages there are, its bytes."""
    if len(log) < WAL_HEADER:
        return
    magic, _, log_size = struct.unpack_from(">III", log)
    if magic not in (WAL_BIG_ENDIAN, WAL_LITTLE_ENDIAN) or log_size != size:
        return
    order = ">" if magic == WAL_BIG_ENDIAN else "<"
    sums = _checksum(log[:24], (0, 0), order)
    if sums != struct.unpack_from(">II", log, 24):
        return
    for at in range(WAL_HEADER, len(log) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        number, pages = struct.unpack_from(">II", log, at)
        data = log[at + FRAME_HEADER : at + FRAME_HEADER + size]
        sums = _checksum(data, _checksum(log[at : at + 8], sums, order), order)
        if log[at + 8 : at + 16] != log[16:24] or sums != struct.unpack_from(">II", log, at + 16):
            return
        yield number, pages, data


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """The log's running checksum over some bytes."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for word, next_word in zip(words, words, strict=True):
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + next_word + first) & 0xFFFFFFFF
    return first, second


def max_local_bytes(kind: int, usable: int) -> int:
    """The longest payload, in bytes, that lies in a cell as a whole; `usable`: bytes of a page."""
    return usable - 35 if kind == LEAF_TABLE else (usable - 12) * 64 // 255 - 23


def local_bytes(kind: int, length: int, usable: int) -> int:
    """Bytes of a payload that lie in its cell; the others are on overflow pages."""
    highest, lowest = max_local_bytes(kind, usable), (usable - 12) * 32 // 255 - 23
    if length <= highest:
        return length
    here = lowest + (length - lowest) % (usable - 4)
    return here if here <= highest else lowest


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next thing begins."""
    value = 0
    for n in range(9):
        byte = data[at + n]
        if n == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    raise DamagedPageError("no varint")


def _values(record: bytes) -> tuple[Value, ...]:
    """The columns of a record."""
    header, at = varint(record, 0)
    types: list[int] = []
    while at < header:
        kind, at = varint(record, at)
        types.append(kind)
    values: list[Value] = []
    for kind in types:
        value, header = _value(record, kind, header)
        values.append(value)
    if header != len(record):
        raise DamagedPageError("a record of another length")
    return tuple(values)


def _value(record: bytes, kind: int, at: int) -> tuple[Value, int]:
    if kind >= 12:
        length = (kind - 12) // 2
        data = _cut(record, at, length)
        return data.decode() if kind % 2 else data, at + length
    if kind in (0, 8, 9):
        return (None if kind == 0 else kind - 8), at
    if kind == 7:
        return struct.unpack(">d", _cut(record, at, 8))[0], at + 8
    if kind > 7:
        raise DamagedPageError("no such type")
    width = _INTEGER_BYTES[kind]
    return int.from_bytes(_cut(record, at, width), "big", signed=True), at + width


def _cut(data: bytes, at: int, length: int) -> bytes:
    if length < 0 or at + length > len(data):
        raise DamagedPageError("beyond the end")
    return data[at : at + length]


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])
