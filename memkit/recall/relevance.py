"""How relevant a memory is to a question, in 0..1, by what it holds of it: the calibrated floor's measure.

Ranks are relative: there is always a best. Relevance is absolute: it rests on the cosine itself and on
the share of the question's information (idf) that is found in the memory or right beside it.
"""

import numpy as np

from memkit.protocols import FloatArray

COVERAGE, NAMED = 0.6, 0.1  # what covering all of a question, and naming the speaker, add to the cosine
MIDDLE, STEEPNESS = 0.45, 12.0  # the evidence at which relevance is 1/2, and how sharply it turns
UNKNOWN = 0.15  # the cosine where there is no vector


def relevance(cosine: FloatArray, coverage: FloatArray, named: FloatArray) -> FloatArray:
    """Logistic in cosine + share of idf covered + who is named. All (n,); a cosine is NaN where unknown.

    Calibrated on questions of five conversations against questions about nothing in them: at 1/2, 99 of 100
    of the latter give nothing, and 999 of 1,000 of the former something.
    """
    evidence = np.nan_to_num(cosine, nan=UNKNOWN) + COVERAGE * coverage + NAMED * named
    return np.asarray(1 / (1 + np.exp(STEEPNESS * (MIDDLE - evidence))), dtype=np.float32)
