"""Vectors of a block as bytes, quantised, and back.

A row holds the dimension as uint16, little-endian, then the vector and those of its text's passages, each as
`memkit.quantisation` has it.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from memkit.batches import PassageBatch, QuantisedBatch
from memkit.protocols import FloatArray
from memkit.quantisation import SCALE_BYTES, quantised
from memkit.storage.core.blocks import Block

_HEAD = struct.Struct("<H")
Stored = tuple[int, bytes, bytes | None]  # seq, vector, passages


def packed(stored: Iterable[Stored]) -> Iterator[tuple[int, bytes]]:
    """Rows of a block, from vectors as they are stored; those of one dimension at once."""
    by_width: dict[int, list[Stored]] = defaultdict(list)
    for row in stored:
        by_width[len(row[1])].append(row)
    for width, rows in by_width.items():
        yield from _packed(width // 2, rows)


def _packed(dimension: int, stored: list[Stored]) -> Iterator[tuple[int, bytes]]:
    whole = b"".join(vector + (passages or b"") for _, vector, passages in stored)
    vectors = np.frombuffer(whole, dtype="<f2").reshape(-1, dimension).astype(np.float32)
    data, start, head = quantised(vectors).tobytes(), 0, _HEAD.pack(dimension)
    for seq, vector, passages in stored:
        end = start + (1 + len(passages or b"") // len(vector)) * (SCALE_BYTES + dimension)
        yield seq, head + data[start:end]
        start = end


def unpacked(block: Block, dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
    """The vectors of this dimension in a block, and those of passages. Raises ValueError for damaged bytes."""
    body = np.frombuffer(block.body, dtype=np.uint8)
    starts, lengths = block.offsets[:-1], np.diff(block.offsets)
    if bool(np.any(lengths <= _HEAD.size)):
        raise ValueError("a row of vectors is cut short")
    fitting = body[starts] + (body[starts + 1].astype(np.int64) << 8) == dimension
    if not bool(np.all(fitting)):
        return unpacked(block.only(fitting), dimension)
    counts, rest = np.divmod(lengths - _HEAD.size, SCALE_BYTES + dimension)
    if bool(np.any(rest)):
        raise ValueError("a row of vectors is cut short")
    inside = np.ones(len(body), dtype=bool)
    inside[starts] = inside[starts + 1] = False
    rows = body[inside].reshape(-1, SCALE_BYTES + dimension)
    owners, own = np.repeat(block.seqs, counts).astype(np.int64), np.zeros(len(rows), dtype=bool)
    own[counts.cumsum() - counts] = True
    return QuantisedBatch(owners[own], rows[own]), QuantisedBatch(owners[~own], rows[~own])


def as_quantised(
    seqs: Sequence[int], vectors: FloatArray, passages: PassageBatch, dimension: int
) -> tuple[QuantisedBatch, QuantisedBatch]:
    """The same from whole vectors, (n, d), zeros where none is; nothing where d is another dimension."""
    known = vectors.any(axis=1) & (vectors.shape[1] == dimension)
    own, owners = np.array(seqs, dtype=np.int64)[known], passages.seqs
    fitting = np.isin(owners, own)
    parts = QuantisedBatch(owners[fitting], quantised(passages.vectors[fitting]))
    return QuantisedBatch(own, quantised(vectors[known])), parts
