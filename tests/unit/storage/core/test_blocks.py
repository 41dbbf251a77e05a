"""Blocks of index entries: what was packed is read back, and nothing else is."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.storage.core.blocks import Block, EntryRow, sketch_batches, term_batch
from memkit.storage.core.rows import pack_terms, unpack_terms

ANY_SEQS = st.integers(1, 2**40)
ANY_ROWS = st.dictionaries(ANY_SEQS, st.tuples(st.integers(0, 2**40), st.binary(max_size=9)), min_size=1, max_size=9)
ANY_TERMS = st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.integers(1, 300), min_size=1, max_size=5)


def block(rows: dict[int, tuple[int, bytes]]) -> Block:
    return Block.of((seq, change, data) for seq, (change, data) in rows.items())


@given(ANY_ROWS)
def test_a_packed_block_is_read_back_in_order_of_seq(rows: dict[int, tuple[int, bytes]]) -> None:
    read = list(Block.parse(block(rows).pack()).rows())
    assert read == [EntryRow(seq, *rows[seq]) for seq in sorted(rows)]
    assert block(rows).bounds == (min(rows), max(rows), max(change for change, _ in rows.values()))


@given(ANY_ROWS, ANY_ROWS)
def test_of_two_blocks_joined_the_second_ones_rows_count(
    first: dict[int, tuple[int, bytes]], second: dict[int, tuple[int, bytes]]
) -> None:
    joined = block(first).and_then(block(second))
    assert list(joined.rows()) == list(block({**first, **second}).rows())


@given(ANY_ROWS, st.integers(0, 2**40))
def test_rows_are_chosen_by_seq_and_by_change(rows: dict[int, tuple[int, bytes]], change: int) -> None:
    some = sorted(rows)[::2]
    assert {row.seq for row in block(rows).without(some).rows()} == set(rows).difference(some)
    assert {row.seq for row in block(rows).since(change).rows()} == {s for s, (c, _) in rows.items() if c > change}


@given(ANY_ROWS, st.data())
def test_a_block_that_was_cut_or_lengthened_is_refused(rows: dict[int, tuple[int, bytes]], data: st.DataObject) -> None:
    packed = block(rows).pack()
    cut = data.draw(st.integers(0, len(packed) - 1))
    for other in (packed[:cut], packed + b"\0"):
        with pytest.raises(ValueError, match=r"block|buffer"):
            Block.parse(other)


def test_a_block_whose_seqs_or_offsets_are_out_of_order_is_refused() -> None:
    swapped = Block(np.array([2, 1]), np.array([1, 1]), np.array([0, 1, 2]), b"ab")
    overlapping = Block(np.array([1, 2]), np.array([1, 1]), np.array([0, 2, 1]), b"ab")
    for wrong in (swapped, overlapping):
        with pytest.raises(ValueError, match="out of order"):
            Block.parse(wrong.pack())


@given(st.lists(ANY_TERMS, min_size=1, max_size=4))
def test_terms_of_any_counts_are_read_back_one_by_one_and_as_arrays(counts: list[dict[int, int]]) -> None:
    packed = [pack_terms(terms.items()) for terms in counts]
    assert [dict(unpack_terms(data)) for data in packed] == counts
    batch = term_batch(Block.of((seq, 1, data) for seq, data in enumerate(packed, start=1)))
    pairs = list(zip(batch.terms.tolist(), batch.counts.tolist(), strict=True))
    starts = batch.starts.tolist()
    assert [dict(pairs[a:b]) for a, b in pairwise(starts)] == counts


def test_a_count_beyond_four_bytes_is_the_greatest_of_four() -> None:
    assert unpack_terms(pack_terms([(1, 2**40)])) == [(1, 2**32 - 1)]


@pytest.mark.parametrize("data", [b"", b"\2" + bytes(9), b"\1" + bytes(8), b"\4" + bytes(13)])
def test_bytes_that_are_no_terms_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no packed terms"):
        unpack_terms(data)


def test_sketches_of_two_encoders_come_in_two_batches() -> None:
    rows = Block.of([(1, 1, b"a" * 8), (2, 1, b"b" * 16), (3, 1, b"c" * 8)])
    batches = {batch.sketches.shape: batch.seqs.tolist() for batch in sketch_batches(rows)}
    assert batches == {(2, 8): [1, 3], (1, 16): [2]}
