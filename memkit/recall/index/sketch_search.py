"""Search by sketches: as many candidates as a bank's own vectors call for, and what that finds of exact search."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray
from memkit.recall.index.lsh import MIN_CANDIDATES, Sketcher, SketchIndex, candidates_for
from memkit.recall.index.seq_array import Ints
from memkit.recall.index.sketch_decoding import SketchDecoder

SAMPLE_VECTORS = 2_048  # vectors that stand for a large bank in its statistics: they are then right to .02 deviations
RULE_VECTORS = 512  # of them decide how many sketches a search takes
SAMPLE_GROWTH = 1.1  # times as large: then they are taken anew
WANTED_RESULTS = 10  # that sketches are to find as exact search does
RULE_QUERIES, MEASURED_QUERIES = 64, 64  # vectors of the sample asked as questions, by the rule and by the measurement
MIN_RERANKED, SKETCHES_PER_RERANKED = 400, 2  # of the nearest sketches so many, or one in so many, are scored
TRIED_ROWS = 64  # of them are enough to see how near the WANTED_RESULTS lie
READ_BATCH = 4_096  # vectors read at a time where all are read

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
    def sample_bytes(self) -> int:
        """Bytes of the sample, whether it was taken yet or not."""
        return 4 * self._sketcher.dimension * len(self._sketches.spread(SAMPLE_VECTORS))

    def clear(self) -> None:
        """Let go of the sample after an erasure: no erased vector may stand for the bank."""
        self._sample, self._sampled_at, self._count, self._decoder = None, 0, None, None

    def sample(self, fetch: FetchVectors) -> FloatArray:
        """About SAMPLE_VECTORS vectors that stand for the whole bank, taken anew when it has grown by a tenth."""
        if self._sample is None or len(self._sketches) > SAMPLE_GROWTH * self._sampled_at:
            chosen = self._sketches.spread(SAMPLE_VECTORS)
            self._sample, self._sampled_at, self._count = fetch(chosen.tolist()), len(self._sketches), None
            self._decoder = None
        return self._sample

    def candidate_count(self, fetch: FetchVectors) -> int:
        """Number of sketches that a search takes, by `candidates_for`; computed anew whenever the sample is taken.

        Some vectors of the sample are the questions. What exact search would give them is taken from their
        MIN_CANDIDATES nearest sketches, the TRIED_ROWS of them with the best estimates: what those miss lies nearer,
        so that errs towards more candidates.
        """
        sample = self.sample(fetch)
        if self._count is None:
            sample = _some(sample, RULE_VECTORS)
            queries = _some(sample, RULE_QUERIES)
            nearest = [_without_itself(self._best(query, fetch)[None])[0, :WANTED_RESULTS] for query in queries]
            others = _without_itself(queries @ sample.T)
            self._count = candidates_for(len(self._sketches), self._sketcher.bits, np.array(nearest), others)
        return self._count

    def candidates(self, vector: FloatArray, k: int, fetch: FetchVectors) -> npt.NDArray[np.int64]:
        """The likeliest seqs: of `candidate_count` nearest sketches the `rerank_count` with the best estimates."""
        near = self._nearest(vector, max(k, self.candidate_count(fetch)))
        wanted = self.rerank_count(k, fetch)
        if len(near) <= wanted:
            return near
        estimates, _ = self.estimates(vector, near, fetch)
        return near[np.argpartition(-estimates, wanted)[:wanted]]

    def rerank_count(self, k: int, fetch: FetchVectors) -> int:
        """Number of vectors that one search compares exactly, for k results."""
        return max(k, MIN_RERANKED, self.candidate_count(fetch) // SKETCHES_PER_RERANKED)

    def estimates(
        self, vector: FloatArray, seqs: Ints, fetch: FetchVectors
    ) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Cosines of these seqs, estimated from their sketches, and which of them have a sketch."""
        if self._decoder is None:
            self._decoder = SketchDecoder(self._sketcher.planes, self.sample(fetch))
        sketches, here = self._sketches.sketches(seqs)
        return self._decoder.cosines(vector, sketches), here

    def recall(self, fetch: FetchVectors, queries: FloatArray | None = None, k: int = WANTED_RESULTS) -> float | None:
        """The share of exact search's k best that sketches and rerank find; None where there is nothing to find.

        `queries`: rows of vectors; without them up to MEASURED_QUERIES of the bank's own, each looking for all but
        itself. Every vector of the bank is read once. Of results equally near any will do: ties are no misses.
        """
        itself = int(queries is None)
        asked = _some(self.sample(fetch), MEASURED_QUERIES) if queries is None else queries
        k = min(k, len(self._sketches) - itself)
        if k < 1 or not len(asked):
            return None
        least = self._least_of_best(asked, k + itself, fetch) - 1e-5
        chosen = [self.candidates(query, k + itself, fetch) for query in asked]
        pairs = zip(asked, chosen, least, strict=True)
        hits = [(fetch(seqs.tolist()) @ query >= low).sum() for query, seqs, low in pairs]
        return float((np.minimum(hits, k + itself) - itself).mean() / k)

    def _nearest(self, vector: FloatArray, count: int) -> npt.NDArray[np.int64]:
        return self._sketches.search(self._sketcher.sketch(vector[None])[0], count)

    def _best(self, vector: FloatArray, fetch: FetchVectors) -> FloatArray:
        """The cosines of about the nearest rows: (TRIED_ROWS,), or fewer in a small bank."""
        near = self._nearest(vector, MIN_CANDIDATES)
        estimates, _ = self.estimates(vector, near, fetch)
        return np.asarray(fetch(near[np.argsort(-estimates)[:TRIED_ROWS]].tolist()) @ vector, dtype=np.float32)

    def _least_of_best(self, queries: FloatArray, k: int, fetch: FetchVectors) -> FloatArray:
        """The k-th best cosine of each query by exact search: (queries, dimension) -> (queries,)."""
        seqs = self._sketches.spread(len(self._sketches))
        best = np.full((len(queries), k), -np.inf, np.float32)
        for start in range(0, len(seqs), READ_BATCH):
            more = queries @ fetch(seqs[start : start + READ_BATCH].tolist()).T
            best = -np.partition(-np.concatenate([best, more], axis=1), k - 1, axis=1)[:, :k]
        return np.asarray(best.min(axis=1))


def _some(rows: FloatArray, count: int) -> FloatArray:
    """At most `count` of the rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)]


def _without_itself(cosines: FloatArray) -> FloatArray:
    """Cosines of rows of the bank to rows of the bank, best first, without each one's to itself."""
    return -np.sort(-cosines, axis=1)[:, 1:]
