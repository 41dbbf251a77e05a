"""Beside the table of memories its numbers once more, up to 4,096 rows a block: banks are loaded from these.

A block holds a CRC-32 of the rest, the number of rows, which fields follow (a bit each, in the order of
`batches.ROW_FIELDS`; others hold no value in any row) as three uint32, then those fields as arrays, all little-endian.
The table is the truth: a trigger notes in `moved` which rows of blocks have changed there since.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.batches import NO_VALUE, ROW_FIELDS, RowBatch
from memkit.errors import CorruptError
from memkit.storage.core.blocks import BLOCK_ROWS, FLUSH_ROWS, ROW_PART
from memkit.storage.core.checksums import DECODING_ERRORS, decoding
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.index_rows import row_batch
from memkit.storage.sql.queries import change_over, run

SHARE = 16  # of a bank's rows one in so many, or STEP, may have moved before blocks are made anew
_COUNT_FORMAT = struct.Struct("<III")
_TYPES = {name: np.dtype(kind).newbyteorder("<") for name, kind in ROW_FIELDS.items()}


def pack(rows: RowBatch) -> bytes:
    """Rows as bytes, without what they rest on."""
    held = {name: column for name, column in rows.fields.items() if _told(name, rows)}
    bits = sum(1 << place for place, name in enumerate(ROW_FIELDS) if name in held)
    body = struct.pack("<II", len(rows.seqs), bits)
    body += b"".join(held[name].astype(kind).tobytes() for name, kind in _TYPES.items() if name in held)
    return struct.pack("<I", zlib.crc32(body)) + body


def _told(name: str, rows: RowBatch) -> bool:
    return ROW_FIELDS[name] is not np.int64 or bool(np.any(rows.fields[name] != NO_VALUE))


def unpack(data: bytes) -> RowBatch:
    """The inverse of `pack`. Raises ValueError for bytes that it never wrote."""
    if len(data) <= _COUNT_FORMAT.size or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        raise ValueError("a block of rows is damaged")
    _, count, bits = _COUNT_FORMAT.unpack_from(data)
    start, fields = _COUNT_FORMAT.size, {}
    for place, (name, kind) in enumerate(_TYPES.items()):
        if bits >> place & 1:
            fields[name] = np.frombuffer(data, kind, count, start).astype(ROW_FIELDS[name], copy=False)
            start += fields[name].nbytes
        else:
            fields[name] = np.broadcast_to(np.int64(NO_VALUE), count)
    return RowBatch(fields, {})


def rows_of_blocks(connection: Connection, bank: int) -> Iterator[RowBatch]:
    """The rows of all blocks in order, as they were when those were made. Raises CorruptError."""
    for (data,) in run(connection, "blocks", bank, ROW_PART, -1):
        with decoding("a block of rows"):
            rows = unpack(data)
        yield rows


def last_in_blocks(connection: Connection, bank: int) -> int:
    """Up to this seq all rows lie in blocks."""
    row = run(connection, "last_in_blocks", bank, ROW_PART).fetchone()
    return 0 if row is None else int(row[0])


def too_many(moved: int, size: int, share: int = SHARE) -> bool:
    """Whether more rows have moved than one in `share` of a bank's, and more than a few."""
    return moved > max(FLUSH_ROWS, size // share)


def is_true(connection: Connection, bank: int, end: int) -> bool:
    """Whether the blocks hold what the table does, but for what has moved."""
    moved = np.array([seq for (seq,) in run(connection, "moved", bank)], dtype=np.int64)
    after = 0
    try:
        for held in rows_of_blocks(connection, bank):
            last = int(held.seqs[-1])
            rows = run(connection, "rows_between", bank, after + 1, last, BLOCK_ROWS + 1).fetchall()
            if not rows or _without(row_batch(rows, {}, end), moved) != _without(held, moved):
                return False
            after = last
    except (*DECODING_ERRORS, CorruptError):
        return False
    return after == last_in_blocks(connection, bank)


def _without(rows: RowBatch, seqs: npt.NDArray[np.int64]) -> bytes:
    return pack(rows.only(~np.isin(rows.seqs, seqs)))


def forget(connection: Connection, bank: int) -> None:
    """Drop all blocks of a bank; it is loaded from its table then."""
    run(connection, "drop_blocks", bank, ROW_PART)
    run(connection, "drop_all_moved", bank)


def rebuild(connection: Connection, bank: int) -> None:
    """Make all blocks of a bank anew."""
    forget(connection, bank)
    change, end, number = run(connection, "block_counters", bank).fetchone()
    blocks = RowBlocks(connection, bank, change)
    run(connection, "set_next_block", number + blocks.seal(number, end), bank)


class OpenBlock(NamedTuple):
    """A block that is not full yet."""

    number: int
    rows: RowBatch


class RowBlocks:
    """Writes a bank's blocks of rows; `change`: the bank's change number by then."""

    def __init__(self, connection: Connection, bank: int, change: int) -> None:
        self._connection, self._bank, self._change = connection, bank, change

    def seal(self, number: int, end: int) -> int:
        """While many rows lie in none: fill the last block, then make new ones, from this number on; how many.

        `end`: above all seqs.
        """
        made, last = 0, last_in_blocks(self._connection, self._bank)
        while end - last > FLUSH_ROWS:
            held = self._open_block()
            rows = self._between(last + 1, end, end, BLOCK_ROWS - (len(held.rows.seqs) if held else 0))
            if rows is None:
                break
            last = int(rows.seqs[-1])
            if held:
                self._put(held.number, held.rows.and_then(rows))
            else:
                values = (int(rows.seqs[0]), last, self._change, pack(rows))
                run(self._connection, "add_block", self._bank, ROW_PART, number + made, *values)
                made += 1
        return made

    def _open_block(self) -> "OpenBlock | None":
        """The last block, where it has room."""
        row = run(self._connection, "last_block", self._bank, ROW_PART).fetchone()
        with suppress(*DECODING_ERRORS):  # what can't be read is left to `doctor`
            if row is not None and len((rows := unpack(row[1])).seqs) < BLOCK_ROWS:
                return OpenBlock(row[0], rows)
        return None

    def _between(self, first: int, last: int, end: int, most: int = BLOCK_ROWS) -> RowBatch | None:
        """The table's rows; None where there are none, or damaged ones: recall needs no block."""
        rows = run(self._connection, "rows_between", self._bank, first, last, most).fetchall()
        with suppress(CorruptError):
            return row_batch(rows, {}, end) if rows else None
        return None

    def renew(self, size: int, end: int) -> None:
        """Once too many rows of a bank of this size have moved: make that block anew of which most have."""
        if too_many(run(self._connection, "count_moved", self._bank).fetchone()[0], size):
            number, first, last = run(self._connection, "most_moved", self._bank, ROW_PART).fetchone()
            rows = self._between(first, last, end)
            if rows is not None:
                self._put(number, rows)
                run(self._connection, "drop_moved_between", self._bank, first, last)

    def remove(self, seqs: Sequence[int]) -> None:
        """Take rows out of the blocks."""
        around = run(self._connection, "blocks_around", self._bank, ROW_PART, max(seqs), min(seqs))
        for number, data in around.fetchall():
            with suppress(*DECODING_ERRORS):  # what can't be read is told by `doctor`, which makes it again
                rows = unpack(data)
                gone = np.isin(rows.seqs, seqs)
                if gone.any():
                    self._put(number, rows.only(~gone))
        change_over(self._connection, "drop_moved", (self._bank,), seqs)

    def _put(self, number: int, rows: RowBatch) -> None:
        if not len(rows.seqs):
            run(self._connection, "drop_block", self._bank, ROW_PART, number)
            return
        values = (int(rows.seqs[0]), int(rows.seqs[-1]), self._change, pack(rows))
        run(self._connection, "update_block", *values, self._bank, ROW_PART, number)
