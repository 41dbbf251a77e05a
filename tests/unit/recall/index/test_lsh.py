"""Sketches and groups of vectors: signs of random projections, and the cross-polytope hash."""

import numpy as np
import pytest

from memkit.batches import SketchBatch
from memkit.recall.index.lsh import CrossPolytope, Sketcher, SketchIndex


def test_sketches_differ_in_proportion_to_the_angle() -> None:
    sketcher = Sketcher(64, 4096, seed=1)
    first, other = np.zeros((2, 64), np.float32)
    first[0] = 1
    other[:2] = 0.5**0.5  # 45 degrees
    differing = np.unpackbits(sketcher.sketch(first[None]) ^ sketcher.sketch(other[None])).mean()
    assert abs(differing - 0.25) < 0.03


def test_sketch_search_with_rerank_finds_what_exact_search_finds() -> None:
    random = np.random.default_rng(3)
    centres = random.standard_normal((200, 384))
    vectors = np.repeat(centres, 50, axis=0) + 1.2 * random.standard_normal((10_000, 384))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    sketcher, index = Sketcher(384, 512, seed=5), SketchIndex(512)
    batch = SketchBatch(np.arange(10_000), sketcher.sketch(vectors))
    index.add(batch.seqs, batch.sketches)
    hit = 0
    for query in vectors[::500]:
        exact = set(np.argsort(-(vectors @ query))[:10].tolist())
        near = index.search(sketcher.sketch(query[None])[0], 400)
        hit += len(exact & set(near[np.argsort(-(vectors[near] @ query))[:10]].tolist()))
    assert hit / 200 >= 0.98


def test_a_sketch_that_is_added_again_replaces_the_old_one() -> None:
    index = SketchIndex(64)
    index.add(np.array([1, 2]), np.array([[0] * 8, [255] * 8], np.uint8))
    index.add(np.array([1]), np.array([[255] * 8], np.uint8))
    assert len(index.search(np.array([255] * 8, np.uint8), 10)) == 2


@pytest.mark.parametrize(
    ("groups", "expected"), [(8, (0.37, 0.44, 0.53)), (32, (0.23, 0.29, 0.39)), (128, (0.14, 0.20, 0.31))]
)
def test_cross_polytope_groups_collide_as_the_papers_hash_does(
    groups: int, expected: tuple[float, float, float]
) -> None:
    random = np.random.default_rng(11)
    for cosine, rate in zip((0.6, 0.7, 0.8), expected, strict=True):
        hits = total = 0
        for seed in range(40):
            first = random.standard_normal((200, 64)).astype(np.float32)
            first /= np.linalg.norm(first, axis=1, keepdims=True)
            side = random.standard_normal((200, 64)).astype(np.float32)
            side -= (side * first).sum(1, keepdims=True) * first
            side /= np.linalg.norm(side, axis=1, keepdims=True)
            other = cosine * first + (1 - cosine**2) ** 0.5 * side
            hash = CrossPolytope(64, groups, seed)
            hits += int((hash.group(first) == hash.group(other)).sum())
            total += 200
        assert abs(hits / total - rate) < 0.03


def test_several_probes_reach_more_than_one_and_begin_with_the_group_itself() -> None:
    vectors = np.random.default_rng(2).standard_normal((50, 32)).astype(np.float32)
    hash = CrossPolytope(32, 16, seed=1)
    probes = hash.probes(vectors, 5)
    assert (probes[:, 0] == hash.group(vectors)).all()
    assert all(len(set(row)) == 5 for row in probes.tolist())
