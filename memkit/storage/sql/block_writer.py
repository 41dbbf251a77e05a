"""Writing blocks: rows of one part of a bank, up to BLOCK_ROWS together, from which the bank is loaded.

Sketches and terms move into blocks from unsealed rows, one for each memory and part. Beside each full block of sketches
lies one of quantised vectors, of the same memories: a bank that is searched by sketches is loaded from these. It stays
where its block of sketches loses rows, and goes where that takes in others; what lies in no block is read from where
vectors are kept whole.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from memkit.errors import CorruptError
from memkit.storage.core.blocks import BLOCK_ROWS, FLUSH_ROWS, SKETCH_PART, VECTOR_PART, Block, EntryRow, Int64s
from memkit.storage.core.checksums import DECODING_ERRORS, decoding
from memkit.storage.core.vectors import pack_vectors
from memkit.storage.sql.queries import Connection, run, run_many, run_over


class Packable(Protocol):
    """Rows of a block, in order of seq."""

    @property
    def seqs(self) -> Int64s: ...

    @property
    def bounds(self) -> tuple[int, int, int]:
        """First and last seq, and the latest change."""

    def pack(self) -> bytes: ...

    def and_then(self, other: Self, /) -> Self:
        """These rows and those of another block."""

    def only(self, keep: npt.NDArray[np.bool_], /) -> Self:
        """Some of the rows; `keep`: (n,)."""


B = TypeVar("B", bound=Packable)


@dataclass
class BlockWriter(ABC, Generic[B]):
    """Writes a bank's blocks of one part, with the rows that lie in no block yet."""

    connection: Connection
    bank: int
    part: int

    @abstractmethod
    def parse(self, data: bytes) -> B | None:
        """Rows of a block; None, or a CorruptError, where it is damaged."""

    @abstractmethod
    def waiting(self) -> int:
        """Number of the rows that lie in no block."""

    @abstractmethod
    def take(self, limit: int) -> B | None:
        """The first of these rows, which lie in a block from now on; None where there are none."""

    def flush(self, number: int) -> int:
        """Move rows into blocks while FLUSH_ROWS or more wait; returns how many blocks were added.

        The last block takes rows in until it is full; new ones are numbered from `number` on.
        """
        added = 0
        while self.waiting() >= FLUSH_ROWS:
            last = self._open_block()
            rows = self.take(BLOCK_ROWS - (len(last[1].seqs) if last else 0))
            if rows is None:
                break  # a counter of the bank is wrong, or the rows are damaged: left to `doctor`
            if last is None:
                self.put(number + added, rows, "add_block")
                added += 1
            else:
                self.put(last[0], last[1].and_then(rows))
        return added

    def _open_block(self) -> tuple[int, B] | None:
        """Number and rows of the last block, where it has room and can be read."""
        row = run(self.connection, "last_block", bank=self.bank, part=self.part).fetchone()
        with suppress(*DECODING_ERRORS, CorruptError):
            if row is not None and (rows := self.parse(row[1])) is not None and len(rows.seqs) < BLOCK_ROWS:
                return row[0], rows
        return None

    def put(self, number: int, rows: B, statement: str = "update_block") -> None:
        """Write a block that took rows in, in the place of the one with its number; or another `statement`."""
        run(self.connection, statement, **self._columns(number, rows))

    def _columns(self, number: int, rows: B) -> dict[str, Any]:
        first, last, change = rows.bounds
        place = {"bank": self.bank, "part": self.part, "number": number}
        return {**place, "first_seq": first, "last_seq": last, "change": change, "data": rows.pack()}

    def remove(self, seqs: Sequence[int]) -> None:
        """Take rows out of the blocks; an empty one goes."""
        place = {"bank": self.bank, "part": self.part}
        for number, data in run(self.connection, "blocks_around", **place, first=min(seqs), last=max(seqs)).fetchall():
            rows = self.parse(data)
            gone = np.isin(rows.seqs, seqs) if rows is not None else np.zeros(0, np.bool_)
            if rows is None or not gone.any():
                continue
            if gone.all():
                run(self.connection, "drop_block", **place, number=number)
            else:
                run(self.connection, "update_block", **self._columns(number, rows.only(~gone)))


def parse_block(data: bytes) -> Block:
    """Rows of a block. Raises CorruptError."""
    with decoding("a block of the index"):
        return Block.parse(data)


@dataclass
class EntryBlocks(BlockWriter[Block]):
    """Writes a bank's blocks of sketches, of terms or of vectors; `count` unsealed rows, by the bank's counter."""

    count: int = 0

    def parse(self, data: bytes) -> Block:
        return parse_block(data)

    def waiting(self) -> int:
        return self.count

    def take(self, limit: int) -> Block | None:
        place = {"bank": self.bank, "part": self.part}
        rows = [EntryRow(*row) for row in run(self.connection, "oldest_unsealed", **place, limit=limit)]
        run_many(self.connection, drop_flushed=[{**place, "change": row.change, "seq": row.seq} for row in rows])
        self.count -= len(rows)
        newest = {row.seq: row for row in rows}  # a damaged file may hold several of a memory
        return Block.of(newest.values()) if rows else None

    def put(self, number: int, rows: Block, statement: str = "update_block") -> None:
        """Write a block; beside a full one of sketches, that of its vectors, too."""
        super().put(number, rows, statement)
        if self.part == SKETCH_PART:
            drop_vector_block(self.connection, self.bank, number)
            if rows.is_full:
                with decoding("a vector"):
                    add_vector_block(self.connection, self.bank, number, rows)


def vector_block(connection: Connection, bank: int, sketches: Block) -> Block:
    """The vectors of a block of sketches. Raises ValueError for bytes that are no vectors."""
    seqs = sketches.seqs.tolist()
    rows = {row[0]: row for row in run_over(connection, "vectors_with_passages", seqs, bank=bank)}
    changes = dict(zip(seqs, sketches.changes.tolist(), strict=True))
    return Block.of((seq, changes[seq], data) for seq, data in pack_vectors(rows.values()))


def drop_vector_block(connection: Connection, bank: int, number: int) -> None:
    """Its memories' vectors are read from where they are kept whole, then."""
    run(connection, "drop_block", bank=bank, part=VECTOR_PART, number=number)


def add_vector_block(connection: Connection, bank: int, number: int, sketches: Block) -> None:
    """Write it, if there are any vectors. Raises ValueError for bytes that are no vectors."""
    block = vector_block(connection, bank, sketches)
    if len(block.seqs):
        EntryBlocks(connection, bank, VECTOR_PART).put(number, block, "add_block")
