"""Postings lie in blocks, and are one index."""

from memkit.batches import TermBatch
from memkit.recall.index.postings import FULL_BLOCK_ROWS, LexicalIndex


def test_postings_in_large_and_in_small_blocks_are_one_index() -> None:
    index = LexicalIndex()
    rows = [(seq, [(seq % 7, 1), (1000 + seq, 2)]) for seq in range(1, FULL_BLOCK_ROWS + 100)]
    index.add([TermBatch.of(rows[:FULL_BLOCK_ROWS])])
    for row in rows[FULL_BLOCK_ROWS:]:
        index.add([TermBatch.of([row])])
    seqs, _ = index.postings(3)
    assert seqs.tolist() == [seq for seq, _ in rows if seq % 7 == 3]
    assert index.idf(1) > index.idf(100)
