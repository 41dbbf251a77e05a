"""Vectors of texts and of their passages, as they are, quantised, or read from the storage."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

import memkit
from memkit.batches import PassageBatch, QuantisedBatch, SketchBatch
from memkit.encoders.hashing import HashingEncoder
from memkit.protocols import FloatArray
from memkit.recall.index.lsh import Sketcher
from memkit.recall.index.vectors import VectorIndex, vector_count
from memkit.settings import RankingSettings
from memkit.storage.core.vectors import quantise_vectors


@dataclass
class Source:
    """Vectors and passages as a storage would give them."""

    rows: FloatArray
    parts: dict[int, FloatArray] = field(default_factory=dict)

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        return self.rows[list(seqs)]

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        held = [(seq, row) for seq in seqs for row in self.parts.get(seq, ())]
        vectors = np.array([row for _, row in held], np.float32).reshape(-1, self.rows.shape[1])
        return self.vectors(seqs), PassageBatch(np.array([seq for seq, _ in held], np.int64), vectors)

    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        return quantise_vectors(seqs, *self.with_passages(seqs), dimension)


def indexed(source: Source, *, exact_up_to: int, compact_up_to: int = 0, share: float = 0.4) -> VectorIndex:
    sketcher = Sketcher(source.rows.shape[1], 64, seed=1)
    ranking = RankingSettings(exact_up_to=exact_up_to, compact_up_to=compact_up_to, passages=share)
    index = VectorIndex(sketcher, ranking)
    batch = SketchBatch(np.arange(len(source.rows)), sketcher.sketch(source.rows))
    index.add([batch], source, np.full(len(source.rows), 10))
    return index


@pytest.mark.parametrize(("exact_up_to", "compact_up_to"), [(100, 100), (0, 100), (0, 0)])
def test_the_best_passage_has_its_share_of_a_long_texts_cosine_whole_quantised_or_fetched(
    exact_up_to: int, compact_up_to: int
) -> None:
    rows = np.eye(4, dtype=np.float32)
    source = Source(rows, {2: rows[[0, 1]]})
    index = indexed(source, exact_up_to=exact_up_to, compact_up_to=compact_up_to)
    cosines, _ = index.cosines(rows[1], np.arange(4), source)
    assert (index.exact, index.all_in_ram) == (exact_up_to > 0, compact_up_to > 0)
    if not index.all_in_ram:
        cosines = index.exact_cosines(rows[1], np.arange(4), source)
    assert cosines.tolist() == pytest.approx([0, 1, 0.4, 0], abs=1e-6)


def test_passages_count_when_a_banks_vectors_are_counted() -> None:
    assert vector_count(np.array([10, 300])) == 2
    assert vector_count(np.array([10, 1_000])) == 7


@pytest.mark.parametrize(("exact_up_to", "compact_up_to"), [(100, 100), (0, 100)])
def test_what_is_put_again_or_removed_leaves_no_vector_and_no_passage_behind(
    exact_up_to: int, compact_up_to: int
) -> None:
    rows = np.eye(4, dtype=np.float32)
    source = Source(rows, {2: rows[[0, 1]], 3: rows[[1]]})
    index = indexed(source, exact_up_to=exact_up_to, compact_up_to=compact_up_to)
    source.parts = {3: rows[[1]]}
    index.add([SketchBatch(np.array([2]), np.zeros((1, 8), np.uint8))], source, np.full(4, 10))
    assert index.remove(np.array([3]), np.full(3, 10))
    cosines, _ = index.cosines(rows[1], np.arange(4), source)
    assert cosines.tolist() == pytest.approx([0, 1, 0, np.nan], abs=1e-6, nan_ok=True)


def test_a_fact_in_the_middle_of_a_long_message_is_found_and_its_passages_go_with_it() -> None:
    filler = "We went on and on about the garden, the fence and the weather of that year. " * 12
    message = f"{filler}The spare key lies under the blue flowerpot. {filler}"
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe([("ana", message), ("ana", "The key of C major is easy to play.")])
        before = store.stats()["bytes"]["vectors"]
        hits = bank.recall("Where is the spare key, under which flowerpot?", k=1)
        assert "blue flowerpot" in hits[0].memory.text
        bank.erase(ids=[hits[0].memory.id])
        assert store.stats()["bytes"]["vectors"] < before / 5
