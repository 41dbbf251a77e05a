"""A bank's vectors: of a small one all in RAM as they are, of a larger one at a byte a number, of a huge one sketches.

Passages of long texts have vectors of their own; a text's cosine takes a share from its best passage's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.batches import SketchBatch
from memkit.protocols import FloatArray, VectorSource
from memkit.quantisation import SCALE_BYTES, dequantised, products
from memkit.recall.index.columns import Bools
from memkit.recall.index.groups import RowGroups
from memkit.recall.index.lsh import Sketcher, SketchIndex
from memkit.recall.index.seq_array import Ints, SeqArray, Seqs
from memkit.recall.index.sketch_search import FetchVectors, SketchSearch
from memkit.settings import RankingSettings

PASSAGES_FROM_CHARS, PASSAGE_CHARS = 300, 200  # from which length on a text has passages; the length of one of them


class VectorIndex:
    """Knows which memories have vectors, and what their cosines are: exactly where it can, else about."""

    def __init__(self, sketcher: Sketcher, ranking: RankingSettings, room: int = 0) -> None:
        self._dimension = sketcher.dimension
        self._sketches = SketchIndex(sketcher.bits, room)
        self._settings = ranking
        self._in_ram: Float32Vectors | QuantisedVectors | None = Float32Vectors(self._dimension, ranking.passages)
        self._form: type[Float32Vectors] | type[QuantisedVectors] | None = Float32Vectors
        self.exact = True  # while every vector is in RAM as it is, so that everything can be scored
        self.all_in_ram = True  # while every vector is in RAM, as it is or quantised
        self.sketch_search = SketchSearch(sketcher, self._sketches)

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def nbytes(self) -> int:
        """Bytes in RAM; of a bank that isn't exact with the sample of its sketch search, taken or still to be taken."""
        in_ram = 0 if self._in_ram is None else self._in_ram.nbytes
        return self._sketches.nbytes + in_ram + (0 if self.exact else self.sketch_search.sample_bytes)

    def add(self, batches: Iterable[SketchBatch], source: VectorSource, lengths: Ints) -> None:
        """Take in sketches, and their vectors where these are in RAM; `lengths`: of all the bank's texts."""
        form = self._form_for(lengths)
        if form is not self._form:
            self._form, self.exact, self.all_in_ram = form, form is Float32Vectors, form is not None
            self._in_ram = None if form is None else form(self._dimension, self._settings.passages)
            self._load(self._sketches.seqs, source)
        for seqs, sketches in batches:
            self._sketches.add(seqs, sketches)
            self._load(seqs, source)

    def remove(self, seqs: Ints, lengths: Ints) -> bool:
        """Take vectors out; False where the bank has shrunk to a size of which more is in RAM."""
        self._sketches.remove(seqs)
        self.sketch_search.clear()
        if self._in_ram is not None:
            self._in_ram.remove(seqs)
        return self._form_for(lengths) is self._form

    def _form_for(self, lengths: Ints) -> "type[Float32Vectors] | type[QuantisedVectors] | None":
        size = vector_count(lengths) if self._settings.passages else len(lengths)
        if size <= self._settings.exact_up_to:
            return Float32Vectors
        return QuantisedVectors if size <= self._settings.compact_up_to else None

    def _load(self, seqs: Seqs, source: VectorSource) -> None:
        if self._in_ram is not None and len(seqs):
            self._in_ram.put(seqs, source)

    def fetcher(self, source: VectorSource) -> FetchVectors:
        """The function that gives vectors by seq, from RAM where they are."""
        return self._in_ram.vectors if isinstance(self._in_ram, QuantisedVectors) else source.vectors

    def everything(self) -> tuple[Seqs, FloatArray]:
        """All seqs with their vectors, of an exact bank; of others none."""
        if isinstance(self._in_ram, Float32Vectors):
            return self._in_ram.seqs, self._in_ram.rows
        return np.empty(0, np.int64), np.empty((0, self._dimension), np.float32)

    def cosines(self, vector: FloatArray, seqs: Ints, source: VectorSource) -> tuple[FloatArray, FloatArray]:
        """Cosines of these seqs to a vector, and of vectors that stand for the whole bank; seqs are in order.

        The former are NaN where a seq has no vector. Unless `all_in_ram`, they are estimates from sketches, and
        `exact_cosines` puts them right.
        """
        if isinstance(self._in_ram, Float32Vectors):
            return self._in_ram.cosines(vector, seqs)
        fetch = self.fetcher(source)
        sample = np.vecdot(self.sketch_search.sample(fetch), vector)
        if isinstance(self._in_ram, QuantisedVectors):
            return self._in_ram.cosines(vector, seqs), sample
        estimates, here = self.sketch_search.estimates(vector, seqs, fetch)
        return np.where(here, estimates, np.float32(np.nan)), sample

    def first_cosines(self, vector: FloatArray, count: int, source: VectorSource) -> FloatArray:
        """The cosines of so many vectors of an exact bank, the first by seq; else of those that stand for the bank."""
        seqs = np.sort(self.everything()[0])[:count].astype(np.int64)
        cosines, sample = self.cosines(vector, seqs, source)
        return cosines if self.exact else sample

    def exact_cosines(self, vector: FloatArray, seqs: Ints, source: VectorSource) -> FloatArray:
        """The cosines of these seqs from their stored vectors and passages."""
        rows, (owners, parts) = source.with_passages(seqs.tolist())
        own = np.where(rows.any(axis=1), rows @ vector, np.nan).astype(np.float32)
        return blended(own, seqs, owners, parts @ vector, self._settings.passages)


class Float32Vectors:
    """Every vector and every passage of a small bank.

    `share`: how much of the cosine of a text with passages is that of its best passage.
    """

    def __init__(self, dimension: int, share: float) -> None:
        self._texts, self._passages = SeqArray(dimension, np.float32), PassageRows(dimension, np.float32)
        self._share = share
        self._placed: PlacedSeqs | None = None  # those asked for last: of a bank that stays as it is always the same

    @property
    def nbytes(self) -> int:
        return self._texts.nbytes + self._passages.nbytes

    @property
    def seqs(self) -> Seqs:
        return self._texts.seqs

    @property
    def rows(self) -> FloatArray:
        """All vectors, (n, dimension)."""
        return self._texts.rows

    def put(self, seqs: Seqs, source: VectorSource) -> None:
        """Read the stored vectors of these memories."""
        vectors, passages = source.with_passages(seqs.tolist())
        self.remove(seqs)
        self._texts.put(seqs, vectors)
        if self._share:
            self._passages.put(*passages)

    def remove(self, seqs: Seqs) -> None:
        """Take vectors and passages out."""
        self._texts.remove(seqs)
        self._passages.remove(seqs)
        self._placed = None

    def cosines(self, vector: FloatArray, seqs: Ints) -> tuple[FloatArray, FloatArray]:
        """The cosines of these seqs, NaN where one has no vector, and those of all vectors."""
        every = np.vecdot(self._texts.rows, vector)  # half the time of a product of matrix and vector
        if self._placed is None or self._placed.seqs is not seqs:
            self._placed = PlacedSeqs(seqs, *self._texts.find(seqs), PassageOwners.of(seqs, self._passages.all()[0]))
        placed = self._placed
        own = every.take(placed.at) if len(every) else np.empty(len(seqs), np.float32)
        own[~placed.here] = np.nan
        parts = self._passages.all()[1]
        return placed.owners.blended(own, np.vecdot(parts, vector), self._share), every


class QuantisedVectors:
    """Every vector and every passage of a larger bank, quantised; `share` as in `Float32Vectors`."""

    def __init__(self, dimension: int, share: float) -> None:
        width = SCALE_BYTES + dimension
        self._texts, self._passages = SeqArray(width, np.uint8), PassageRows(width, np.uint8)
        self._dimension, self._share = dimension, share

    @property
    def nbytes(self) -> int:
        return self._texts.nbytes + self._passages.nbytes

    def put(self, seqs: Seqs, source: VectorSource) -> None:
        """Read the stored vectors of these memories."""
        self.remove(seqs)
        own, passages = source.quantised(seqs.tolist(), self._dimension)
        self._texts.put(*own)
        if self._share:
            self._passages.put(*passages)

    def remove(self, seqs: Seqs) -> None:
        """Take vectors and passages out."""
        self._texts.remove(seqs)
        self._passages.remove(seqs)

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        """Vectors in the order of `seqs`, (n, dimension); zeros where there is none."""
        at, here = self._texts.find(np.asarray(seqs, dtype=np.int64))
        rows = np.zeros((len(here), self._dimension), np.float32)
        rows[here] = dequantised(self._texts.rows[at[here]])
        return rows

    def cosines(self, vector: FloatArray, seqs: Ints) -> FloatArray:
        """The cosines of these seqs, NaN where one has no vector."""
        at, here = self._texts.find(seqs)
        own = products(self._texts.rows, vector, at) if len(self._texts) else np.empty(len(seqs), np.float32)
        own[~here] = np.nan
        owners, parts = self._passages.of(seqs)
        return blended(own, seqs, owners, products(parts, vector), self._share)


class PassageRows:
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
        """Take out the rows of these texts."""
        gone = np.isin(self.all()[0], seqs)
        if gone.any():
            self._owners, self._rows = self._owners[~gone], self._rows[~gone]

    def of(self, seqs: Ints) -> tuple[Ints, npt.NDArray[Any]]:
        """Owners, in order, and rows of some texts; seqs are in order."""
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


def vector_count(lengths: Ints) -> int:
    """About how many vectors the texts of these lengths have, (n,), those of passages among them."""
    return len(lengths) + int((lengths[lengths > PASSAGES_FROM_CHARS] // PASSAGE_CHARS).sum())


def blended(own: FloatArray, seqs: Ints, owners: Ints, parts: FloatArray, share: float) -> FloatArray:
    """Each cosine with its share of the best passage's; seqs are in order.

    `parts`: cosines of passages, `owners`: the seqs of their texts, (any number,).
    """
    return PassageOwners.of(seqs, owners).blended(own, parts, share)


@dataclass(frozen=True)
class PassageOwners:
    """The texts, among some, that passages belong to: `inside` masks the passages of any, `texts` groups those."""

    inside: Bools
    texts: RowGroups

    @classmethod
    def of(cls, seqs: Ints, owners: Ints) -> "PassageOwners":
        """Texts by seq, in order, and the seqs of the passages' texts, in order."""
        if not len(owners) or not len(seqs):
            return cls(np.zeros(len(owners), dtype=bool), RowGroups.of(seqs[:0]))
        at = np.minimum(np.searchsorted(seqs, owners), len(seqs) - 1)
        inside = np.asarray(seqs[at] == owners, dtype=bool)
        return cls(inside, RowGroups.of(at[inside]))

    def blended(self, own: FloatArray, parts: FloatArray, share: float) -> FloatArray:
        """Each text's cosine with its share of the best passage's; `parts`: cosines of the passages."""
        texts = self.texts.numbers
        if share and len(texts):
            own[texts] = (1 - share) * own[texts] + share * self.texts.maxima(parts[self.inside])
        return own


class PlacedSeqs(NamedTuple):
    """Seqs, where their vectors lie, which of them are here, and what passages belong to them."""

    seqs: Ints
    at: Ints
    here: Bools
    owners: PassageOwners
