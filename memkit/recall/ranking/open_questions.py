"""Questions without content, "What happened yesterday?": the turns of a time answer, the most telling first."""

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.candidates import RowFeatures


def telling(features: RowFeatures) -> FloatArray:
    """The sum of each row's traits, (n,): how much it tells, whatever is asked."""
    return np.asarray(sum(features.traits.values(), np.zeros(len(features))), dtype=np.float32)


def spread_best(scores: FloatArray, occurred_at: Ints, eligible: Bools, count: int) -> Ints:
    """Places of the best eligible rows, best first, spread over their time: one from each of `count` stretches."""
    places = np.flatnonzero(eligible)
    places = places[np.argsort(occurred_at[places], kind="stable")]
    stretches = np.array_split(places, min(count, len(places))) if len(places) else []
    best = np.array([stretch[scores[stretch].argmax()] for stretch in stretches], dtype=np.int64)
    return best[np.lexsort((-best, -scores[best]))]
