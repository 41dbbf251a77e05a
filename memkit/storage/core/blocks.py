"""Blocks of index entries: one part of up to 4,096 memories' entries, packed.

A block holds, all little-endian: the number of rows n as uint64; n seqs, n change numbers and n + 1
offsets as int64; then the rows' bytes. Rows lie in order of seq.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.batches import SketchBatch, TermBatch
from memkit.storage.core.rows import unpack_terms

BLOCK_ROWS = 4096  # in a full block
FLUSH_ROWS = 512  # once so many rows lie in no block, they are flushed into the last one, or into new ones
SKETCH_PART = 0  # parts of an index entry
TERM_PART = 1
VECTOR_PART = 2  # parts that lie only in blocks: see `block_writer` and `row_blocks`
ROW_PART = 3
_COUNT_FORMAT = struct.Struct("<Q")
Int64s = npt.NDArray[np.int64]


class EntryRow(NamedTuple):
    """One part of one memory's index entry, and the bank's change number when it was written."""

    seq: int
    change: int
    data: bytes


@dataclass(frozen=True)
class Block:
    """Rows of one part, packed: `seqs`, `changes` int64 (n,), `offsets` int64 (n + 1,) into `body`."""

    seqs: Int64s
    changes: Int64s
    offsets: Int64s
    body: bytes

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, bytes]]) -> "Block":
        """A block of (seq, change, data), in any order."""
        ordered = sorted(rows)
        seqs, changes, data = zip(*ordered, strict=True) if ordered else ((), (), ())
        offsets = np.zeros(len(data) + 1, dtype="<i8")
        np.cumsum([len(row) for row in data], out=offsets[1:])
        return cls(np.array(seqs, dtype="<i8"), np.array(changes, dtype="<i8"), offsets, b"".join(data))

    @classmethod
    def parse(cls, data: bytes) -> "Block":
        """Read what `pack` wrote. Raises ValueError for anything else."""
        if len(data) < _COUNT_FORMAT.size:
            raise ValueError("a block is cut short")
        n = _COUNT_FORMAT.unpack_from(data)[0]
        if not 0 < n <= (len(data) - _COUNT_FORMAT.size) // 24:
            raise ValueError("a block's count of rows is wrong")
        numbers = np.frombuffer(data, dtype="<i8", count=3 * n + 1, offset=_COUNT_FORMAT.size)
        block = cls(numbers[:n], numbers[n : 2 * n], numbers[2 * n :], data[_COUNT_FORMAT.size + numbers.nbytes :])
        rising = bool(np.all(np.diff(block.seqs) > 0)) and bool(np.all(np.diff(block.offsets) >= 0))
        if not rising or block.offsets[0] != 0 or block.offsets[-1] != len(block.body):
            raise ValueError("a block's rows are out of order")
        return block

    def pack(self) -> bytes:
        parts = (self.seqs, self.changes, self.offsets)
        return _COUNT_FORMAT.pack(len(self.seqs)) + b"".join(part.tobytes() for part in parts) + self.body

    @property
    def bounds(self) -> tuple[int, int, int]:
        """First and last seq, and the latest change."""
        return int(self.seqs[0]), int(self.seqs[-1]), int(self.changes.max())

    @property
    def is_full(self) -> bool:
        """Whether it takes in no more rows."""
        return len(self.seqs) >= BLOCK_ROWS

    def and_then(self, other: "Block") -> "Block":
        """Its rows and those of another block; the other's count where a memory has a row in both."""
        if self.seqs[-1] >= other.seqs[0]:
            return Block.of([*self.without(other.seqs).rows(), *other.rows()])
        offsets = np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]])
        seqs, changes = np.concatenate([self.seqs, other.seqs]), np.concatenate([self.changes, other.changes])
        return Block(seqs, changes, offsets, self.body + other.body)

    def rows(self) -> Iterator[EntryRow]:
        """All rows, in order of seq."""
        ends = self.offsets.tolist()
        triples = zip(self.seqs.tolist(), self.changes.tolist(), ends[:-1], ends[1:], strict=True)
        return (EntryRow(seq, change, self.body[start:end]) for seq, change, start, end in triples)

    def since(self, change: int) -> "Block":
        """The rows that were written after a change number."""
        return self.only(self.changes > change)

    def without(self, seqs: Iterable[int]) -> "Block":
        """The rows of all other memories."""
        return self.only(~np.isin(self.seqs, np.fromiter(seqs, dtype=np.int64)))

    def only(self, keep: npt.NDArray[np.bool_]) -> "Block":
        """Some of the rows; `keep`: (n,)."""
        if bool(np.all(keep)):
            return self
        return Block.of([row for row, wanted in zip(self.rows(), keep.tolist(), strict=True) if wanted])


def sketch_batches(rows: Block) -> Iterator[SketchBatch]:
    """A block's sketches as arrays; one batch for each width of sketches there is."""
    widths = np.diff(rows.offsets)
    for width in np.unique(widths).tolist():
        chosen = widths == width
        if bool(np.all(chosen)):
            sketches = np.frombuffer(rows.body, dtype=np.uint8).reshape(-1, width)
        else:
            parts = [row.data for row, here in zip(rows.rows(), chosen.tolist(), strict=True) if here]
            sketches = np.frombuffer(b"".join(parts), dtype=np.uint8).reshape(-1, width)
        yield SketchBatch(rows.seqs[chosen].astype(np.int64), sketches)


def term_batch(rows: Block) -> TermBatch:
    """A block's terms as arrays. Raises ValueError for bytes that `pack_terms` never wrote."""
    body = np.frombuffer(rows.body, dtype=np.uint8)
    lengths = np.diff(rows.offsets)
    if not bool(np.all(lengths)) or not bool(np.all(body[rows.offsets[:-1]] == 1)) or bool(np.any((lengths - 1) % 9)):
        return TermBatch.of([(row.seq, unpack_terms(row.data)) for row in rows.rows()])
    held = (lengths - 1) // 9
    part = np.repeat(np.tile(np.arange(3), len(held)), np.stack([held**0, 8 * held, held], axis=1).ravel())
    starts = np.concatenate([[0], held.cumsum()])
    hashes = body[part == 1].view("<i8").astype(np.int64, copy=False)
    return TermBatch(rows.seqs.astype(np.int64), starts, hashes, body[part == 2].astype(np.int64))
