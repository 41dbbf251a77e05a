"""The vectors that recall keeps in RAM: all of a small bank's, sketches and a sample of a large one's."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from memkit.protocols import CodeBatch, FloatArray
from memkit.recall.columns import Columns, Ints
from memkit.recall.lsh import Sketcher, SketchIndex

EXACT = 4096  # up to so many vectors all are kept
SAMPLE = 512  # vectors that stand for a large bank in its statistics

FetchVectors = Callable[[Sequence[int]], FloatArray]


class VectorIndex:
    """Knows which rows have vectors; gives cosines exactly where it has them, else asks for them."""

    def __init__(self, sketcher: Sketcher) -> None:
        self._sketcher = sketcher
        self._sketches = SketchIndex(sketcher.bits)
        self._kept: dict[int, FloatArray] = {}
        self._matrix: tuple[Ints, FloatArray] | None = None
        self._sample: FloatArray | None = None
        self._sampled_at = 0

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def exact(self) -> bool:
        """True while every vector is kept, so that search is exact."""
        return len(self._sketches) <= EXACT

    @property
    def nbytes(self) -> int:
        held = len(self._kept) + (0 if self._sample is None else len(self._sample))
        return self._sketches.nbytes + 4 * held * self._sketcher.dimension

    def add(self, batches: Iterable[CodeBatch], fetch: FetchVectors) -> None:
        """Take in sketches; their vectors, too, while the bank is small."""
        for seqs, codes in batches:
            self._sketches.add(seqs, codes)
            self._matrix = None
            if self.exact:
                vectors = fetch(seqs.tolist())
                self._kept.update(zip(seqs.tolist(), vectors, strict=True))
        if not self.exact:
            self._kept.clear()

    def candidates(self, vector: FloatArray, count: int) -> Ints:
        """Seqs of the nearest sketches."""
        return self._sketches.search(self._sketcher.sketch(vector[None])[0], count)

    def cosines(self, vector: FloatArray, seqs: Ints, columns: Columns, fetch: FetchVectors) -> FloatArray:
        """Cosines of these seqs to a vector; NaN where a seq has no vector."""
        if not self.exact:
            rows = fetch(seqs.tolist())
            found = rows @ vector
            return np.where(rows.any(axis=1), found, np.nan).astype(np.float32)
        known, matrix = self._stacked()
        at = np.minimum(np.searchsorted(known, seqs), max(len(known) - 1, 0))
        if not len(known):
            return np.full(len(seqs), np.nan, np.float32)
        found = matrix @ vector
        return np.where(known[at] == seqs, found[at], np.nan).astype(np.float32)

    def sample(self, vector: FloatArray, fetch: FetchVectors) -> FloatArray:
        """Cosines of vectors that stand for the whole bank."""
        if self.exact:
            return np.asarray(self._stacked()[1] @ vector, dtype=np.float32)
        if self._sample is None or len(self) > 2 * self._sampled_at:
            chosen = self._sketches.spread(SAMPLE)
            self._sample, self._sampled_at = fetch(chosen.tolist()), len(self)
        return np.asarray(self._sample @ vector, dtype=np.float32)

    def _stacked(self) -> tuple[Ints, FloatArray]:
        if self._matrix is None:
            seqs = np.array(sorted(self._kept), dtype=np.int64)
            empty = np.empty((0, self._sketcher.dimension), np.float32)
            rows = np.stack([self._kept[seq] for seq in seqs.tolist()]) if len(seqs) else empty
            self._matrix = seqs, rows
        return self._matrix
