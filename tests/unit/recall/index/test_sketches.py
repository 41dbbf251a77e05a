"""Number of sketches that a search takes, and the share of exact search's results that it finds."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.protocols import FloatArray
from memkit.recall.index.lsh import MAX_CANDIDATES, MIN_CANDIDATES, TARGET_RECALL, Sketcher, SketchIndex, candidates_for
from memkit.recall.index.sketch_search import SketchSearch
from memkit.settings import RankingSettings, Settings
from memkit.testing import FrozenClock

SKETCH_BITS, VECTOR_DIMENSION = 512, 384


def unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def clustered(centres: int, noise: float) -> FloatArray:
    """Fifty rows around each centre."""
    random = np.random.default_rng(3)
    rows = np.repeat(random.standard_normal((centres, VECTOR_DIMENSION)), 50, axis=0)
    return unit(rows + noise * random.standard_normal(rows.shape))


def isotropic(count: int) -> FloatArray:
    return unit(np.random.default_rng(4).standard_normal((count, VECTOR_DIMENSION)))


class Bank:
    """Sketches of given rows, whose seqs count from one; remembers how many rows were asked for."""

    def __init__(self, rows: FloatArray, bits: int = SKETCH_BITS) -> None:
        self.rows, self.fetched = rows, 0
        self.sketcher, self.sketches = Sketcher(rows.shape[1], bits, seed=5), SketchIndex(bits)
        self.search = SketchSearch(self.sketcher, self.sketches)
        self.add(rows, 1)

    def add(self, rows: FloatArray, start: int) -> None:
        self.sketches.add(np.arange(start, start + len(rows)), self.sketcher.sketch(rows))

    def fetch(self, seqs: Sequence[int]) -> FloatArray:
        self.fetched += len(seqs)
        return self.rows[np.asarray(seqs, dtype=np.int64) - 1]

    @property
    def count(self) -> int:
        return self.search.candidate_count(self.fetch)

    @property
    def recall(self) -> float | None:
        return self.search.recall(self.fetch)

    def best(self, query: FloatArray, k: int = 10) -> set[int]:
        """The k best of the sketch search, by rerank."""
        near = self.search.candidates(query, k, self.fetch)
        return set(near[np.argsort(-(self.rows[near - 1] @ query))[:k]].tolist())


@pytest.mark.parametrize("noise", [0.8, 1.2, 2.0])
def test_the_rules_count_finds_what_exact_search_finds_among_clusters(noise: float) -> None:
    bank = Bank(clustered(200, noise))
    recall = bank.recall
    assert recall is not None
    assert recall >= TARGET_RECALL
    assert MIN_CANDIDATES <= bank.count < MAX_CANDIDATES / 2


def test_the_less_the_wanted_rows_stand_out_the_more_candidates_are_taken() -> None:
    tight, loose, none = Bank(clustered(200, 1.2)), Bank(clustered(200, 2.0)), Bank(isotropic(10_000))
    assert tight.count < loose.count < none.count == MAX_CANDIDATES


def test_wider_sketches_need_fewer_candidates_for_the_same_recall() -> None:
    rows = clustered(200, 2.0)
    narrow, wide = Bank(rows, 512), Bank(rows, 2048)
    assert wide.count < narrow.count / 2
    assert wide.recall is not None
    assert wide.recall >= TARGET_RECALL


def test_where_the_most_is_not_enough_the_recall_that_is_reported_says_so() -> None:
    bank = Bank(isotropic(25_000))
    assert bank.count == MAX_CANDIDATES
    assert bank.recall is not None
    assert 0.85 < bank.recall < TARGET_RECALL


def test_the_recall_that_is_reported_is_what_searches_of_other_rows_find() -> None:
    bank = Bank(isotropic(5_000), bits=64)
    queries = isotropic(5_040)[5_000:]
    hits = 0
    for query in queries:
        cosines = bank.rows @ query
        least = np.sort(cosines)[-10] - 1e-5  # one as near as the tenth counts, too
        hits += sum(cosines[seq - 1] >= least for seq in bank.best(query))
    recall = bank.search.recall(bank.fetch, queries)
    assert recall == pytest.approx(hits / 400)
    assert recall < 1


def test_the_rule_takes_the_rank_that_the_binomial_predicts() -> None:
    nearest, others = np.full((1, 1), 1.0), np.zeros((1, 100))
    assert (
        candidates_for(1_000_000, SKETCH_BITS, nearest, others) == MIN_CANDIDATES
    )  # a row that equals the question has none before it
    same = np.zeros((1, 1))
    median = candidates_for(1_000, SKETCH_BITS, same, others, target=0.5)
    assert median == pytest.approx(500, abs=30)  # a row like all others has half of them before it
    assert candidates_for(1_000, SKETCH_BITS, same, others, target=0.9) == pytest.approx(900, abs=30)


def test_the_rule_holds_its_bounds_and_needs_no_rows() -> None:
    assert candidates_for(10**9, SKETCH_BITS, np.zeros((1, 1)), np.zeros((1, 9))) == MAX_CANDIDATES
    assert candidates_for(50, SKETCH_BITS, np.zeros((1, 1)), np.zeros((1, 9))) == MIN_CANDIDATES
    assert candidates_for(0, SKETCH_BITS, np.empty((0, 0)), np.empty((0, 0))) == MIN_CANDIDATES


def test_the_count_is_found_once_and_again_when_the_bank_has_grown() -> None:
    rows = clustered(200, 2.0)
    bank = Bank(rows[:2_000])
    before, fetched = bank.count, bank.fetched
    assert bank.count == before
    assert bank.fetched == fetched
    bank.rows = rows
    bank.add(rows[2_000:], 2_001)
    assert bank.count > before


def test_more_results_than_the_rule_counts_on_get_as_many_candidates() -> None:
    bank = Bank(clustered(20, 0.8))
    assert bank.count == MIN_CANDIDATES
    assert len(bank.search.candidates(bank.rows[0], 700, bank.fetch)) == 700


@pytest.mark.parametrize(("size", "recall"), [(0, None), (1, None), (2, 1.0), (90, 1.0)])
def test_a_bank_with_few_rows_has_nothing_to_miss(size: int, recall: float | None) -> None:
    assert Bank(isotropic(90)[:size]).recall == recall


def test_rows_that_are_all_alike_are_no_misses() -> None:
    assert Bank(np.repeat(isotropic(1), 500, axis=0)).recall == 1.0


def sketching(exact_up_to: int) -> Settings:
    return Settings(ranking=RankingSettings(exact_up_to=exact_up_to))


def measured(exact_up_to: int = 20_000) -> dict[str, object]:
    """Figures that stats measure of a bank of 300 turns."""
    clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock, settings=sketching(exact_up_to)) as store:
        store.bank("ana").observe([("ana", f"On day {i} I ate {i * 7 % 31} figs.") for i in range(300)])
        store.bank("bob").observe([("bob", "...")])  # no words, so no vector
        assert "search" not in store.stats()["banks"]["ana"]
        banks = store.stats(measure=True)["banks"]
        assert banks["bob"]["sketch_recall"] is None
        return {name: banks["ana"][name] for name in ("search", "candidates", "sketch_recall")}


def test_a_small_bank_is_searched_exactly_and_stats_tell_what_sketches_would_find() -> None:
    figures = measured()
    assert figures["search"] == "exact"
    assert isinstance(figures["sketch_recall"], float)
    assert figures["sketch_recall"] >= TARGET_RECALL


def test_a_bank_over_the_limit_is_searched_by_sketches_and_stats_tell_their_recall() -> None:
    exact = measured()
    figures = measured(exact_up_to=50)
    assert figures["search"] == "sketch"
    assert figures["candidates"] == exact["candidates"]
    assert figures["sketch_recall"] == pytest.approx(exact["sketch_recall"], abs=0.01)


def test_a_recall_over_the_limit_finds_what_exact_search_finds() -> None:
    def hits(exact_up_to: int = 20_000) -> list[str]:
        clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
        with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock, settings=sketching(exact_up_to)) as store:
            bank = store.bank("ana")
            bank.observe([("ana", f"On day {i} I ate {i * 7 % 31} figs.") for i in range(300)])
            return [hit.memory.text for hit in bank.recall("How many figs on day 111?", k=3)]

    exact = hits()
    assert exact[0] == "On day 111 I ate 2 figs."
    assert hits(exact_up_to=50)[0] == exact[0]
