"""Vectors at a byte a number: a float32 scale, then whole multiples of it from -127 to 127 (scalar quantisation).

Of MiniLM's unit vectors (384 numbers) a cosine is then .0004 off, root mean square.
"""

import numpy as np
import numpy.typing as npt

SCALE_BYTES = 4  # bytes of a row that hold its scale, little-endian
MAX_STEP = 127
BLOCK_ROWS = 256
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def quantised(vectors: Floats) -> Bytes:
    """Quantise vectors, (n, dimension) -> (n, SCALE_BYTES + dimension); what is no number counts as 0."""
    vectors = np.nan_to_num(vectors, posinf=0, neginf=0)
    scales = (np.abs(vectors).max(axis=1, initial=0) / MAX_STEP).astype("<f4")[:, None]
    numbers = np.rint(vectors / np.where(scales > 0, scales, 1)).astype(np.int8)
    return np.concatenate([scales.view(np.uint8), numbers.view(np.uint8)], axis=1)


def dequantised(rows: Bytes) -> Floats:
    """Restore vectors, about, (n, SCALE_BYTES + dimension) -> (n, dimension)."""
    return _numbers(rows) * _scales(rows)[:, None]


def products(rows: Bytes, vector: Floats, at: Ints | None = None) -> Floats:
    """Scalar products of quantised vectors with a vector: (n, SCALE_BYTES + dimension), (dimension,) -> (n,).

    `at`: of these rows only, (m,) -> (m,). A block of them at a time stays in the processor's cache.
    """
    sums = np.empty(len(rows) if at is None else len(at), np.float32)
    for start in range(0, len(sums), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        some = rows[part] if at is None else rows.take(at[part], axis=0)
        sums[part] = (_numbers(some) @ vector) * _scales(some)
    return sums


def _numbers(rows: Bytes) -> Floats:
    return rows[:, SCALE_BYTES:].view(np.int8).astype(np.float32)


def _scales(rows: Bytes) -> Floats:
    return np.ascontiguousarray(rows[:, :SCALE_BYTES]).view("<f4")[:, 0]
