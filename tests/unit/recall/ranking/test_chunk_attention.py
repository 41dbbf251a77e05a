"""Chunk attention: the authors' module, and its first level as ranking uses it."""

import json
from pathlib import Path

import numpy as np
import pytest

from memkit.batches import RowBatch
from memkit.models import IndexRow
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Columns
from memkit.recall.index.groups import RowGroups
from memkit.recall.index.postings import LexicalIndex
from memkit.recall.ranking.candidates import Candidates, RowFeatures, UnseenChunks, row_features
from memkit.recall.ranking.chunk_attention import (
    Attention,
    attend,
    chunk_evidence,
    evidence_parts,
    log_attention,
    softmax,
)
from memkit.recall.ranking.evidence import lexical_evidence
from memkit.recall.ranking.session_share import follow_sessions
from memkit.settings import RankingSettings

VECTORS_PATH = Path(__file__).parents[5] / "shared" / "vectors" / "hcam_small.json"


@pytest.mark.skipif(not VECTORS_PATH.exists(), reason="the reference vectors are not here")
def test_chunk_attention_equals_the_authors_module() -> None:
    given = json.loads(VECTORS_PATH.read_text())
    *_, k, heads = given["B,Q,M,C,D,k,heads"]
    weights = {name.split("/", 1)[1]: {p: np.array(v) for p, v in w.items()} for name, w in given["params"].items()}
    inner = {name: weights[f"within_mem_attn/{name}"] for name in ("query", "key", "value", "linear")}

    def split(name: str) -> tuple[np.ndarray, np.ndarray]:
        width = inner[name]["w"].shape[1] // heads
        return inner[name]["w"].reshape(-1, heads, width), inner[name]["b"].reshape(heads, width)

    out = inner["linear"]["w"]
    attention = Attention(
        *split("query"), *split("key"), *split("value"), out.reshape(heads, -1, out.shape[1]), inner["linear"]["b"]
    )
    chunks = np.array(given["contents"])[0]
    for query, expected in zip(np.array(given["queries"])[0], np.array(given["output"])[0], strict=True):
        answer = attend(
            query,
            chunks,
            query_projection=weights["query"]["w"],
            key_projection=weights["key"]["w"],
            attention=attention,
            k=k,
        )
        assert np.abs(answer - expected).max() < 1e-5


def test_a_softmax_sums_to_one_and_does_not_overflow() -> None:
    assert softmax(np.array([1000.0, 1000.0, -1000.0])).tolist() == [0.5, 0.5, 0.0]


def test_chunks_are_lifted_by_their_best_member_and_an_average_one_stays() -> None:
    chunks = RowGroups.of(np.array([0, 0, 1, 1, 2, 2]))
    evidence = np.array([0.0, 3.0, 0.0, 0.0, 1.0, 1.0], np.float32)
    assert chunk_evidence(evidence, chunks).tolist() == [4.5, 0.0, 2.0]
    lifted = log_attention(evidence, chunks)
    assert lifted[0] > lifted[2] > lifted[1]
    assert abs(float(lifted.mean())) < 1e-6


def test_chunks_without_a_candidate_count_in_the_average_and_members_left_out_in_the_mean() -> None:
    evidence = np.array([3.0, 0.0, 1.0, 1.0], np.float32)
    chunks = RowGroups.of(np.array([0, 0, 1, 1]))
    every = chunk_evidence(evidence, chunks)
    halved = chunk_evidence(evidence, chunks, np.array([0.25, 0.25]))
    assert every.tolist() == [4.5, 2.0]
    assert halved.tolist() == [3.75, 1.5]
    noise = np.zeros(64, np.float32)
    alone = log_attention(evidence, chunks)
    among = log_attention(evidence, chunks, UnseenChunks(np.full(len(every), 2), noise, count=50, row_count=100))
    assert alone.tolist() == [1.0, -1.0]
    assert among[0] > among[1] > 0


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
    candidates = Candidates(
        features=features,
        eligible=np.ones(len(features), dtype=bool),
        words=lexical_evidence(LexicalIndex(), two_sessions(), b"key", ()),
        lexical=nothing,
        reranked=nothing,
        cosines=cosines,
        sample=cosines,
        exact=nothing == 0,
    )
    candidates.completed = nothing
    return candidates


def parts_of(candidates: Candidates, weights: RankingSettings) -> dict[str, FloatArray]:
    """Parts of the score, sessions counting as far as the evidence lies in them."""
    follow_sessions(candidates, weights)
    return evidence_parts(candidates, weights)


def test_a_cohesive_bank_weighs_sessions_more_and_leans_longer_turns_on_their_context() -> None:
    weights, cosines = RankingSettings(), np.array([0.9, 0.8, 0.7, 0.1, 0.1, 0.1], np.float32)
    loose, cohesive = (row_features(two_sessions(), np.arange(6), cohesion, weights) for cohesion in (0.0, 1.0))
    before, after = (parts_of(dense_candidates(rows, cosines), weights) for rows in (loose, cohesive))
    assert after["session"][0] > before["session"][0] > 0 > before["session"][5] > after["session"][5]
    assert after["dense"][0] < before["dense"][0]
    assert (cohesive.open_to_context > loose.open_to_context).all()
    assert "recency" not in loose.traits
    assert cohesive.traits["recency"].tolist() == [pytest.approx(-0.8 * np.log(2))] * 3 + [0] * 3
