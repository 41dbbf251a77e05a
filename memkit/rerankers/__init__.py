"""Rerankers: a question and candidates to scores. Nothing heavy is imported until one is used."""

from inspect import getattr_static
from typing import cast

from memkit.errors import InputError
from memkit.rerankers.base import RerankCandidate, Reranker
from memkit.rerankers.cross_encoder import CrossEncoderReranker

__all__ = ["CrossEncoderReranker", "RerankCandidate", "Reranker", "as_reranker"]


def as_reranker(value: object) -> Reranker | None:
    """A Reranker as it is, a model's name or folder as a cross-encoder, None as none. Raises InputError."""
    if value is None:
        return None
    if isinstance(value, str):
        return CrossEncoderReranker(value)
    missing = object()
    has_all = all(getattr_static(value, name, missing) is not missing for name in ("name", "scores"))
    if isinstance(value, type) or not has_all:
        kind = value.__name__ if isinstance(value, type) else type(value).__name__
        raise InputError(
            f"reranker: {kind} is no reranker. It needs name and scores(question, candidates), or be the name of a "
            "cross-encoder of sentence-transformers."
        )
    return cast("Reranker", value)
