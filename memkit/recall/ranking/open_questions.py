"""Questions that many turns answer: of a time ("What happened yesterday?") or the whole bank ("Summarise the move").

The most telling turns of a time answer, or all that are about the topic; the prompt shows as many as it has room for.
"""

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.candidates import Candidates

MAX_GATHERED = 60  # results of such a question: those asked for, and more for the prompt
TOPIC_RELEVANCE = 0.1  # from which on a memory may be about a topic
REPLY_MARGIN = 1.0  # standard deviations by which a reply of an assistant comes after what people told


def spread_best(scores: FloatArray, occurred_at: Ints, eligible: Bools, count: int) -> Ints:
    """Places of the best eligible rows, best first, spread over their time: one from each of `count` stretches."""
    places = np.flatnonzero(eligible)
    places = places[np.argsort(occurred_at[places], kind="stable")]
    stretches = np.array_split(places, min(count, len(places))) if len(places) else []
    best = np.array([stretch[scores[stretch].argmax()] for stretch in stretches], dtype=np.int64)
    return best[np.lexsort((-best, -scores[best]))]


def told_first(candidates: Candidates, floor: float, *, addressed: bool) -> Ints:
    """Places of the rows about a topic, best first; unless the assistant is `addressed`, people's before its own.

    What happened is told by people; an assistant says it again.
    """
    places = np.flatnonzero(candidates.eligible & (candidates.relevance >= floor))
    margin = 0.0 if addressed else REPLY_MARGIN
    score = candidates.score[places] - margin * candidates.features.replies[places]
    return places[np.lexsort((-candidates.features.rows[places], -score))]
