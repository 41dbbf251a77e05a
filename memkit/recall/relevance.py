"""How relevant a memory is to a question, in 0..1, by what it holds of it: the calibrated floor's measure.

Ranks are relative: there is always a best. Relevance is absolute: it rests on the cosine itself and on
the share of the question's information (idf) that is found in the memory or right beside it.
"""

import numpy as np

from memkit.protocols import FloatArray

BIAS, COSINE, COVERAGE, NAMED = -3.6, 6.0, 3.5, 1.5


def relevance(cosine: FloatArray, coverage: FloatArray, named: FloatArray) -> FloatArray:
    """A logistic measure of the cosine (NaN where unknown), the share of idf covered, and who is named."""
    known = np.nan_to_num(cosine, nan=0.15)
    logits = BIAS + COSINE * known + COVERAGE * coverage + NAMED * named
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)
