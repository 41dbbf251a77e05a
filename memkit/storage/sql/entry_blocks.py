"""Blocks of index entries: sketches and terms move into them from unsealed rows, one for each memory and part.

Beside a full block of sketches lies one of vectors, and stays there while rows are only taken out.
"""

from memkit.storage.core.blocks import SKETCH_PART, Block, EntryRow
from memkit.storage.core.checksums import decoding
from memkit.storage.sql.block_writer import BlockWriter
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.queries import run, run_many
from memkit.storage.sql.vector_blocks import drop_vector_block, put_vector_block


def parse_block(data: bytes) -> Block:
    """Rows of a block. Raises CorruptError."""
    with decoding("a block of the index"):
        return Block.parse(data)


def entry_block_writer(connection: Connection, bank: int, part: int) -> BlockWriter[Block]:
    """Writer of a bank's blocks of sketches, of terms or of vectors."""

    def put_vectors(number: int, block: Block) -> None:
        if block.is_full:
            with decoding("a vector"):
                put_vector_block(connection, bank, number, block)
        else:
            drop_vector_block(connection, bank, number)

    if part == SKETCH_PART:
        return BlockWriter(connection, bank, part, parse_block, put_vectors)
    return BlockWriter(connection, bank, part, parse_block)


class UnsealedEntries:
    """Unsealed rows of one part, so many by the bank's counter."""

    def __init__(self, connection: Connection, bank: int, part: int, count: int) -> None:
        self._connection, self._bank, self._part = connection, bank, part
        self.count = count

    def waiting(self) -> int:
        return self.count

    def take(self, limit: int) -> Block | None:
        place = {"bank": self._bank, "part": self._part}
        rows = [EntryRow(*row) for row in run(self._connection, "oldest_unsealed", **place, limit=limit)]
        run_many(self._connection, "drop_flushed", [{**place, "change": row.change, "seq": row.seq} for row in rows])
        self.count -= len(rows)
        newest = {row.seq: row for row in rows}  # a damaged file may hold several of a memory
        return Block.of(newest.values()) if rows else None
