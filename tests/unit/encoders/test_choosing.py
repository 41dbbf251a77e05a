"""Objects that count as encoders, and the one that a file's name stands for."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from memkit.encoders import (
    HashingEncoder,
    LangChainEncoder,
    MiniLMEncoder,
    as_encoder,
    default_encoder,
    encoder_named,
)
from memkit.errors import EncoderError, InputError
from memkit.protocols import Encoder


def test_an_encoder_is_taken_as_it_is() -> None:
    encoder = HashingEncoder()
    assert as_encoder(encoder) is encoder


def test_taking_an_encoder_does_not_ask_for_its_dimension_which_might_load_a_model() -> None:
    class Heavy:
        name = "heavy"

        @property
        def dimension(self) -> int:
            raise AssertionError("asked")

        def encode(self, texts: list[str]) -> Any:
            raise AssertionError("asked")

    encoder: Any = Heavy()
    assert as_encoder(encoder) is encoder


def test_embeddings_of_langchain_are_wrapped() -> None:
    encoder = as_encoder(DeterministicFakeEmbedding(size=16))
    assert isinstance(encoder, LangChainEncoder)
    assert (encoder.name, encoder.dimension) == ("DeterministicFakeEmbedding", 16)


@pytest.mark.parametrize("wrong", [None, 3, "all-MiniLM-L6-v2", object(), HashingEncoder])
def test_anything_else_is_an_error_that_says_what_an_encoder_needs(wrong: object) -> None:
    with pytest.raises(InputError, match="encoder"):
        as_encoder(wrong)


def test_a_file_that_names_an_encoder_of_memkits_own_gets_it_back() -> None:
    named = encoder_named("hashing-64")
    assert isinstance(named, HashingEncoder)
    assert named.dimension == 64
    assert isinstance(encoder_named(default_encoder().name), MiniLMEncoder)
    assert encoder_named("somebody/elses") is None


def test_the_default_encoder_is_known_before_it_is_loaded() -> None:
    script = (
        "import sys; from memkit.encoders import default_encoder; e = default_encoder();"
        "heavy = ('torch', 'sentence_transformers', 'langchain_core');"
        "print(e.name, e.dimension, [m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "sentence-transformers/all-MiniLM-L6-v2 384 []"


class Long(Embeddings):
    """A model with a name, whose vectors are longer than 1."""

    model = "long-1"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[3.0, 4.0 * len(text)] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [1.0, 0.0]


def test_langchain_vectors_are_normalised_and_named_by_class_and_model() -> None:
    encoder = LangChainEncoder(Long())
    assert isinstance(encoder, Encoder)
    assert (encoder.name, encoder.dimension) == ("Long:long-1", 2)
    rows = encoder.encode(["a", "bb"])
    assert rows.dtype == np.float32
    assert rows[0] == pytest.approx([0.6, 0.8])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert encoder.encode([]).shape == (0, 2)


def test_a_name_and_a_dimension_can_be_given_and_then_the_model_is_not_asked() -> None:
    class Silent(Long):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise AssertionError("asked")

    encoder = LangChainEncoder(Silent(), name="mine", dimension=2)
    assert (encoder.name, encoder.dimension) == ("mine", 2)


@pytest.mark.parametrize(
    "rows", [[[1.0, 0.0]], [[1.0, 0.0], [1.0]], [[0.0, 0.0], [1.0, 0.0]], [[float("nan"), 1.0]] * 2]
)
def test_embeddings_that_give_too_few_uneven_or_empty_vectors_are_an_error(rows: list[list[float]]) -> None:
    class Wrong(Long):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return rows

    with pytest.raises(EncoderError):
        LangChainEncoder(Wrong(), dimension=2).encode(["a", "b"])
