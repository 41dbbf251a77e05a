"""Encoders: text to vectors. Nothing heavy is imported until one is used."""

import re
from inspect import getattr_static
from pathlib import Path
from typing import Any, cast

from memkit.encoders.hashing import HashingEncoder
from memkit.encoders.langchain import LangChainEncoder
from memkit.encoders.minilm import MiniLMEncoder
from memkit.encoders.onnx import OnnxEncoder
from memkit.encoders.sentence_transformer import DEFAULT_MODEL, SentenceTransformerEncoder
from memkit.errors import InputError
from memkit.protocols import Encoder

__all__ = [
    "HashingEncoder",
    "LangChainEncoder",
    "MiniLMEncoder",
    "OnnxEncoder",
    "SentenceTransformerEncoder",
    "as_encoder",
    "default_encoder",
    "encoder_named",
    "encoder_of_choice",
]


def default_encoder() -> Encoder:
    """all-MiniLM-L6-v2; its weights are loaded with the first text."""
    return MiniLMEncoder()


def encoder_named(name: str) -> Encoder | None:
    """The encoder of this name, if memkit can make it by itself."""
    if name == DEFAULT_MODEL:
        return default_encoder()
    hashing = re.fullmatch(r"hashing-(\d+)", name)
    return HashingEncoder(int(hashing[1])) if hashing else None


def encoder_of_choice(name: str) -> Encoder:
    """The encoder that a command's --encoder option names. Raises InputError."""
    if name == "minilm":
        return default_encoder()
    if Path(name).is_dir():
        return OnnxEncoder(name)
    encoder = HashingEncoder() if name == "hashing" else encoder_named(name)
    if encoder is None:
        raise InputError(f"--encoder: unknown encoder {name!r}. Give minilm, hashing, or a folder that was exported.")
    return encoder


def as_encoder(value: object) -> Encoder:
    """An Encoder as it is, LangChain Embeddings wrapped. Raises InputError for anything else."""
    if isinstance(value, type):
        raise InputError(f"encoder: {value.__name__} is a class. Make an object of it: {value.__name__}(...).")
    if _has(value, "name", "dimension", "encode"):
        return cast("Encoder", value)
    if _has(value, "embed_documents", "embed_query"):
        return LangChainEncoder(cast("Any", value))
    raise InputError(
        f"encoder: a {type(value).__name__} is no encoder. It needs name, dimension and "
        "encode(texts), or be a LangChain Embeddings."
    )


def _has(value: object, *names: str) -> bool:
    """Whether the attributes are there, without asking for them: `dimension` may load a model."""
    missing = object()
    return all(getattr_static(value, name, missing) is not missing or hasattr(value, name) for name in names)
