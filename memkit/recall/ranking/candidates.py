"""What is scored for one question."""

from dataclasses import dataclass, field

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, Ints
from memkit.recall.ranking.cues import Cues
from memkit.recall.ranking.evidence import Lexical
from memkit.recall.ranking.row_features import RowFeatures


@dataclass
class Pool:
    """The rows that are scored for one question, and what was found for them; arrays are (n,)."""

    scene: RowFeatures
    eligible: Bools
    cosine: FloatArray
    sample: FloatArray  # cosines of vectors that stand for the whole bank, (any number,)
    lexical: Lexical
    cues: Cues
    compared: Bools  # whose cosines are exact
    score: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))
    evidence: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))
    relevance: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))
    parts: dict[str, FloatArray] = field(default_factory=dict)
    thoughts: dict[int, list[int]] = field(default_factory=dict)  # seq of a turn -> seqs of thoughts

    @property
    def rows(self) -> Ints:
        """In order of seq."""
        return self.scene.rows
