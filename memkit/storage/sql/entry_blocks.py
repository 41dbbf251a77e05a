"""Blocks of index entries: sketches and terms move into them from unsealed rows, one for each memory and part.

Beside each full block of sketches lies one of quantised vectors, of the same memories: a bank that is searched by
sketches is loaded from these. It stays where its block of sketches loses rows, and goes where that takes in others;
what lies in no block is read from where vectors are kept whole.
"""

from dataclasses import dataclass

from memkit.storage.core.blocks import SKETCH_PART, VECTOR_PART, Block, EntryRow
from memkit.storage.core.checksums import decoding
from memkit.storage.core.vectors import pack_vectors
from memkit.storage.sql.block_writer import BlockWriter
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.queries import run, run_many, run_over


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
