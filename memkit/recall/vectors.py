"""The vectors that recall keeps in RAM: all of a small bank's, sketches and a sample of a large one's."""

from collections.abc import Callable, Iterable

import numpy as np

from memkit.protocols import CodeBatch, FloatArray, PassageBatch, VectorSource
from memkit.recall.chunk_attention import group_maxima
from memkit.recall.columns import Ints
from memkit.recall.lsh import Sketcher, SketchIndex
from memkit.recall.sketch_search import SketchSearch


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

    def remove(self, seqs: Ints) -> None:
        """Take vectors out."""
        kept = ~np.isin(self.seqs, seqs)
        self._seqs, self._rows = self.seqs[kept], self.rows[kept]
        self.count = len(self._seqs)

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


class Passages:
    """Vectors of long texts' passages, in the order in which their texts came."""

    def __init__(self) -> None:
        self._batches: list[PassageBatch] = []

    def __len__(self) -> int:
        return sum(len(batch.seqs) for batch in self._batches)

    @property
    def nbytes(self) -> int:
        return sum(batch.seqs.nbytes + batch.vectors.nbytes for batch in self._batches)

    def put(self, batch: PassageBatch) -> None:
        """Add passages; those of the same memories that were there before go."""
        self._batches = [_without(old, batch.seqs) for old in self._batches]
        self._batches.append(batch)

    def remove(self, seqs: Ints) -> None:
        """Take the passages of these memories out."""
        self._batches = [_without(batch, seqs) for batch in self._batches]

    def whole(self) -> PassageBatch | None:
        """All of them; None where there are none."""
        if not len(self):
            return None
        if len(self._batches) > 1:
            seqs, vectors = zip(*self._batches, strict=True)
            self._batches = [PassageBatch(np.concatenate(seqs), np.concatenate(vectors))]
        return self._batches[0]


def _without(batch: PassageBatch, seqs: Ints) -> PassageBatch:
    known = np.isin(batch.seqs, seqs)
    return PassageBatch(batch.seqs[~known], batch.vectors[~known]) if known.any() else batch


class VectorIndex:
    """Knows which rows have vectors; gives cosines exactly where it has them, else asks for them.

    `share`: how much of the cosine of a text with passages is that of its best passage.
    """

    def __init__(self, sketcher: Sketcher, *, exact_up_to: int, share: float) -> None:
        self._sketches = SketchIndex(sketcher.bits)
        self.sketch_search = SketchSearch(sketcher, self._sketches)
        self._exact_up_to, self._share = exact_up_to, share
        self._matrix: Matrix | None = Matrix(sketcher.dimension)
        self._passages = Passages()

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def exact(self) -> bool:
        """True while every vector is kept, so that search is exact."""
        return self._matrix is not None

    @property
    def matrix(self) -> Matrix | None:
        """All vectors, while every one is kept."""
        return self._matrix

    @property
    def nbytes(self) -> int:
        kept = 0 if self._matrix is None else self._matrix.nbytes + self._passages.nbytes
        return self._sketches.nbytes + kept + self.sketch_search.nbytes

    def add(self, batches: Iterable[CodeBatch], source: VectorSource) -> None:
        """Take in sketches; their vectors and passages, too, while the bank is small."""
        for seqs, codes in batches:
            self._sketches.add(seqs, codes)
            if len(self._sketches) > self._exact_up_to:
                self._matrix = None
            if self._matrix is not None:
                self._matrix.put(seqs, source.vectors(seqs.tolist()))
                self._passages.remove(seqs)
                self._keep(source.passages(seqs.tolist()))

    def remove(self, seqs: Ints) -> bool:
        """Take vectors out; False where a bank has become small enough again to keep all of them."""
        self._sketches.remove(seqs)
        self.sketch_search.forget()
        self._passages.remove(seqs)
        if self._matrix is not None:
            self._matrix.remove(seqs)
            return True
        return len(self._sketches) > self._exact_up_to

    def _keep(self, passages: PassageBatch) -> None:
        if len(passages.seqs) and self._share:
            self._passages.put(passages)
        if len(self) + len(self._passages) > self._exact_up_to:
            self._matrix, self._passages = None, Passages()

    def kept_or(self, chosen: Callable[[], Ints], source: VectorSource) -> tuple[Ints, FloatArray]:
        """All seqs with their vectors while every one is kept, else those of the chosen seqs."""
        if self._matrix is not None:
            return self._matrix.seqs, self._matrix.rows
        seqs = chosen()
        vectors = source.vectors(seqs.tolist())
        known = vectors.any(axis=1)
        return seqs[known], vectors[known]

    def cosines(self, vector: FloatArray, seqs: Ints, source: VectorSource) -> tuple[FloatArray, FloatArray]:
        """Cosines of these seqs to a vector, and of vectors that stand for the whole bank.

        The former take in their passages' share, and are NaN where a seq has no vector.
        """
        if self._matrix is None:
            rows = source.vectors(seqs.tolist())
            own = np.where(rows.any(axis=1), rows @ vector, np.nan)
            sample = self.sketch_search.sample(source.vectors) @ vector
            parts = source.passages(seqs.tolist()) if self._share else None
        else:
            sample, parts = self._matrix.rows @ vector, self._passages.whole()
            own = _picked(sample, self._matrix.seqs, seqs)
        return self._blended(own.astype(np.float32), seqs, parts, vector), sample

    def _blended(self, own: FloatArray, seqs: Ints, parts: PassageBatch | None, vector: FloatArray) -> FloatArray:
        """Each cosine with its share of the best passage's; seqs are in order."""
        if parts is None or not len(parts.seqs) or not len(seqs):
            return own
        at = np.minimum(np.searchsorted(seqs, parts.seqs), len(seqs) - 1)
        inside = seqs[at] == parts.seqs
        found = (parts.vectors @ vector)[inside]
        best = group_maxima(found, at[inside], len(seqs))
        blended = own.copy()
        owners = np.unique(at[inside])
        blended[owners] = (1 - self._share) * own[owners] + self._share * best[owners]
        return blended


def _picked(values: FloatArray, known: Ints, seqs: Ints) -> FloatArray:
    """The values of these seqs, where `values` are those of the known ones; NaN for others."""
    if not len(known):
        return np.full(len(seqs), np.nan, np.float32)
    at = np.minimum(np.searchsorted(known, seqs), len(known) - 1)
    return np.where(known[at] == seqs, values[at], np.nan)
