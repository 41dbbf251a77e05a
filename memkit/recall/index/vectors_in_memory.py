"""The vectors that recall keeps in RAM: all of a small bank's as they are, of a larger one at a byte a number."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray, VectorSource
from memkit.quantisation import SCALE, dequantised, products
from memkit.recall.index.columns import Ints
from memkit.recall.index.row_groups import RowGroups
from memkit.recall.index.seq_array import SeqArray, Seqs


class Passages:
    """Rows that belong to texts, several to each: the vectors of long texts' passages, or quantised ones."""

    def __init__(self, width: int, kind: Any) -> None:
        self._owners, self._rows = np.empty(0, np.int64), np.empty((0, width), dtype=kind)
        self._new: list[tuple[Ints, npt.NDArray[Any]]] = []

    @property
    def nbytes(self) -> int:
        return sum(owners.nbytes + rows.nbytes for owners, rows in [(self._owners, self._rows), *self._new])

    def put(self, owners: Ints, rows: npt.NDArray[Any]) -> None:
        """Add rows, each with the seq of its text; those of texts that had some before must have been removed."""
        if len(owners):
            self._new.append((owners, rows))

    def remove(self, seqs: Seqs) -> None:
        """Take out what belongs to these texts."""
        held = np.isin(self.all()[0], seqs)
        if held.any():
            self._owners, self._rows = self._owners[~held], self._rows[~held]

    def of(self, seqs: Ints) -> tuple[Ints, npt.NDArray[Any]]:
        """The same for some texts; seqs are in order."""
        owners, rows = self.all()
        first, last = np.searchsorted(owners, seqs), np.searchsorted(owners, seqs, side="right")
        counts = last - first
        at = np.arange(counts.sum()) + np.repeat(first - (counts.cumsum() - counts), counts)
        return owners[at], rows[at]

    def all(self) -> tuple[Ints, npt.NDArray[Any]]:
        """Owners, in order, and their rows."""
        if self._new:
            owners, rows = zip((self._owners, self._rows), *self._new, strict=True)
            whole = np.concatenate(owners)
            order = np.argsort(whole, kind="stable")
            self._owners, self._rows, self._new = whole[order], np.concatenate(rows)[order], []
        return self._owners, self._rows


class Float32Vectors:
    """Every vector and every passage of a small bank.

    `share`: how much of the cosine of a text with passages is that of its best passage.
    """

    def __init__(self, dimension: int, share: float) -> None:
        self._held, self._passages = SeqArray(dimension, np.float32), Passages(dimension, np.float32)
        self._share = share

    @property
    def nbytes(self) -> int:
        return self._held.nbytes + self._passages.nbytes

    @property
    def seqs(self) -> Seqs:
        return self._held.seqs

    @property
    def rows(self) -> FloatArray:
        """All vectors, (n, dimension)."""
        return self._held.rows

    def put(self, seqs: Seqs, source: VectorSource) -> None:
        """Keep the stored vectors of these memories."""
        vectors, passages = source.with_passages(seqs.tolist())
        self.remove(seqs)
        self._held.put(seqs, vectors)
        if self._share:
            self._passages.put(*passages)

    def remove(self, seqs: Seqs) -> None:
        """Take vectors and passages out."""
        self._held.remove(seqs)
        self._passages.remove(seqs)

    def cosines(self, vector: FloatArray, seqs: Ints) -> tuple[FloatArray, FloatArray]:
        """The cosines of these seqs, NaN where one has no vector, and those of all vectors."""
        every = np.vecdot(self._held.rows, vector)  # half the time of a product of matrix and vector
        at, here = self._held.find(seqs)
        own = every.take(at) if len(every) else np.empty(len(seqs), np.float32)
        own[~here] = np.nan
        owners, parts = self._passages.all()
        return blended(own, seqs, owners, np.vecdot(parts, vector), self._share), every


class QuantisedVectors:
    """Every vector and every passage of a larger bank, quantised."""

    def __init__(self, dimension: int, share: float) -> None:
        width = SCALE + dimension
        self._held, self._passages = SeqArray(width, np.uint8), Passages(width, np.uint8)
        self._dimension, self._share = dimension, share

    @property
    def nbytes(self) -> int:
        return self._held.nbytes + self._passages.nbytes

    def put(self, seqs: Seqs, source: VectorSource) -> None:
        """Keep the stored vectors of these memories."""
        self.remove(seqs)
        own, passages = source.quantised(seqs.tolist(), self._dimension)
        self._held.put(*own)
        if self._share:
            self._passages.put(*passages)

    def remove(self, seqs: Seqs) -> None:
        """Take vectors and passages out."""
        self._held.remove(seqs)
        self._passages.remove(seqs)

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        """(n, dimension), in the order of `seqs`; zeros where none is."""
        at, here = self._held.find(np.asarray(seqs, dtype=np.int64))
        found = np.zeros((len(here), self._dimension), np.float32)
        found[here] = dequantised(self._held.rows[at[here]])
        return found

    def cosines(self, vector: FloatArray, seqs: Ints) -> FloatArray:
        """The cosines of these seqs, NaN where one has no vector."""
        at, here = self._held.find(seqs)
        own = products(self._held.rows, vector, at) if len(self._held) else np.empty(len(seqs), np.float32)
        own[~here] = np.nan
        owners, parts = self._passages.of(seqs)
        return blended(own, seqs, owners, products(parts, vector), self._share)


def blended(own: FloatArray, seqs: Ints, owners: Ints, parts: FloatArray, share: float) -> FloatArray:
    """Each cosine with its share of the best passage's; seqs are in order.

    `parts`: cosines of passages, `owners`: the seqs of their texts, (any number,).
    """
    if not share or not len(owners) or not len(seqs):
        return own
    at = np.minimum(np.searchsorted(seqs, owners), len(seqs) - 1)
    inside = seqs[at] == owners
    texts, whole = RowGroups.of(at[inside]), own.copy()
    whole[texts.numbers] = (1 - share) * own[texts.numbers] + share * texts.maxima(parts[inside])
    return whole
