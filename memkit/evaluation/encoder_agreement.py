"""Agreement of two encoders on the same texts."""

from collections.abc import Sequence

import numpy as np

from memkit.models import FrozenModel
from memkit.protocols import Encoder, FloatArray

NEIGHBOUR_COUNT = 10


class Agreement(FrozenModel):
    """Cosines of the two vectors of each text, and the share of each text's ten nearest that both find."""

    texts: int
    mean_cosine: float
    least_cosine: float
    nearest: float


def agreement(encoder: Encoder, other: Encoder, texts: Sequence[str]) -> Agreement:
    """Encode distinct texts, more than ten of them, with both."""
    a, b = (each.encode(list(texts)) for each in (encoder, other))
    cosines = (a * b).sum(axis=1)
    shared = [
        len(set(own) & set(others)) / NEIGHBOUR_COUNT for own, others in zip(_nearest(a), _nearest(b), strict=True)
    ]
    return Agreement(
        texts=len(texts),
        mean_cosine=float(cosines.mean()),
        least_cosine=float(cosines.min()),
        nearest=float(np.mean(shared)),
    )


def _nearest(rows: FloatArray) -> list[list[int]]:
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1)
    nearest: list[list[int]] = np.argsort(-cosines, axis=1)[:, :NEIGHBOUR_COUNT].tolist()
    return nearest
