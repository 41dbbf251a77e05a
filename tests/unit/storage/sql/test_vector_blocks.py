"""Quantised vectors: how near they are to what was stored, and how they lie in blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.quantisation import dequantised, products, quantised
from memkit.storage.core.blocks import Block, EntryRow
from memkit.storage.core.vectors import Stored, pack_vectors, unpack_vectors


def unit(count: int, dimension: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_every_number_is_within_half_a_step_and_cosines_are_within_a_thousandth() -> None:
    rows = unit(500, 384)
    near = quantised(rows)
    steps = np.abs(rows).max(axis=1, keepdims=True) / 127
    assert np.all(np.abs(dequantised(near) - rows) <= steps / 2 + 1e-7)
    assert np.sqrt(np.mean((products(near, rows[0]) - rows @ rows[0]) ** 2)) < 0.001


def test_zeros_stay_zeros_and_what_is_no_number_counts_as_zero() -> None:
    rows = np.array([[0, 0, 0], [np.nan, 1, np.inf]], np.float32)
    assert dequantised(quantised(rows)).tolist() == [[0, 0, 0], [0, 1, 0]]


@given(st.lists(st.tuples(st.sampled_from([2, 3, 8]), st.integers(0, 3)), max_size=12))
def test_a_block_gives_back_the_vectors_of_one_dimension_with_their_passages(shapes: list[tuple[int, int]]) -> None:
    stored: list[Stored] = []
    for seq, (dimension, parts) in enumerate(shapes, 1):
        halves = unit(1 + parts, dimension, seed=seq).astype("<f2")
        stored.append((seq, halves[0].tobytes(), halves[1:].tobytes() or None))
    block = Block.of([EntryRow(seq, 1, data) for seq, data in pack_vectors(stored)])
    for dimension in (2, 3, 8) if stored else ():
        fitting = [row for row, shape in zip(stored, shapes, strict=True) if shape[0] == dimension]
        own, passages = unpack_vectors(block, dimension)
        assert own.seqs.tolist() == [seq for seq, _, _ in fitting]
        assert passages.seqs.tolist() == [s for s, _, p in fitting for _ in range(len(p or b"") // 2 // dimension)]
        whole = np.frombuffer(b"".join(v for _, v, _ in fitting), "<f2").reshape(-1, dimension).astype(np.float32)
        parts_of = np.frombuffer(b"".join(p or b"" for _, _, p in fitting), "<f2").reshape(-1, dimension)
        assert np.array_equal(own.rows, quantised(whole))
        assert np.array_equal(passages.rows, quantised(parts_of.astype(np.float32)))


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x02\x00", b"\x02\x00" + bytes(7)])
def test_rows_that_are_cut_short_are_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut short"):
        unpack_vectors(Block.of([EntryRow(1, 1, data)]), 2)
