"""Vectors of words as sign bits: how they are packed, and what is compared with them."""

import numpy as np
import pytest
from word_encoder import WordEncoder

from memkit.recall.index.token_rows import (
    BLOCK_ROWS,
    greatest_cosines,
    is_packed,
    packed,
    passage_words,
    unpacked,
    word_vectors,
)
from memkit.text.terms.tokens import words
from memkit.text.token_vectors import TokenVectors

RANDOM = np.random.default_rng(3)


def unit(count: int, dimension: int = 20) -> np.ndarray:
    rows = RANDOM.standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_what_is_packed_comes_back_passage_by_passage_in_the_order_of_the_texts() -> None:
    first, second, third = unit(3), unit(0), unit(2)
    stored = {9: packed([first]), 4: packed([third, second, first])}
    rows = unpacked({seq: data for seq, data in stored.items() if data}, 20)
    assert rows.owners.tolist() == [4, 4, 9]
    assert rows.starts.tolist() == [0, 2, 5]
    signs = np.unpackbits(rows.signs, axis=1, count=20).astype(bool)
    assert np.array_equal(signs, np.concatenate([third, first, first]) > 0)


def test_a_text_without_words_is_not_stored() -> None:
    assert packed([]) is None
    assert packed([unit(0)]) is None


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\x02" + bytes(5), packed([unit(2, 40)])])
def test_what_another_encoder_made_or_was_cut_is_left_out(data: bytes) -> None:
    assert not is_packed(data, 20)
    assert len(unpacked({1: data}, 20).owners) == 0


def test_the_greatest_cosine_is_that_of_the_nearest_signs_in_a_passage() -> None:
    passages = [unit(4), unit(BLOCK_ROWS), unit(3)]
    data = {seq: b"".join([bytes([1, len(rows) % 256]), np.packbits(rows > 0, axis=1).tobytes()])
            for seq, rows in enumerate(passages) if len(rows) < 256}  # fmt: skip
    question = unit(3)
    found = greatest_cosines(unpacked(data, 20), question)
    expected = [(np.where(rows > 0, 1, -1) / 20**0.5 @ question.T).max(axis=0) for rows in (passages[0], passages[2])]
    assert found == pytest.approx(np.array(expected), abs=1e-5)


def test_words_are_the_means_of_their_tokens_without_the_speakers_name_and_stop_words() -> None:
    vectors = np.eye(5, dtype=np.float32)
    spans = np.array([(0, 3), (5, 8), (9, 12), (12, 16), (17, 20)])  # "Ana: the cat|fish and"
    tokens = TokenVectors(vectors[0], spans, vectors)
    rows = passage_words("the catfish and", tokens, offset=5)
    assert rows == pytest.approx((vectors[2:3] + vectors[3:4]) / 2**0.5)


def test_of_a_text_that_is_read_in_part_the_words_read_are_kept() -> None:
    [tokens] = WordEncoder().encode_tokens(["lamps and candles"])
    cut = TokenVectors(tokens.whole, tokens.spans[:1], tokens.vectors[:1])
    found, rows = word_vectors(words("lamps and candles"), cut)
    assert [word.term for word in found] == ["lamp"]
    assert len(rows) == 1
