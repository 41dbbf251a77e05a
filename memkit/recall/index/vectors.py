"""A bank's vectors as recall asks for them: sketches, and as much more in RAM as the bank's size allows."""

from collections.abc import Callable, Iterable

import numpy as np

from memkit.batches import SketchBatch
from memkit.protocols import FloatArray, VectorSource
from memkit.recall.index.columns import Ints
from memkit.recall.index.lsh import Sketcher, SketchIndex
from memkit.recall.index.seq_array import Seqs
from memkit.recall.index.sketch_search import FetchVectors, SketchSearch
from memkit.recall.index.vectors_in_memory import Float32Vectors, QuantisedVectors, blended
from memkit.settings import RankingSettings

LONG, PART = 300, 200  # characters: from which on a text has passages, and of one of them


def weight(lengths: Ints) -> int:
    """About how many vectors the texts of these lengths have, (n,), those of passages among them."""
    return len(lengths) + int((lengths[lengths > LONG] // PART).sum())


class VectorIndex:
    """Knows which rows have vectors, and what their cosines are: exactly where it can, else about."""

    def __init__(self, sketcher: Sketcher, ranking: RankingSettings, room: int = 0) -> None:
        self._dimension = sketcher.dimension
        self._sketches = SketchIndex(sketcher.bits, room)
        self._settings = ranking
        self._kept: Float32Vectors | QuantisedVectors | None = Float32Vectors(self._dimension, ranking.passages)
        self.sketch_search = SketchSearch(sketcher, self._sketches)

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def exact(self) -> bool:
        """True while every vector is kept as it is, so that everything can be scored."""
        return isinstance(self._kept, Float32Vectors)

    @property
    def keeps_all(self) -> bool:
        """True while the vectors of all memories are in RAM."""
        return self._kept is not None

    @property
    def nbytes(self) -> int:
        kept = 0 if self._kept is None else self._kept.nbytes
        return self._sketches.nbytes + kept + self.sketch_search.nbytes

    def add(self, batches: Iterable[SketchBatch], source: VectorSource, lengths: Ints) -> None:
        """Take in sketches, and what else is kept of their memories; `lengths`: of all the bank's texts."""
        wanted = self._wanted(lengths)
        if wanted is not type(self._kept):
            self._kept = self._new(wanted)
            self._keep(self._sketches.seqs, source)
        for seqs, sketches in batches:
            self._sketches.add(seqs, sketches)
            self._keep(seqs, source)

    def remove(self, seqs: Ints, lengths: Ints) -> bool:
        """Take vectors out; False where the bank is of a size now at which more is kept."""
        self._sketches.remove(seqs)
        self.sketch_search.forget()
        if self._kept is not None:
            self._kept.remove(seqs)
        return self._wanted(lengths) is type(self._kept)

    def _wanted(self, lengths: Ints) -> type[Float32Vectors | QuantisedVectors | None]:
        size = weight(lengths) if self._settings.passages else len(lengths)
        if size <= self._settings.exact_up_to:
            return Float32Vectors
        return QuantisedVectors if size <= self._settings.compact_up_to else type(None)

    def _new(self, kind: type[Float32Vectors | QuantisedVectors | None]) -> Float32Vectors | QuantisedVectors | None:
        if kind is Float32Vectors:
            return Float32Vectors(self._dimension, self._settings.passages)
        return QuantisedVectors(self._dimension, self._settings.passages) if kind is QuantisedVectors else None

    def _keep(self, seqs: Seqs, source: VectorSource) -> None:
        if self._kept is not None and len(seqs):
            self._kept.put(seqs, source)

    def fetching(self, source: VectorSource) -> FetchVectors:
        """Gives vectors by seq, from RAM where they are."""
        return self._kept.vectors if isinstance(self._kept, QuantisedVectors) else source.vectors

    def kept_or(self, chosen: Callable[[], Ints], source: VectorSource) -> tuple[Seqs, FloatArray]:
        """All seqs with their vectors while every one is kept, else those of the chosen seqs."""
        if isinstance(self._kept, Float32Vectors):
            return self._kept.seqs, self._kept.rows
        seqs = chosen()
        vectors = self.fetching(source)(seqs.tolist())
        known = vectors.any(axis=1)
        return seqs[known], vectors[known]

    def cosines(self, vector: FloatArray, seqs: Ints, source: VectorSource) -> tuple[FloatArray, FloatArray]:
        """Cosines of these seqs to a vector, and of vectors that stand for the whole bank; seqs are in order.

        The former are NaN where a seq has no vector. Unless `keeps_all`, they are what the sketches tell, and
        `exactly` puts them right.
        """
        if isinstance(self._kept, Float32Vectors):
            return self._kept.cosines(vector, seqs)
        fetch = self.fetching(source)
        sample = np.vecdot(self.sketch_search.sample(fetch), vector)
        if isinstance(self._kept, QuantisedVectors):
            return self._kept.cosines(vector, seqs), sample
        told, here = self.sketch_search.told(vector, seqs, fetch)
        return np.where(here, told, np.float32(np.nan)), sample

    def exactly(self, vector: FloatArray, seqs: Ints, source: VectorSource) -> FloatArray:
        """The cosines of these seqs from their stored vectors and passages."""
        rows, (owners, parts) = source.with_passages(seqs.tolist())
        own = np.where(rows.any(axis=1), rows @ vector, np.nan).astype(np.float32)
        return blended(own, seqs, owners, parts @ vector, self._settings.passages)
