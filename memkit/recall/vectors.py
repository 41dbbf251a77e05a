"""The vectors that recall keeps in RAM: all of a small bank's, sketches and a sample of a large one's."""

from collections.abc import Callable, Iterable

import numpy as np

from memkit.protocols import CodeBatch, FloatArray, PassageBatch, VectorSource
from memkit.recall.chunk_attention import group_maxima
from memkit.recall.columns import Ints
from memkit.recall.growing import Growing
from memkit.recall.lsh import Sketcher, SketchIndex
from memkit.recall.sketch_search import SketchSearch


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
        self._matrix: Growing | None = Growing(sketcher.dimension, np.float32)
        self._passages = Passages()

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def exact(self) -> bool:
        """True while every vector is kept, so that search is exact."""
        return self._matrix is not None

    @property
    def matrix(self) -> Growing | None:
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
                vectors, passages = source.with_passages(seqs.tolist())
                self._matrix.put(seqs, vectors)
                self._passages.remove(seqs)
                self._keep(passages)

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
        """Cosines of these seqs to a vector, and of vectors that stand for the whole bank; seqs are in order.

        The former are NaN where a seq has no vector. Where all vectors are kept, they are exact and take in their
        passages' share; else they are what the sketches tell, and `exactly` puts them right.
        """
        if self._matrix is None:
            sample = self.sketch_search.sample(source.vectors) @ vector
            told, here = self.sketch_search.told(vector, seqs, source.vectors)
            return np.where(here, told, np.float32(np.nan)), sample
        sample = self._matrix.rows @ vector
        at, here = self._matrix.find(seqs)
        own = np.where(here, sample[at], np.nan) if len(sample) else np.full(len(seqs), np.nan)
        return self._blended(own.astype(np.float32), seqs, self._passages.whole(), vector), sample

    def exactly(self, vector: FloatArray, seqs: Ints, source: VectorSource) -> FloatArray:
        """The cosines of these seqs from their stored vectors and passages."""
        rows, parts = source.with_passages(seqs.tolist())
        own = np.where(rows.any(axis=1), rows @ vector, np.nan).astype(np.float32)
        return self._blended(own, seqs, parts, vector)

    def _blended(self, own: FloatArray, seqs: Ints, parts: PassageBatch | None, vector: FloatArray) -> FloatArray:
        """Each cosine with its share of the best passage's; seqs are in order."""
        if not self._share or parts is None or not len(parts.seqs) or not len(seqs):
            return own
        at = np.minimum(np.searchsorted(seqs, parts.seqs), len(seqs) - 1)
        inside = seqs[at] == parts.seqs
        found, owners = (parts.vectors @ vector)[inside], at[inside]
        best, owned = group_maxima(found, owners, len(seqs)), np.zeros(len(seqs), dtype=bool)
        owned[owners] = True
        return np.where(owned, (1 - self._share) * own + self._share * best, own).astype(np.float32)
