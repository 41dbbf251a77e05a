"""The pure parts of recall: chunk attention, sketches, words, cues, dates."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from memkit.batches import SketchBatch, TermBatch
from memkit.recall.index.groups import RowGroups
from memkit.recall.index.lsh import CrossPolytope, Sketcher, SketchIndex
from memkit.recall.index.postings import FULL_BLOCK_ROWS, LexicalIndex
from memkit.recall.ranking.chunk_attention import Attention, attend, chunk_evidence, log_attention, softmax
from memkit.recall.ranking.cues import is_named, read_cues
from memkit.text.terms.keys import TIME_TERM, document_terms, key_hash, text_key
from memkit.text.terms.tokens import words
from memkit.text.times.dates import first_mentioned_time

VECTORS_PATH = Path(__file__).parents[4] / "shared" / "vectors" / "hcam_small.json"
BANK_KEY = b"0123456789abcdef"
ASKED_AT = datetime(2025, 6, 4, 12, tzinfo=UTC)  # a Wednesday


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


def test_words_are_stemmed_numbers_kept_and_stop_words_left_out() -> None:
    assert [w.term for w in words("The dogs were running at 7:15 to Ana's, 1,200 times")] == [
        "dog",
        "run",
        "7:15",
        "ana",
        "1200",
        "time",
    ]


def test_languages_without_spaces_are_cut_into_pairs() -> None:
    assert [w.term for w in words("東京タワー")] == ["東京", "京タ", "タワ", "ワー"]


def test_a_document_holds_its_day_and_says_whether_it_names_a_time() -> None:
    terms = document_terms("See you tomorrow", speaker="ana", at=ASKED_AT, zone=ZoneInfo("UTC"), key=BANK_KEY)
    assert key_hash(BANK_KEY, "june") in terms
    assert key_hash(BANK_KEY, TIME_TERM) in terms
    assert key_hash(b"another bank key", "june") not in terms


def test_a_text_key_ignores_space_and_case_but_not_words() -> None:
    assert text_key(BANK_KEY, " Good  night", "ana") == text_key(BANK_KEY, "good night", "ana")
    assert text_key(BANK_KEY, "good night", "ana") != text_key(BANK_KEY, "good night", "bob")


def test_postings_in_blocks_and_in_the_tail_are_one_index() -> None:
    index = LexicalIndex()
    rows = [(seq, [(seq % 7, 1), (1000 + seq, 2)]) for seq in range(1, FULL_BLOCK_ROWS + 100)]
    index.add([TermBatch.of(rows[:FULL_BLOCK_ROWS])])
    for row in rows[FULL_BLOCK_ROWS:]:
        index.add([TermBatch.of([row])])
    seqs, _ = index.postings(3)
    assert seqs.tolist() == [seq for seq, _ in rows if seq % 7 == 3]
    assert index.idf(1) > index.idf(100)


def test_a_speakers_name_is_a_cue_and_no_search_word() -> None:
    cues = read_cues("What did Ana cook?", {"Ana": 7, "Bob": 8, "user": 9}, ASKED_AT, "UTC")
    assert cues.named == frozenset({7})
    assert cues.terms == ("cook",)
    assert not is_named("user", "the user said")
    assert is_named("Will", "What did Will say?")
    assert not is_named("Will", "When will it rain?")


@pytest.mark.parametrize(
    ("text", "start", "days"),
    [
        ("what did I say yesterday", "2025-06-03", 1),
        ("what happened last week", "2025-05-26", 7),
        ("in May 2024", "2024-05-01", 31),
        ("on 3 June 2024", "2024-06-03", 1),
        ("what happened last month", "2025-05-01", 31),
        ("on 2024-12-24", "2024-12-24", 1),
        ("last year", "2024-01-01", 366),
        ("on Thursday", "2025-05-29", 1),
        ("two days ago", "2025-06-02", 1),
    ],
)
def test_times_are_read_from_now_as_spans_of_days(text: str, start: str, days: int) -> None:
    span = first_mentioned_time(text, ASKED_AT, "UTC")
    assert span is not None
    assert span.start.date().isoformat() == start
    assert span.end - span.start == timedelta(days=days)


def test_what_names_no_time_gives_none() -> None:
    assert first_mentioned_time("I may march to the second floor", ASKED_AT, "UTC") is None
