"""The vectors that recall keeps in RAM: all of a small bank's, sketches and a sample of a large one's."""

from collections.abc import Iterable

import numpy as np

from memkit.protocols import CodeBatch, FloatArray
from memkit.recall.columns import Ints
from memkit.recall.lsh import Sketcher, SketchIndex
from memkit.recall.sketch_search import FetchVectors, SketchSearch

EXACT = 20_000  # up to so many vectors all are kept


class Matrix:
    """Vectors as rows in order of seq; grows at its end without moving what is there."""

    def __init__(self, dimension: int) -> None:
        self.count = 0
        self._seqs = np.empty(64, dtype=np.int64)
        self._rows = np.empty((64, dimension), dtype=np.float32)

    @property
    def seqs(self) -> Ints:
        return self._seqs[: self.count]

    @property
    def rows(self) -> FloatArray:
        return self._rows[: self.count]

    @property
    def nbytes(self) -> int:
        return self._seqs.nbytes + self._rows.nbytes

    def put(self, seqs: Ints, vectors: FloatArray) -> None:
        """Add vectors, or put them in the place of those with the same seq."""
        known = np.isin(seqs, self.seqs)
        self._rows[np.searchsorted(self.seqs, seqs[known])] = vectors[known]
        self._append(seqs[~known], vectors[~known])

    def _append(self, seqs: Ints, vectors: FloatArray) -> None:
        end = self.count + len(seqs)
        if end > len(self._seqs):
            room = max(end, 2 * len(self._seqs))
            self._seqs = np.concatenate([self.seqs, np.empty(room - self.count, np.int64)])
            self._rows = np.concatenate([self.rows, np.empty((room - self.count, self._rows.shape[1]), np.float32)])
        in_order = not len(seqs) or self.count == 0 or seqs.min() > self._seqs[self.count - 1]
        self._seqs[self.count : end], self._rows[self.count : end] = seqs, vectors
        self.count = end
        if not in_order or (np.diff(seqs) < 0).any():
            order = np.argsort(self.seqs, kind="stable")
            self._seqs[:end], self._rows[:end] = self.seqs[order], self.rows[order]


class VectorIndex:
    """Knows which rows have vectors; gives cosines exactly where it has them, else asks for them."""

    def __init__(self, sketcher: Sketcher) -> None:
        self._sketches = SketchIndex(sketcher.bits)
        self.sketch_search = SketchSearch(sketcher, self._sketches)
        self._matrix: Matrix | None = Matrix(sketcher.dimension)

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def exact(self) -> bool:
        """True while every vector is kept, so that search is exact."""
        return self._matrix is not None

    @property
    def nbytes(self) -> int:
        kept = 0 if self._matrix is None else self._matrix.nbytes
        return self._sketches.nbytes + kept + self.sketch_search.nbytes

    def add(self, batches: Iterable[CodeBatch], fetch: FetchVectors) -> None:
        """Take in sketches; their vectors, too, while the bank is small."""
        for seqs, codes in batches:
            self._sketches.add(seqs, codes)
            if len(self._sketches) > EXACT:
                self._matrix = None
            if self._matrix is not None:
                self._matrix.put(seqs, fetch(seqs.tolist()))

    def cosines(self, vector: FloatArray, seqs: Ints, fetch: FetchVectors) -> FloatArray:
        """Cosines of these seqs to a vector; NaN where a seq has no vector."""
        if self._matrix is None:
            rows = fetch(seqs.tolist())
            found = rows @ vector
            return np.where(rows.any(axis=1), found, np.nan).astype(np.float32)
        known, found = self._matrix.seqs, self._matrix.rows @ vector
        if not len(known):
            return np.full(len(seqs), np.nan, np.float32)
        at = np.minimum(np.searchsorted(known, seqs), len(known) - 1)
        return np.where(known[at] == seqs, found[at], np.nan).astype(np.float32)

    def sample(self, vector: FloatArray, fetch: FetchVectors) -> FloatArray:
        """Cosines of vectors that stand for the whole bank."""
        if self._matrix is not None:
            return np.asarray(self._matrix.rows @ vector, dtype=np.float32)
        return np.asarray(self.sketch_search.sample(fetch) @ vector, dtype=np.float32)
