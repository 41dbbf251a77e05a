"""Cosines estimated from sketches: the best linear estimate from the signs and the planes that they were made with.

A Hamming distance compares two sketches and has the rounding errors of both. Only one side needs a sketch: the
question's vector is known, and so are the planes. With x of second moment S, s = sign(H' x) has

    E[s s'] = (2 / pi) arcsin(H' S H / (d d')),   E[x s'] = sqrt(2 / pi) S H / d,   d = sqrt(diag(H' S H))

(the arcsine law of Van Vleck and Middleton 1966, and Bussgang 1952), so the best linear estimate of q . x is w . s
with w = E[s s']^-1 E[s x'] q. Measured on 512 bits of MiniLM's vectors: half the error of Hamming distances.
"""

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray

WEIGHT_BITS = 7  # to which the weights are rounded: far finer than the estimate itself
SHRINKAGE_SHARE = 0.5  # how much of the second moment is that of vectors without any direction of their own
Sketches = npt.NDArray[np.uint8]


class SketchDecoder:
    """Estimates cosines from sketches; `sample` (n, dimension) stands for the vectors that they were made of."""

    def __init__(self, planes: FloatArray, sample: FloatArray) -> None:
        dimension, bits = planes.shape
        moment = sample.T @ sample / max(len(sample), 1)
        moment = (1 - SHRINKAGE_SHARE) * moment + SHRINKAGE_SHARE * np.eye(dimension, dtype=np.float32) / dimension
        through = moment @ planes
        spread = np.sqrt((planes * through).sum(axis=0))
        together = planes.T @ through / np.outer(spread, spread)
        signs = 2 / np.pi * np.arcsin(np.clip(together, -1, 1)) + 1e-4 * np.eye(bits)
        self._sample, self._sample_sketches = sample, np.packbits(sample @ planes > 0, axis=1)
        self._weights: FloatArray = np.linalg.solve(signs, (np.sqrt(2 / np.pi) * through / spread).T).astype(np.float32)

    def cosines(self, vector: FloatArray, sketches: Sketches) -> FloatArray:
        """Estimates of the cosines of sketched vectors to a vector: (n, bits / 8) -> (n,).

        Corrected by the line from the sample's estimates to its true cosines: where all of a bank's vectors point
        one way, the law above gives too much.
        """
        weights = np.vecdot(self._weights, vector)
        slope, start = _line(weighed_signs(weights, self._sample_sketches), np.vecdot(self._sample, vector))
        return np.asarray(start + slope * weighed_signs(weights, sketches), dtype=np.float32)


def _line(estimates: FloatArray, true: FloatArray) -> tuple[float, float]:
    """Slope and start of the least-squares line; a level one where the estimates don't vary."""
    if not len(estimates):
        return 1.0, 0.0
    deviations = estimates - estimates.mean()
    spread = float((deviations**2).mean())
    slope = float((deviations * (true - true.mean())).mean()) / spread if spread > 1e-9 else 0.0
    return slope, float(true.mean()) - slope * float(estimates.mean())


def weighed_signs(weights: FloatArray, sketches: Sketches) -> FloatArray:
    """The sum of weights, each with the sign of its bit: (bits,), (n, bits / 8) -> (n,).

    The weights are rounded to WEIGHT_BITS binary digits, so that counting common bits of whole words does all the work.
    """
    low = float(weights.min())
    step = max(float(weights.max()) - low, 1e-12) / (2**WEIGHT_BITS - 1)
    levels = np.rint((weights - low) / step).astype(np.int64)
    words = np.ascontiguousarray(np.ascontiguousarray(sketches).view(np.uint64).T)
    total = np.zeros(len(sketches), np.float32)
    for place in range(WEIGHT_BITS):
        total += 2.0**place * _common(words, np.packbits(levels >> place & 1 == 1))
    held = low * _common(words, np.full(sketches.shape[1], 255, np.uint8)) + step * total
    return np.asarray(2 * held - (low + step * levels).sum(), dtype=np.float32)


def _common(words: npt.NDArray[np.uint64], mask: Sketches) -> FloatArray:
    """Number of bits that each sketch shares with a mask; `words`: (bits / 64, n), so that whole rows are added up."""
    shared = np.bitwise_count(words & mask.view(np.uint64)[:, None])
    return np.asarray(shared.sum(axis=0, dtype=np.uint16), dtype=np.float32)
