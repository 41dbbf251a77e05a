"""Sketches and terms move from the tail, a row for each memory, into blocks: banks are loaded from these.

The last block takes rows in until it is full. Beside a full block of sketches lies one of vectors, and stays there
while rows are only taken out.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from memkit.storage.core.blocks import BLOCK_ROWS, FLUSH_ROWS, SKETCH_PART, Block, EntryRow
from memkit.storage.core.checksums import DECODING_ERRORS, decoding
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.queries import run, run_many
from memkit.storage.sql.vector_blocks import drop_vector_block, put_vector_block


class Flushed(NamedTuple):
    """How many rows left the tail, and how many blocks were made for them."""

    rows: int = 0
    blocks: int = 0


class OpenBlock(NamedTuple):
    """A block that is not full yet."""

    number: int
    block: Block


class EntryBlocks:
    """Writes a bank's blocks of sketches and of terms."""

    def __init__(self, connection: Connection, bank: int) -> None:
        self._connection, self._bank = connection, bank

    def seal(self, part: int, tail: int, number: int) -> Flushed:
        """Move rows while the tail, of so many rows now, has STEP or more; new blocks are numbered from `number` on."""
        sealed = Flushed()
        while tail - sealed.rows >= FLUSH_ROWS:
            more = self._fill(part, number + sealed.blocks)
            if not more.rows:
                break  # the bank's counter is wrong; `doctor` counts again
            sealed = Flushed(sealed.rows + more.rows, sealed.blocks + more.blocks)
        return sealed

    def _fill(self, part: int, number: int) -> Flushed:
        """Move the tail's oldest rows into the last block, or into a new one where that is full."""
        held = self._open_block(part)
        rows = self._oldest(part, BLOCK_ROWS - (len(held.block.seqs) if held else 0))
        if not rows:
            return Flushed()
        fresh = Block.of({row.seq: row for row in rows}.values())  # the newest, should a damaged tail hold several
        if held is None:
            self._add(part, number, fresh)
        else:
            self._put(part, held.number, held.block.and_then(fresh))
        run_many(self._connection, "drop_sealed", [(self._bank, part, row.change, row.seq) for row in rows])
        return Flushed(len(rows), blocks=int(held is None))

    def take_out(self, part: int, number: int, data: bytes, seqs: Iterable[int]) -> None:
        """Take memories out of a block that holds this; its other rows stay as they are."""
        block = Block.parse(data).without(seqs)
        if len(block.seqs):
            self._update(part, number, block)
        else:
            run(self._connection, "drop_block", self._bank, part, number)

    def _oldest(self, part: int, most: int) -> list[EntryRow]:
        return [EntryRow(*row) for row in run(self._connection, "oldest_traces", self._bank, part, most)]

    def _open_block(self, part: int) -> OpenBlock | None:
        """The last block, where it has room."""
        row = run(self._connection, "last_block", self._bank, part).fetchone()
        with suppress(*DECODING_ERRORS):  # what can't be read is left to `doctor`
            if row is not None and not (block := Block.parse(row[1])).is_full:
                return OpenBlock(row[0], block)
        return None

    def _add(self, part: int, number: int, block: Block) -> None:
        run(self._connection, "add_block", self._bank, part, number, *block.bounds, block.pack())
        self._put_vectors(part, number, block)

    def _put(self, part: int, number: int, block: Block) -> None:
        self._update(part, number, block)
        self._put_vectors(part, number, block)

    def _update(self, part: int, number: int, block: Block) -> None:
        run(self._connection, "update_block", *block.bounds, block.pack(), self._bank, part, number)

    def _put_vectors(self, part: int, number: int, block: Block) -> None:
        if part != SKETCH_PART:
            return
        if block.is_full:
            with decoding("a vector"):
                put_vector_block(self._connection, self._bank, number, block)
        else:
            drop_vector_block(self._connection, self._bank, number)
