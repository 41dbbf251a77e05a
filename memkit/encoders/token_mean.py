"""The mean of a model's token vectors, which is subtracted from each: what all have in common tells nothing.

It is a constant of the model, never made of a bank's texts, in which an erased one would leave its trace:
`tests/benchmarks/token_mean.py` makes it of frequent words, each encoded alone.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from memkit.protocols import FloatArray

MEAN_FILES = {"sentence-transformers/all-MiniLM-L6-v2": "minilm_token_mean.npy"}  # float16, (dimension,)


@cache
def token_mean(model: str) -> FloatArray:
    """The mean of a model's token vectors, (dimension,); a single 0 where none is known."""
    name = MEAN_FILES.get(model.split("#")[0])  # an export in another number format has its original's
    if name is None:
        return np.zeros(1, np.float32)
    with (files("memkit.encoders") / name).open("rb") as file:
        return np.asarray(np.load(file), dtype=np.float32)


def centred(rows: FloatArray, mean: FloatArray) -> FloatArray:
    """Vectors of any length as unit rows around a mean of unit vectors, (n, dimension)."""
    return _unit(_unit(rows) - mean)


def _unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)
