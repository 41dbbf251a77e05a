"""Recall follows the bank: cohesion, passages, groups of rows, and whether it can answer anything."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memkit
from memkit.batches import PassageBatch, QuantisedBatch, RowBatch, SketchBatch
from memkit.encoders.hashing import HashingEncoder
from memkit.models import IndexRow
from memkit.protocols import FloatArray
from memkit.recall.index.cohesion import cohesion
from memkit.recall.index.columns import Columns
from memkit.recall.index.groups import RowGroups
from memkit.recall.index.lsh import Sketcher
from memkit.recall.index.postings import LexicalIndex
from memkit.recall.index.seq_array import Ints
from memkit.recall.index.vectors import VectorIndex, vector_count
from memkit.recall.ranking.calibration import is_answerable
from memkit.recall.ranking.candidates import Candidates, RowFeatures, UnseenChunks, row_features
from memkit.recall.ranking.chunk_attention import chunk_evidence, evidence_parts, log_attention
from memkit.recall.ranking.evidence import lexical_evidence
from memkit.settings import RankingSettings
from memkit.storage.core.vector_packing import as_quantised
from memkit.text.passages import MAX_PASSAGES, passages


def unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def sessions_about(*, one_thing_each: bool) -> tuple[FloatArray, Ints]:
    random = np.random.default_rng(5)
    numbers = np.repeat(np.arange(20), 15)
    topics = random.standard_normal((20, 64))[numbers] if one_thing_each else np.zeros((300, 64))
    return unit(topics + random.standard_normal((300, 64))), numbers


def test_sessions_of_one_topic_each_are_cohesive_and_mixed_ones_are_not() -> None:
    assert cohesion(*sessions_about(one_thing_each=True)) == 1.0
    assert cohesion(*sessions_about(one_thing_each=False)) == 0.0


def test_cohesion_does_not_depend_on_the_order_of_rows() -> None:
    vectors, numbers = sessions_about(one_thing_each=True)
    vectors = unit(vectors + 0.25 * np.random.default_rng(1).standard_normal(vectors.shape).astype(np.float32))
    shuffled = np.random.default_rng(2).permutation(len(vectors))
    assert 0 < cohesion(vectors, numbers) < 1
    assert cohesion(vectors[shuffled], numbers[shuffled]) == pytest.approx(cohesion(vectors, numbers))


@pytest.mark.parametrize("rows", [0, 1])
def test_a_bank_of_hardly_any_turns_has_no_cohesion(rows: int) -> None:
    assert cohesion(np.ones((rows, 4), np.float32), np.zeros(rows, np.int64)) == 0.0


def two_sessions() -> Columns:
    """Three turns of 600 characters each."""
    rows = [
        IndexRow(
            *(seq, "turn", "active", 7, "user", session, session, seq, seq, None, None),
            *(1.0, None, None, False, 600, False, None, None, ()),
        )
        for seq, session in enumerate([1, 1, 1, 2, 2, 2])
    ]
    columns = Columns()
    columns.put([RowBatch.of(rows)])
    columns.measure(np.empty(0, np.int64))
    return columns


def dense_candidates(features: RowFeatures, cosines: FloatArray) -> Candidates:
    """Candidates that no word of the question stands in."""
    nothing = np.zeros(len(features), np.float32)
    return Candidates(
        features=features,
        eligible=np.ones(len(features), dtype=bool),
        words=lexical_evidence(LexicalIndex(), two_sessions(), b"key", ()),
        lexical=nothing,
        cosines=cosines,
        sample=cosines,
        exact=nothing == 0,
    )


def test_a_cohesive_bank_weighs_sessions_more_and_leans_longer_turns_on_their_context() -> None:
    weights, cosines = RankingSettings(), np.array([0.9, 0.4, 0.1, 0.1, 0.1, 0.1], np.float32)
    loose, cohesive = (row_features(two_sessions(), np.arange(6), cohesion, weights) for cohesion in (0.0, 1.0))
    before, after = (evidence_parts(dense_candidates(rows, cosines), weights) for rows in (loose, cohesive))
    assert after["session"][0] > before["session"][0] > 0 > before["session"][5] > after["session"][5]
    assert after["dense"][0] < before["dense"][0]
    assert (cohesive.open_to_context > loose.open_to_context).all()
    assert "recency" not in loose.traits
    assert cohesive.traits["recency"].tolist() == [pytest.approx(-0.8 * np.log(2))] * 3 + [0] * 3


@given(st.text(alphabet="ab .!?\n。", max_size=3000))
def test_passages_hold_every_word_of_a_long_text_and_are_short(text: str) -> None:
    parts = passages(text, size=200, above=300)
    assert all(len(part) <= 400 for part in parts)
    if len(text) <= 300:
        assert parts == []
    elif len(parts) < MAX_PASSAGES:
        assert sum(map(str.isalnum, "".join(parts))) == sum(map(str.isalnum, text))


def test_an_enormous_text_has_a_bounded_number_of_passages() -> None:
    assert len(passages("word " * 100_000, size=200, above=300)) == MAX_PASSAGES


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
        return as_quantised(seqs, *self.with_passages(seqs), dimension)


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


def test_passages_count_as_vectors_when_it_is_decided_what_is_kept() -> None:
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


@given(st.lists(st.tuples(st.integers(-2, 6), st.floats(-5, 5, width=32)), max_size=40))
def test_groups_tell_what_the_obvious_loop_tells(pairs: list[tuple[int, float]]) -> None:
    groups = RowGroups.of(np.array([group for group, _ in pairs], np.int64))
    values = np.array([value for _, value in pairs], np.float32)
    members = {n: [value for group, value in pairs if group == n] for n in sorted({g for g, _ in pairs if g >= 0})}
    assert groups.numbers.tolist() == list(members)
    assert groups.sizes.tolist() == [len(own) for own in members.values()]
    assert groups.maxima(values).tolist() == [max(own) for own in members.values()]
    assert groups.sums(values).tolist() == pytest.approx([sum(own) for own in members.values()])
    spread = groups.spread(groups.maxima(values), len(pairs))
    assert spread.tolist() == [max(members[group]) if group >= 0 else 0 for group, _ in pairs]


def test_a_bank_knows_by_five_good_results_or_one_sure_one_and_not_by_chance() -> None:
    every = np.ones(500, dtype=bool)
    noise = np.full(500, 0.2, np.float32)
    five, sure, chance = noise.copy(), noise.copy(), noise.copy()
    five[:5], sure[0], chance[0] = 0.45, 0.8, 0.6
    assert is_answerable(five, every, 500)
    assert is_answerable(sure, every, 500)
    assert not is_answerable(chance, every, 500)
    assert not is_answerable(noise[:0], every[:0], 500)


def test_the_more_a_bank_holds_the_more_is_asked_of_its_best() -> None:
    some = np.full(5, 0.42, np.float32)
    assert is_answerable(some, np.ones(5, dtype=bool), 500)
    assert not is_answerable(some, np.ones(5, dtype=bool), 5000)


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


def test_chunks_without_a_candidate_count_in_the_average_and_members_left_out_in_the_mean() -> None:
    evidence = np.array([3.0, 0.0, 1.0, 1.0], np.float32)
    chunks = RowGroups.of(np.array([0, 0, 1, 1]))
    every = chunk_evidence(evidence, chunks)
    halved = chunk_evidence(evidence, chunks, np.array([4, 4]))
    assert every.tolist() == [4.5, 2.0]
    assert halved.tolist() == [3.75, 1.5]
    noise = np.zeros(64, np.float32)
    alone = log_attention(evidence, chunks)
    among = log_attention(evidence, chunks, UnseenChunks(np.full(len(every), 2), noise, count=50, row_count=100))
    assert alone.tolist() == [1.0, -1.0]
    assert among[0] > among[1] > 0
