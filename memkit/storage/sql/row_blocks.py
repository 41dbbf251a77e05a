"""Rows of the table `memory` as indexes want them, and blocks of these: the numbers of up to 4,096 memories together.

Nothing impossible is believed.

A block holds a CRC-32 of the rest, the number of rows, which fields follow (a bit each, in the order of
`batches.ROW_FIELDS`; others hold no value in any row) as three uint32, then those fields as arrays, all little-endian.
The table is the truth: rows of blocks that have changed there since are listed in the table `moved`.
"""

import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from memkit.batches import FIELD_CODES, NO_VALUE, ROW_FIELDS, Column, RowBatch
from memkit.errors import CorruptError
from memkit.models import IndexRow
from memkit.storage.core.blocks import BLOCK_ROWS, FLUSH_ROWS, ROW_PART, Int64s
from memkit.storage.core.checksums import DECODING_ERRORS, corrupt_error, decoding
from memkit.storage.core.enum_codes import KIND_CODES, ROLE_CODES, STATE_CODES
from memkit.storage.sql.block_writer import BlockWriter
from memkit.storage.sql.queries import Connection, change_over, run, run_many

RENEWED_SHARE = 16  # of a bank's rows one in so many, or FLUSH_ROWS, may have moved before a block is made anew
_BLOCK_HEAD = struct.Struct("<III")
_FIELD_TYPES = {name: np.dtype(kind).newbyteorder("<") for name, kind in ROW_FIELDS.items()}


OPTIONAL_COLUMNS = frozenset(
    "speaker role session episode valid_from valid_until recalled_at superseded_by echo_of".split()
)
WORD_PLACES = {
    name: np.array([FIELD_CODES[name][word] for word in codes.words], dtype=np.int8)
    for name, codes in (("kind", KIND_CODES), ("state", STATE_CODES), ("role", ROLE_CODES))
}
MAX_TEXT_CHARS = 2**31  # characters, above all texts
Row = tuple[Any, ...]


def index_rows(rows: Sequence[Row], sources: Mapping[int, tuple[int, ...]], end: int) -> list[IndexRow]:
    """Rows of `memory` as an index wants them, in order of seq; `sources` by seq, `end` above all seqs.

    Raises CorruptError for numbers that can't be.
    """
    row_batch(rows, sources, end)
    return [_index_row(row, sources.get(row[0], ())) for row in rows]


def _index_row(row: Row, sources: tuple[int, ...]) -> IndexRow:
    seq, kind, state, speaker, role, *middle, salience, pinned, length, asks, superseded_by, echo_of = row
    if not isinstance(salience, float | None):
        raise corrupt_error("a memory")
    words = (
        KIND_CODES.words[kind],
        STATE_CODES.words[state],
        speaker,
        None if role is None else ROLE_CODES.words[role],
    )
    return IndexRow._make(
        (seq, *words, *middle, salience, bool(pinned), length, bool(asks), superseded_by, echo_of, sources)
    )


def row_batch(rows: Sequence[Row], sources: Mapping[int, tuple[int, ...]], end: int) -> RowBatch:
    """The same rows as arrays."""
    named = zip(IndexRow._fields[:-1], zip(*rows, strict=True), strict=True)
    try:
        read = {name: _column(name, values) for name, values in named if name in ROW_FIELDS}
    except (TypeError, OverflowError) as error:  # what `array` says of anything but numbers
        raise corrupt_error("a memory") from error
    if not _possible(read, end):
        raise corrupt_error("a memory")
    return RowBatch({name: _placed(name, column) for name, column in read.items()}, sources)


def _column(name: str, values: tuple[Any, ...]) -> Column:
    if name == "strength":
        return np.array(array("d", values))
    if name in OPTIONAL_COLUMNS and None in values:
        if values.count(None) == len(values):
            return np.full(len(values), NO_VALUE, dtype=np.int64)
        values = tuple(NO_VALUE if value is None else value for value in values)
    return np.array(array("q", values))


def _possible(read: Mapping[str, Column], end: int) -> bool:
    seqs = read["seq"]
    links = (read[name] for name in ("session", "episode", "superseded_by", "echo_of"))
    return bool(
        all(_within(read[name], len(places), name in OPTIONAL_COLUMNS) for name, places in WORD_PLACES.items())
        and all(_within(link, end, True) for link in links)
        and seqs[0] > 0
        and seqs[-1] < end
        and np.all(np.diff(seqs) > 0)
        and _within(read["length"], MAX_TEXT_CHARS, False)
    )


def _within(column: npt.NDArray[np.int64], end: int, optional: bool) -> bool:
    inside = (column >= 0) & (column < end)
    return bool(np.all(inside | (column == NO_VALUE) if optional else inside))


def _placed(name: str, column: Column) -> Column:
    if name in WORD_PLACES:
        some = column != NO_VALUE
        return np.where(some, WORD_PLACES[name][np.where(some, column, 0)], np.int8(-1))
    return column.astype(ROW_FIELDS[name], copy=False)


def pack(rows: RowBatch) -> bytes:
    """Rows as bytes, without their sources."""
    columns = {
        name: column
        for name, column in rows.fields.items()
        if ROW_FIELDS[name] is not np.int64 or bool(np.any(column != NO_VALUE))
    }
    bits = sum(1 << place for place, name in enumerate(ROW_FIELDS) if name in columns)
    body = struct.pack("<II", len(rows.seqs), bits)
    body += b"".join(columns[name].astype(kind).tobytes() for name, kind in _FIELD_TYPES.items() if name in columns)
    return struct.pack("<I", zlib.crc32(body)) + body


def unpack(data: bytes) -> RowBatch:
    """The inverse of `pack`. Raises ValueError for bytes that it never wrote."""
    if len(data) <= _BLOCK_HEAD.size or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        raise ValueError("a block of rows is damaged")
    _, count, bits = _BLOCK_HEAD.unpack_from(data)
    start, fields = _BLOCK_HEAD.size, {}
    for place, (name, kind) in enumerate(_FIELD_TYPES.items()):
        if bits >> place & 1:
            fields[name] = np.frombuffer(data, kind, count, start).astype(ROW_FIELDS[name], copy=False)
            start += fields[name].nbytes
        else:
            fields[name] = np.broadcast_to(np.int64(NO_VALUE), count)
    return RowBatch(fields, {})


def rows_of_blocks(connection: Connection, bank: int) -> Iterator[RowBatch]:
    """The rows of all blocks in order, as they were when those were made. Raises CorruptError."""
    for (data,) in run(connection, "blocks", bank=bank, part=ROW_PART, since=-1):
        with decoding("a block of rows"):
            rows = unpack(data)
        yield rows


def last_in_blocks(connection: Connection, bank: int) -> int:
    """The seq up to which all rows lie in blocks."""
    return int(run(connection, "last_in_blocks", bank=bank, part=ROW_PART).fetchone()[0])


def too_many_moved(connection: Connection, bank: int, size: int, share: int = RENEWED_SHARE) -> bool:
    """Whether more rows have moved than one in `share` of a bank's, and more than a few."""
    moved = run(connection, "count_moved", bank=bank).fetchone()[0]
    return bool(moved > max(FLUSH_ROWS, size // share))


def is_true(connection: Connection, bank: int, end: int) -> bool:
    """Whether the blocks hold what the table does, but for what has moved."""
    moved = np.array([seq for (seq,) in run(connection, "moved", bank=bank)], dtype=np.int64)
    after = 0
    try:
        for in_block in rows_of_blocks(connection, bank):
            bounds = {"first": after + 1, "last": int(in_block.seqs[-1])}
            rows = run(connection, "index_rows_between", bank=bank, **bounds, limit=BLOCK_ROWS + 1).fetchall()
            if not rows or _without(row_batch(rows, {}, end), moved) != _without(in_block, moved):
                return False
            after = bounds["last"]
    except (*DECODING_ERRORS, CorruptError):
        return False
    return after == last_in_blocks(connection, bank)


def _without(rows: RowBatch, seqs: Int64s) -> bytes:
    return pack(rows.only(~np.isin(rows.seqs, seqs)))


def forget(connection: Connection, bank: int) -> None:
    """Drop all blocks of a bank; it is loaded from its table then."""
    run(connection, "drop_blocks", bank=bank, part=ROW_PART)
    run(connection, "drop_all_moved", bank=bank)


def rebuild(connection: Connection, bank: int) -> None:
    """Make all blocks of a bank anew."""
    forget(connection, bank)
    change, end, number = run(connection, "block_counters", bank=bank).fetchone()
    added = RowBlocks(connection, bank, change, end).flush(number)
    run(connection, "set_next_block", bank=bank, next_block=number + added)


@dataclass(frozen=True)
class RowBlock:
    """Rows of a block, and the bank's change number when it is written."""

    rows: RowBatch
    change: int

    @property
    def seqs(self) -> Int64s:
        return self.rows.seqs

    @property
    def bounds(self) -> tuple[int, int, int]:
        return int(self.seqs[0]), int(self.seqs[-1]), self.change

    def pack(self) -> bytes:
        return pack(self.rows)

    def and_then(self, other: "RowBlock") -> "RowBlock":
        return RowBlock(self.rows.and_then(other.rows), self.change)

    def only(self, keep: npt.NDArray[np.bool_]) -> "RowBlock":
        return RowBlock(self.rows.only(keep), self.change)


@dataclass
class RowBlocks(BlockWriter[RowBlock]):
    """Writes a bank's blocks of rows; `change`: the bank's change number by then; `end` lies above all seqs."""

    part: int = field(default=ROW_PART, init=False)
    change: int
    end: int

    def parse(self, data: bytes) -> RowBlock | None:
        """None for a damaged block: `doctor` reports it and makes it again, and recall needs none."""
        with suppress(*DECODING_ERRORS):
            return RowBlock(unpack(data), self.change)
        return None

    def waiting(self) -> int:
        return self.end - 1 - last_in_blocks(self.connection, self.bank)

    def take(self, limit: int) -> RowBlock | None:
        return self._of_table(last_in_blocks(self.connection, self.bank) + 1, self.end, limit)

    def _of_table(self, first: int, last: int, limit: int) -> RowBlock | None:
        """None where there are no rows, or damaged ones: recall needs no block."""
        bounds = {"first": first, "last": last, "limit": limit}
        rows = run(self.connection, "index_rows_between", bank=self.bank, **bounds).fetchall()
        with suppress(CorruptError):
            return RowBlock(row_batch(rows, {}, self.end), self.change) if rows else None
        return None

    def update(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement that updates a row of `memory` for each `seq`: the only way to change what blocks hold."""
        place = {"bank": self.bank, "change": self.change, "part": self.part}
        values = [{**place, **row} for row in rows]
        run_many(self.connection, **{name: values}, add_moved=values)

    def renew(self, size: int) -> None:
        """Once too many rows of a bank of this size have moved: make that block anew of which most have."""
        if too_many_moved(self.connection, self.bank, size):
            number, first, last = run(self.connection, "block_most_moved", bank=self.bank, part=self.part).fetchone()
            rows = self._of_table(first, last, BLOCK_ROWS)
            if rows is not None:
                self.put(number, rows)
                run(self.connection, "drop_moved_between", bank=self.bank, first=first, last=last)

    def remove(self, seqs: Sequence[int]) -> None:
        """Take rows out of the blocks."""
        super().remove(seqs)
        change_over(self.connection, "drop_moved", seqs, bank=self.bank)
