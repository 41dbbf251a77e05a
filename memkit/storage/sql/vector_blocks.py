"""Blocks of quantised vectors: one beside each full block of sketches, with the vectors of the same memories.

A bank that is searched by sketches is loaded from these. A block of vectors stays where its block of sketches loses
rows, and goes where that takes in others; what lies in no block is read from where vectors are kept whole.
"""

from memkit.storage.core.blocks import VECTOR_PART, Block
from memkit.storage.core.vectors import pack_vectors
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.queries import run, run_over


def vector_block(connection: Connection, bank: int, sketches: Block) -> Block:
    """The vectors of a block of sketches. Raises ValueError for bytes that are no vectors."""
    seqs = sketches.seqs.tolist()
    rows = {row[0]: row for row in run_over(connection, "vectors_with_passages", seqs, bank=bank)}
    changes = dict(zip(seqs, sketches.changes.tolist(), strict=True))
    return Block.of((seq, changes[seq], data) for seq, data in pack_vectors(rows.values()))


def drop_vector_block(connection: Connection, bank: int, number: int) -> None:
    """Its memories' vectors are read from where they are kept whole, then."""
    run(connection, "drop_block", bank=bank, part=VECTOR_PART, number=number)


def put_vector_block(connection: Connection, bank: int, number: int, sketches: Block) -> None:
    """Write it in the place of the one that is there. Raises ValueError for bytes that are no vectors."""
    drop_vector_block(connection, bank, number)
    block = vector_block(connection, bank, sketches)
    if len(block.seqs):
        first, last, change = block.bounds
        place = {"bank": bank, "part": VECTOR_PART, "number": number}
        run(connection, "add_block", **place, first_seq=first, last_seq=last, change=change, data=block.pack())
