"""Search by sketches: as many candidates as a bank's own vectors call for, and what that finds of exact search."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.lsh import FEWEST, Sketcher, SketchIndex, candidates_for
from memkit.recall.index.seq_array import Ints
from memkit.recall.index.sketch_decoding import SketchDecoder

SAMPLE = 2_048  # vectors that stand for a large bank in its statistics: they are then right to .02 deviations
JUDGED = 512  # of them tell how many sketches a search takes
GROWN = 1.1  # times as large: then they are taken anew
WANTED = 10  # results that sketches are to find as exact search does
RULED, MEASURED = 64, 64  # vectors of the sample asked as questions, by the rule and by the measurement
RERANKED, SHARE = 400, 2  # of the nearest sketches so many, or one in so many, are scored
TRIED = 64  # of them are enough to tell how near the WANTED lie
CHUNK = 4_096  # vectors read at a time where all are read

FetchVectors = Callable[[Sequence[int]], FloatArray]


class SketchSearch:
    """Finds the rows whose sketches are nearest; their vectors are fetched where they are needed."""

    def __init__(self, sketcher: Sketcher, sketches: SketchIndex) -> None:
        self._sketcher, self._sketches = sketcher, sketches
        self._sample: FloatArray | None = None
        self._sampled_at = 0
        self._decoder: SketchDecoder | None = None
        self._count: int | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the sample."""
        return 0 if self._sample is None else self._sample.nbytes

    def forget(self) -> None:
        """Something was erased: no vector of it may stand for the bank."""
        self._sample, self._sampled_at, self._count, self._decoder = None, 0, None, None

    def sample(self, fetch: FetchVectors) -> FloatArray:
        """About SAMPLE vectors that stand for the whole bank, taken anew when it has grown by a tenth."""
        if self._sample is None or len(self._sketches) > GROWN * self._sampled_at:
            chosen = self._sketches.spread(SAMPLE)
            self._sample, self._sampled_at, self._count = fetch(chosen.tolist()), len(self._sketches), None
            self._decoder = None
        return self._sample

    def count(self, fetch: FetchVectors) -> int:
        """How many sketches a search takes, by `candidates_for`; found anew whenever the sample is.

        Some vectors of the sample are the questions. What exact search would give them is taken from their FEWEST
        nearest sketches, the TRIED of them that tell the best cosines: what those miss lies nearer, so that errs
        towards more candidates.
        """
        sample = self.sample(fetch)
        if self._count is None:
            sample = _some(sample, JUDGED)
            queries = _some(sample, RULED)
            nearest = [_without_itself(self._best(query, fetch)[None])[0, :WANTED] for query in queries]
            others = _without_itself(queries @ sample.T)
            self._count = candidates_for(len(self._sketches), self._sketcher.bits, np.array(nearest), others)
        return self._count

    def candidates(self, vector: FloatArray, k: int, fetch: FetchVectors) -> npt.NDArray[np.int64]:
        """The likeliest seqs: of as many nearest sketches as `count` says those that tell the best cosines.

        As many as `reranked` says, where there are so many.
        """
        near = self._nearest(vector, max(k, self.count(fetch)))
        wanted = self.reranked(k, fetch)
        if len(near) <= wanted:
            return near
        told, _ = self.told(vector, near, fetch)
        return near[np.argpartition(-told, wanted)[:wanted]]

    def reranked(self, k: int, fetch: FetchVectors) -> int:
        """How many vectors one search compares exactly, for k results."""
        return max(k, RERANKED, self.count(fetch) // SHARE)

    def told(self, vector: FloatArray, seqs: Ints, fetch: FetchVectors) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """The cosines that these seqs' sketches tell, and which of them have any."""
        if self._decoder is None:
            self._decoder = SketchDecoder(self._sketcher.planes, self.sample(fetch))
        sketches, here = self._sketches.sketches(seqs)
        return self._decoder.cosines(vector, sketches), here

    def recall(self, fetch: FetchVectors, queries: FloatArray | None = None, k: int = WANTED) -> float | None:
        """The share of exact search's k best that sketches and rerank find; None where there is nothing to find.

        `queries`: rows of vectors; without them up to MEASURED of the bank's own, each looking for all but itself.
        Every vector of the bank is read once. A result counts as found if one as near is: ties are no misses.
        """
        itself = int(queries is None)
        asked = _some(self.sample(fetch), MEASURED) if queries is None else queries
        k = min(k, len(self._sketches) - itself)
        if k < 1 or not len(asked):
            return None
        least = self._least_of_best(asked, k + itself, fetch) - 1e-5
        chosen = [self.candidates(query, k + itself, fetch) for query in asked]
        pairs = zip(asked, chosen, least, strict=True)
        found = [(fetch(seqs.tolist()) @ query >= low).sum() for query, seqs, low in pairs]
        return float((np.minimum(found, k + itself) - itself).mean() / k)

    def _nearest(self, vector: FloatArray, count: int) -> npt.NDArray[np.int64]:
        return self._sketches.search(self._sketcher.sketch(vector[None])[0], count)

    def _best(self, vector: FloatArray, fetch: FetchVectors) -> FloatArray:
        """The cosines of about the nearest rows: (TRIED,), or fewer in a small bank."""
        near = self._nearest(vector, FEWEST)
        told, _ = self.told(vector, near, fetch)
        return np.asarray(fetch(near[np.argsort(-told)[:TRIED]].tolist()) @ vector, dtype=np.float32)

    def _least_of_best(self, queries: FloatArray, k: int, fetch: FetchVectors) -> FloatArray:
        """The k-th best cosine of each query by exact search: (queries, dimension) -> (queries,)."""
        seqs = self._sketches.spread(len(self._sketches))
        best = np.full((len(queries), k), -np.inf, np.float32)
        for start in range(0, len(seqs), CHUNK):
            more = queries @ fetch(seqs[start : start + CHUNK].tolist()).T
            best = -np.partition(-np.concatenate([best, more], axis=1), k - 1, axis=1)[:, :k]
        return np.asarray(best.min(axis=1))


def _some(rows: FloatArray, count: int) -> FloatArray:
    """At most `count` of the rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)]


def _without_itself(cosines: FloatArray) -> FloatArray:
    """Cosines of rows of the bank to rows of the bank, best first, without each one's to itself."""
    return -np.sort(-cosines, axis=1)[:, 1:]
