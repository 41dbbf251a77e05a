"""How relevant a memory is to a question, in 0..1, by what it holds of it; and whether the bank knows anything of it.

Ranks are relative: there is always a best. Relevance is absolute: it rests on the cosine itself and on
the share of the question's information (idf) that is found in the memory or right beside it.
"""

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, filled

COVERAGE, NAMED = 0.6, 0.1  # what covering all of a question, and naming the speaker, add to the cosine
MIDDLE, STEEPNESS = 0.45, 12.0  # the evidence at which relevance is 1/2, and how sharply it turns
UNKNOWN = 0.15  # the cosine where there is no vector
BEST = 5  # results whose mean evidence says whether the bank knows anything: chance rarely gives five
USUAL, USUAL_SIZE = 0.395, 500  # the mean that is asked for in a bank of 500 memories ...
GROWTH, LEAST = 0.06, 0.21  # ... more by this for each e-fold, since more memories have more chances; at least so much
ALONE = 0.325  # what a single one must have beyond that to be enough by itself


def evidence(cosine: FloatArray, coverage: FloatArray, named: FloatArray) -> FloatArray:
    """Cosine + share of idf covered + who is named. All (n,); a cosine is NaN where unknown."""
    found = filled(cosine, UNKNOWN) + COVERAGE * coverage + NAMED * named
    return np.asarray(found, dtype=np.float32)


def relevance(evidence: FloatArray) -> FloatArray:
    """Logistic in the evidence, (n,)."""
    return np.asarray(1 / (1 + np.exp(STEEPNESS * (MIDDLE - evidence))), dtype=np.float32)


def is_answerable(evidence: FloatArray, eligible: Bools, size: int) -> bool:
    """Whether a bank of this size knows anything of the question: by the mean of the five best, or by a sure one.

    Calibrated on banks of 2 to 1,500 memories, by questions about them and by questions about nothing in them:
    99 of 100 of the former get results, 1 of 100 of the latter.
    """
    best = evidence[eligible]
    if not len(best):
        return False
    if len(best) > BEST:
        best = np.partition(best, -BEST)[-BEST:]
    bar = max(LEAST, USUAL + GROWTH * float(np.log(max(size, 1) / USUAL_SIZE)))
    return bool(best.mean() >= bar or best.max() >= bar + ALONE)
