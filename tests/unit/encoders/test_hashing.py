"""The encoder without a model: the same everywhere, near where words are shared."""

import subprocess
import sys

import numpy as np
import pytest

from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.protocols import Encoder

SAMPLE_TEXTS = ["I moved to Lisbon in May", "She moves to Lisbon", "The soup needs more salt", "", "?!", "我住在里斯本"]


def test_it_is_an_encoder_with_a_name_that_tells_its_dimension() -> None:
    encoder = HashingEncoder(64)
    assert isinstance(encoder, Encoder)
    assert (encoder.name, encoder.dimension) == ("hashing-64", 64)


def test_rows_are_float32_of_unit_norm_for_any_text() -> None:
    rows = HashingEncoder().encode([*SAMPLE_TEXTS, "x" * 10_000, "a\ud800b"])
    assert (rows.dtype, rows.shape) == (np.float32, (8, 256))
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)


def test_texts_that_share_words_or_parts_of_words_are_nearer() -> None:
    lisbon, moves, soup = HashingEncoder().encode(SAMPLE_TEXTS[:3])
    assert lisbon @ moves > 0.3
    assert abs(lisbon @ soup) < 0.2


def test_a_text_has_the_same_vector_alone_in_company_and_in_any_case() -> None:
    encoder = HashingEncoder()
    assert (encoder.encode(SAMPLE_TEXTS)[0] == encoder.encode([SAMPLE_TEXTS[0].upper()])[0]).all()


def test_another_process_gives_the_same_vectors() -> None:
    encoded = f"HashingEncoder(8).encode([{SAMPLE_TEXTS[0]!r}])"
    script = f"from memkit.encoders.hashing import HashingEncoder; print({encoded}.tobytes().hex())"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip() == HashingEncoder(8).encode([SAMPLE_TEXTS[0]]).tobytes().hex()


def test_no_texts_give_no_rows() -> None:
    assert HashingEncoder(8).encode([]).shape == (0, 8)


def test_a_dimension_that_makes_no_sense_is_an_error() -> None:
    with pytest.raises(InputError):
        HashingEncoder(1)
