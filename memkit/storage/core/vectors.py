"""Stored vectors: float16 rows as arrays, and quantised ones in blocks.

A row of a block holds the dimension as uint16, little-endian, then the vector and those of its text's passages, each as
`memkit.quantisation` has it.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from memkit.batches import PassageBatch, QuantisedBatch
from memkit.models import IndexEntry
from memkit.protocols import FloatArray
from memkit.quantisation import SCALE_BYTES, quantised
from memkit.storage.core.blocks import Block

_DIMENSION_FORMAT = struct.Struct("<H")
Stored = tuple[int, bytes, bytes | None]  # seq, vector, passages


def vector_parts(entry: IndexEntry) -> list[bytes]:
    """All that was encoded of a text: its vector, its passages, its tokens."""
    return [part or b"" for part in (entry.vector, entry.passages, entry.tokens)]


def pack_vectors(stored: Iterable[Stored]) -> Iterator[tuple[int, bytes]]:
    """Rows of a block, from vectors as they are stored; those of one dimension at once."""
    by_width: dict[int, list[Stored]] = defaultdict(list)
    for row in stored:
        by_width[len(row[1])].append(row)
    for width, rows in by_width.items():
        yield from _pack_dimension(width // 2, rows)


def _pack_dimension(dimension: int, stored: list[Stored]) -> Iterator[tuple[int, bytes]]:
    whole = b"".join(vector + (passages or b"") for _, vector, passages in stored)
    vectors = np.frombuffer(whole, dtype="<f2").reshape(-1, dimension).astype(np.float32)
    data, start, head = quantised(vectors).tobytes(), 0, _DIMENSION_FORMAT.pack(dimension)
    for seq, vector, passages in stored:
        end = start + (1 + len(passages or b"") // len(vector)) * (SCALE_BYTES + dimension)
        yield seq, head + data[start:end]
        start = end


def unpack_vectors(block: Block, dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
    """The vectors of this dimension in a block, and those of passages. Raises ValueError for damaged bytes."""
    body = np.frombuffer(block.body, dtype=np.uint8)
    starts, lengths = block.offsets[:-1], np.diff(block.offsets)
    if bool(np.any(lengths <= _DIMENSION_FORMAT.size)):
        raise ValueError("a row of vectors is cut short")
    fitting = body[starts] + (body[starts + 1].astype(np.int64) << 8) == dimension
    if not bool(np.all(fitting)):
        return unpack_vectors(block.only(fitting), dimension)
    counts, rest = np.divmod(lengths - _DIMENSION_FORMAT.size, SCALE_BYTES + dimension)
    if bool(np.any(rest)):
        raise ValueError("a row of vectors is cut short")
    inside = np.ones(len(body), dtype=bool)
    inside[starts] = inside[starts + 1] = False
    rows = body[inside].reshape(-1, SCALE_BYTES + dimension)
    owners, own = np.repeat(block.seqs, counts).astype(np.int64), np.zeros(len(rows), dtype=bool)
    own[counts.cumsum() - counts] = True
    return QuantisedBatch(owners[own], rows[own]), QuantisedBatch(owners[~own], rows[~own])


def quantise_vectors(
    seqs: Sequence[int], vectors: FloatArray, passages: PassageBatch, dimension: int
) -> tuple[QuantisedBatch, QuantisedBatch]:
    """The same from whole vectors, (n, d), zeros where none is; nothing where d is another dimension."""
    has_vector = vectors.any(axis=1) & (vectors.shape[1] == dimension)
    own, owners = np.array(seqs, dtype=np.int64)[has_vector], passages.seqs
    fitting = np.isin(owners, own)
    parts = QuantisedBatch(owners[fitting], quantised(passages.vectors[fitting]))
    return QuantisedBatch(own, quantised(vectors[has_vector])), parts


def stack_vectors(vectors: Sequence[bytes | None]) -> FloatArray:
    """Stored float16 vectors as float32 rows, shape (len(vectors), dimension); zeros where none is.

    The dimension is that of most vectors: while a store is re-encoded, others may still be there.
    """
    lengths = [-1 if vector is None else len(vector) for vector in vectors]
    width = max(set(lengths) - {-1}, key=lengths.count, default=0)
    rows: Sequence[Any] = vectors
    if lengths.count(width) < len(lengths):
        blank = bytes(width)
        rows = [v if v is not None and len(v) == width else blank for v in vectors]
    halves = np.frombuffer(b"".join(rows), dtype="<f2").reshape(len(lengths), width // 2)
    return halves.astype(np.float32)


def passage_batch(stored: Mapping[int, bytes], dimension: int) -> PassageBatch:
    """Stored passages as rows with the seqs that they belong to; those of another encoder are left out."""
    width = 2 * dimension
    fitting = {seq: data for seq, data in sorted(stored.items()) if width and not len(data) % width}
    counts = [len(data) // width for data in fitting.values()]
    rows = np.frombuffer(b"".join(fitting.values()), dtype="<f2").reshape(-1, max(dimension, 1))
    return PassageBatch(np.repeat(np.array(list(fitting), dtype=np.int64), counts), rows.astype(np.float32))
