"""Locality-sensitive hashing: sign sketches for search, TiM's cross-polytope groups for organising thoughts."""

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.seq_array import SeqArray, Seqs

TARGET_RECALL = 0.98  # the share of exact search's results that sketches are to find
MIN_CANDIDATES, MAX_CANDIDATES = 400, 4_000  # sketches that a search takes
ANGLE_STEPS = 512  # to which angles are rounded, out of pi


def candidates_for(size: int, bits: int, nearest: FloatArray, others: FloatArray, target: float = TARGET_RECALL) -> int:
    """Number of a bank's `size` sketches to rerank, so that a share `target` of the wanted rows is among them.

    `nearest`: cosines of queries to the rows that exact search would give, (queries, wanted); `others`: cosines
    of the same queries to rows that stand for the whole bank, (queries, sample). At angle t each of b bits
    differs with probability t / pi, so sketches lie at distance d with probability p(d; t) = Binomial(d; b, t / pi).
    A wanted row that lies at d has about

        rank(d) = wanted + size * mean over `others` of P(distance <= d)

    sketches before it. The answer is the `target` quantile of that rank, over all queries, all wanted rows and
    all d, each weighing p(d; t of the wanted row); never under MIN_CANDIDATES nor over MAX_CANDIDATES (where less must
    be expected: `SketchSearch.recall` measures what is reached).
    """
    if not nearest.size or not others.size:
        return MIN_CANDIDATES
    ranks = (nearest.shape[1] + size * _distances(others, bits).cumsum(axis=1)).ravel()
    order = np.argsort(ranks)
    reached = (_distances(nearest, bits) / len(nearest)).ravel()[order].cumsum()
    at = min(int(np.searchsorted(reached, target)), len(order) - 1)
    return int(np.clip(np.ceil(ranks[order[at]]), MIN_CANDIDATES, MAX_CANDIDATES))


def _distances(cosines: FloatArray, bits: int) -> npt.NDArray[np.float64]:
    """Probability of each Hamming distance, per query: cosines (queries, n) -> (queries, bits + 1)."""
    angles = np.rint(np.arccos(np.clip(cosines, -1, 1)) / np.pi * ANGLE_STEPS).astype(np.int64)
    shares = np.stack([np.bincount(row, minlength=ANGLE_STEPS + 1) for row in angles]) / cosines.shape[1]
    return np.asarray(shares @ _binomials(bits))


def _binomials(bits: int) -> npt.NDArray[np.float64]:
    """Binomial(d; bits, step / ANGLE_STEPS): (ANGLE_STEPS + 1, bits + 1)."""
    chance = np.clip(np.arange(ANGLE_STEPS + 1) / ANGLE_STEPS, 1e-12, 1 - 1e-12)[:, None]
    differing = np.arange(bits + 1)
    factorials = np.concatenate([[0.0], np.log(differing[1:]).cumsum()])
    ways = factorials[-1] - factorials - factorials[::-1]
    return np.asarray(np.exp(ways + differing * np.log(chance) + differing[::-1] * np.log1p(-chance)))


class Sketcher:
    """Signs of random projections: bit i of a vector's sketch is [h_i . v > 0] (Charikar 2002).

    Two unit vectors at angle t differ in a bit with probability t / pi.
    """

    def __init__(self, dimension: int, bits: int, seed: int) -> None:
        self.dimension, self.bits = dimension, bits
        planes = np.random.default_rng(seed).standard_normal((dimension, bits))
        self.planes: FloatArray = planes.astype(np.float32)

    def sketch(self, vectors: FloatArray) -> npt.NDArray[np.uint8]:
        """Sketches of rows: (n, dimension) -> (n, bits / 8)."""
        return np.packbits(vectors @ self.planes > 0, axis=1)


class SketchIndex:
    """Sketches in one contiguous array, scanned whole by Hamming distance (faiss)."""

    def __init__(self, bits: int, room: int = 0) -> None:
        self._rows = SeqArray(bits // 8, np.uint8, room)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def seqs(self) -> Seqs:
        """Seqs of all its rows, in order."""
        return self._rows.seqs

    @property
    def nbytes(self) -> int:
        return self._rows.nbytes

    def add(self, rows: npt.NDArray[np.int64], sketches: npt.NDArray[np.uint8]) -> None:
        """Add the sketches of rows; a row that is there already gets the new one."""
        self._rows.put(rows, sketches)

    def remove(self, rows: npt.NDArray[np.int64]) -> None:
        """Take the sketches of rows out."""
        self._rows.remove(rows)

    def search(self, sketch: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.int64]:
        """The rows with the nearest sketches, nearest first."""
        if not len(self._rows):
            return np.empty(0, np.int64)
        import faiss

        near = min(count, len(self._rows))
        _, at = faiss.knn_hamming(sketch.reshape(1, -1), self._rows.rows, near, variant="mc")
        return np.asarray(self._rows.seqs[at[0]], dtype=np.int64)

    def sketches(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """The sketches of rows, (n, bits / 8), and which of them are here; of others any."""
        at, here = self._rows.find(rows)
        return (
            self._rows.rows.take(at, axis=0) if len(self) else np.zeros((len(rows), self._rows.rows.shape[1]), np.uint8)
        ), here

    def spread(self, count: int) -> Seqs:
        """About `count` rows, evenly spread over all."""
        seqs = self._rows.seqs
        return seqs[:: max(1, len(seqs) // count)]


class CrossPolytope:
    """TiM's hash, F(x) = argmax([xR ; -xR]), R random of shape (d, b/2): b groups (arXiv 2311.08719)."""

    def __init__(self, dimension: int, groups: int, seed: int) -> None:
        self.groups = groups
        random = np.random.default_rng([seed, groups]).standard_normal((dimension, groups // 2))
        self._rotation: FloatArray = random.astype(np.float32)

    def group(self, vectors: FloatArray) -> npt.NDArray[np.int64]:
        """The group of each row: (n, dimension) -> (n,)."""
        return np.asarray(self._scores(vectors).argmax(axis=1))

    def probes(self, vectors: FloatArray, count: int) -> npt.NDArray[np.int64]:
        """The `count` likeliest groups of each row, likeliest first: (n, dimension) -> (n, count)."""
        return np.argsort(-self._scores(vectors), axis=1, kind="stable")[:, :count]

    def _scores(self, vectors: FloatArray) -> FloatArray:
        projected = vectors @ self._rotation
        return np.concatenate([projected, -projected], axis=1)
