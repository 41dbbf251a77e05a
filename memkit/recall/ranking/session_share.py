"""Session share: how far a question's evidence lies in whole sessions rather than in single turns.

A bank is cohesive where each session is about one thing, and then a session is needed as a whole; but so is a bank in
which two kinds of conversation lie side by side, and there a question may ask for one sentence. The question's own
evidence tells: the share of its variance that lies between sessions is the intraclass correlation ICC(1) (Shrout &
Fleiss 1979). In nine of ten questions it was at most .49 where turns were asked for (four sets and ten mixtures of
them), and at least .48 where tasks were (RealMem).
"""

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.groups import RowGroups
from memkit.recall.ranking.candidates import Candidates, context_share
from memkit.recall.ranking.chunk_attention import dense_evidence
from memkit.settings import RankingSettings

FULL_SHARE_CORRELATION = 0.5  # from which on sessions count as much as the bank's cohesion lets them


def follow_sessions(candidates: Candidates, weights: RankingSettings) -> None:
    """Let sessions count as far as the bank is cohesive and the question's own evidence lies in them."""
    features = candidates.features
    candidates.cohesion, candidates.open_to_context = features.cohesion, features.open_to_context
    if features.cohesion:
        own = dense_evidence(candidates, weights) + weights.lexical * candidates.lexical
        candidates.cohesion *= session_share(own, features.sessions)
        candidates.open_to_context = context_share(features.lengths, candidates.cohesion, weights)


def session_share(evidence: FloatArray, sessions: RowGroups) -> float:
    """The share of a question that its sessions decide, 0..1, by the rows' own evidence (n,)."""
    return min(1.0, max(0.0, intraclass_correlation(evidence, sessions) / FULL_SHARE_CORRELATION))


def intraclass_correlation(values: FloatArray, groups: RowGroups) -> float:
    """ICC(1) of values (n,): the share of their variance that lies between groups; 0 where nothing can be told.

    (MSB - MSW) / (MSB + (n0 - 1) MSW), with the mean squares between and within groups and n0 the groups' mean size,
    corrected for their being unequal.
    """
    sizes, inside = groups.sizes.astype(np.float64), values[groups.order].astype(np.float64)
    count, total = len(sizes), float(sizes.sum())
    if count < 2 or total <= count:
        return 0.0
    sums = groups.sums(values)
    between = float((sums**2 / sizes).sum() - inside.sum() ** 2 / total) / (count - 1)
    within = float((inside**2).sum() - (sums**2 / sizes).sum()) / (total - count)
    usual_size = (total - float((sizes**2).sum()) / total) / (count - 1)
    whole = between + (usual_size - 1) * within
    return (between - within) / whole if whole > 0 else 0.0
