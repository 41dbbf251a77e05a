"""Beside each full block of sketches one of the same memories' vectors, quantised: large banks are read from these.

It stays where its block loses rows, and goes where that takes in others. What is in no block is
read from where vectors are kept whole.
"""

from memkit.storage.core.blocks import VECTOR_PART, Block
from memkit.storage.core.vectors import pack_vectors
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.queries import run, run_over


def vector_block(connection: Connection, bank: int, sketches: Block) -> Block:
    """The vectors of a block of sketches. Raises ValueError for bytes that are no vectors."""
    seqs = sketches.seqs.tolist()
    found = {row[0]: row for row in run_over(connection, "vectors_with_passages", (bank,), seqs)}
    changes = dict(zip(seqs, sketches.changes.tolist(), strict=True))
    return Block.of((seq, changes[seq], data) for seq, data in pack_vectors(found.values()))


def drop_vector_block(connection: Connection, bank: int, number: int) -> None:
    """Its memories' vectors are read from where they are kept whole, then."""
    run(connection, "drop_block", bank, VECTOR_PART, number)


def put_vector_block(connection: Connection, bank: int, number: int, sketches: Block) -> None:
    """Write it in the place of the one that is there. Raises ValueError for bytes that are no vectors."""
    drop_vector_block(connection, bank, number)
    block = vector_block(connection, bank, sketches)
    if len(block.seqs):
        run(connection, "add_block", bank, VECTOR_PART, number, *block.bounds, block.pack())
