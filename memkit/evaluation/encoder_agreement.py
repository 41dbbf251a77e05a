"""How far two encoders agree on the same texts."""

from collections.abc import Sequence

import numpy as np

from memkit.models import FrozenModel
from memkit.protocols import Encoder, FloatArray

NEAREST = 10


class Agreement(FrozenModel):
    """Cosines of the two vectors of each text, and the share of each text's ten nearest that both find."""

    texts: int
    mean_cosine: float
    least_cosine: float
    nearest: float


def agreement(one: Encoder, other: Encoder, texts: Sequence[str]) -> Agreement:
    """Encode distinct texts, more than ten of them, with both."""
    a, b = (encoder.encode(list(texts)) for encoder in (one, other))
    cosines = (a * b).sum(axis=1)
    near = zip(_nearest(a), _nearest(b), strict=True)
    shared = [len(set(own) & set(others)) / NEAREST for own, others in near]
    return Agreement(
        texts=len(texts),
        mean_cosine=float(cosines.mean()),
        least_cosine=float(cosines.min()),
        nearest=float(np.mean(shared)),
    )


def _nearest(rows: FloatArray) -> list[list[int]]:
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1)
    found: list[list[int]] = np.argsort(-cosines, axis=1)[:, :NEAREST].tolist()
    return found
