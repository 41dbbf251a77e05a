"""Free space of a database file, where no row lies: gaps in its pages, free pages, the ends of overflow chains.

Exact while nobody writes to the file (https://www.sqlite.org/fileformat.html). A page that can't be read as one counts
as free as a whole.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.storage.sqlite.pages import (
    DATABASE_HEADER,
    INTERIOR_INDEX,
    INTERIOR_TABLE,
    LEAF_INDEX,
    LEAF_TABLE,
    local_bytes,
    max_local_bytes,
    varint,
)

READ_PAGES = 1024  # at once
ZERO_PAGE = bytes(65536)
PAGE_KINDS = (INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE)
INTERIOR_KINDS = (INTERIOR_INDEX, INTERIOR_TABLE)

Read = Callable[[int, int], bytes]  # from which byte, how many
Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


class Trees(NamedTuple):
    """Headers of the b-tree pages among those read at once."""

    at: Numbers  # which of the pages
    kind: Numbers
    pointers: Numbers  # where those to its cells begin
    cells: Numbers  # how many
    content: Numbers  # where the cells begin, with free blocks between them
    block: Numbers  # where the first free block is; 0: none

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Trees":
        return Trees(*(column[chosen] for column in self))

    @property
    def gap(self) -> Numbers:
        """Ends of the pointers."""
        return self.pointers + 2 * self.cells


class FreeSpace:
    """The free space of one file."""

    def __init__(self, read: Read) -> None:
        self._read = read
        header = read(0, DATABASE_HEADER)
        size = int.from_bytes(header[16:18], "big")
        self._size = 65536 if size == 1 else size
        self._usable = self._size - header[20]
        self._last, trunk = struct.unpack_from(">II", header, 28)
        self._free = set(self._free_pages(trunk))
        self._next: dict[int, int] = {}  # the page after each that may be an overflow page
        self._chains: list[tuple[int, int]] = []  # where each begins, and how many bytes it holds

    def parts(self) -> Iterator[bytes]:
        """All parts of the free space that aren't zero."""
        return (part for part in self._parts() if part != ZERO_PAGE[: len(part)])

    def _parts(self) -> Iterator[bytes]:
        first, step = 1, READ_PAGES * self._size
        while data := self._read((first - 1) * self._size, step):
            yield from self._of_pages(first, data + bytes(-len(data) % self._size))
            first += READ_PAGES
        yield from self._ends()

    def _page(self, number: int) -> bytes:
        return self._read((number - 1) * self._size, self._size).ljust(self._size, b"\0")

    def _free_pages(self, trunk: int) -> Iterator[int]:
        """The free pages, those that list them included."""
        seen: set[int] = set()
        while 0 < trunk <= self._last and trunk not in seen:
            seen.add(trunk)
            yield trunk
            page = self._page(trunk)
            trunk, count = struct.unpack_from(">II", page)
            yield from np.frombuffer(page, ">u4", offset=8)[:count].tolist()

    def _of_pages(self, first: int, data: bytes) -> Iterator[bytes]:
        pages = np.frombuffer(data, np.uint8).reshape(-1, self._size)
        used = np.array([n <= self._last and n not in self._free for n in range(first, first + len(pages))])
        trees = self._trees(pages, first, used)
        yield from self._gaps(data, trees)
        yield from self._blocks(data, trees)
        self._chains += self._chains_from(data, pages, trees)
        rest = np.ones(len(pages), np.bool_)
        rest[trees.at] = False
        for at in np.flatnonzero(rest).tolist():
            page = data[at * self._size : (at + 1) * self._size]
            if used[at] and page[0] not in PAGE_KINDS:
                self._next[first + at] = int.from_bytes(page[:4], "big")
            else:
                yield page

    def _trees(self, pages: Bytes, first: int, used: npt.NDArray[np.bool_]) -> Trees:
        begin = np.zeros(len(pages), np.int64)
        begin[0] = DATABASE_HEADER if first == 1 else 0
        at = np.arange(len(pages))

        def number(offset: int) -> Numbers:
            return _uint16(pages, at, begin + offset)

        kind = pages[at, begin].astype(np.int64)
        content = (number(5) - 1) % 65536 + 1  # 0 stands for 65,536
        headers = Trees(at, kind, begin + np.where(np.isin(kind, INTERIOR_KINDS), 12, 8), number(3), content, number(1))
        sound = (headers.gap <= content) & (content <= self._usable)
        return headers.only(np.isin(kind, PAGE_KINDS) & used & sound)

    def _gaps(self, data: bytes, trees: Trees) -> Iterator[bytes]:
        """Bytes between a page's pointers and its cells."""
        start = trees.at * self._size
        for begin, end in zip((start + trees.gap).tolist(), (start + trees.content).tolist(), strict=True):
            yield data[begin:end]

    def _blocks(self, data: bytes, trees: Trees) -> Iterator[bytes]:
        """Bytes of the free blocks between the cells, which are linked in order."""
        some = trees.only(trees.block > 0)
        for at, block in zip((some.at * self._size).tolist(), some.block.tolist(), strict=True):
            while 0 < block < self._usable - 4:
                after, size = struct.unpack_from(">HH", data, at + block)
                yield data[at + block + 4 : at + block + size]
                block = after if after > block else 0

    def _chains_from(self, data: bytes, pages: Bytes, trees: Trees) -> Iterator[tuple[int, int]]:
        """The overflow chains that begin on these pages."""
        for kind in (INTERIOR_INDEX, LEAF_INDEX, LEAF_TABLE):
            for at, cell in self._large(pages, trees.only(trees.kind == kind), kind):
                length, cell = varint(data, at * self._size + cell)
                _, cell = varint(data, cell) if kind == LEAF_TABLE else (0, cell)
                here = local_bytes(kind, length, self._usable)
                if here < length:
                    yield int.from_bytes(data[cell + here : cell + here + 4], "big"), length - here

    def _large(self, pages: Bytes, trees: Trees, kind: int) -> list[tuple[int, int]]:
        """Cells whose payload may be too long for them: which page, and where on it the payload's length begins."""
        at = np.repeat(trees.at, trees.cells)
        first = np.repeat(trees.pointers - 2 * (np.cumsum(trees.cells) - trees.cells), trees.cells)
        cell = _uint16(pages, at, first + 2 * np.arange(len(at))) + (4 if kind == INTERIOR_INDEX else 0)
        cell = np.minimum(cell, self._usable - 4)
        high, low = pages[at, cell].astype(np.int64), pages[at, cell + 1]
        length = np.where(high < 128, high, np.where(low < 128, (high - 128) << 7 | low, 2**14))  # or more
        large = length > min(max_local_bytes(kind, self._usable), 2**14 - 1)
        return list(zip(at[large].tolist(), cell[large].tolist(), strict=True))

    def _ends(self) -> Iterator[bytes]:
        """Bytes behind the end of each overflow chain, and pages that belong to none."""
        room = self._usable - 4
        for number, length in self._chains:
            while length > room and number in self._next:
                number, length = self._next.pop(number), length - room
            if self._next.pop(number, None) is not None:
                yield self._page(number)[4 + length : self._usable]
        yield from map(self._page, self._next)


def _uint16(pages: Bytes, at: Numbers, offset: Numbers) -> Numbers:
    """Numbers of two bytes."""
    return pages[at, offset].astype(np.int64) << 8 | pages[at, offset + 1]
