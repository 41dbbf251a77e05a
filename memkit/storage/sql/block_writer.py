"""Writing blocks: rows of one part of a bank, up to BLOCK_ROWS together, from which the bank is loaded."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from memkit.errors import CorruptError
from memkit.storage.core.blocks import BLOCK_ROWS, FLUSH_ROWS, Int64s
from memkit.storage.core.checksums import DECODING_ERRORS
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.queries import run


class Packable(Protocol):
    """Rows of a block, in order of seq."""

    @property
    def seqs(self) -> Int64s: ...

    @property
    def bounds(self) -> tuple[int, int, int]:
        """First and last seq, and the latest change."""
        ...

    def pack(self) -> bytes: ...

    def and_then(self, other: Self, /) -> Self:
        """These rows and those of another block."""
        ...

    def only(self, keep: npt.NDArray[np.bool_], /) -> Self:
        """Some of the rows; `keep`: (n,)."""
        ...


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
