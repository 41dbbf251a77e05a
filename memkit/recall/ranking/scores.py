"""Ranking: from the evidence for each turn to its score, by rules that follow the bank, the turn and the query.

All evidence is in standard deviations. A turn's score is its own evidence (dense and lexical), plus
shares of its neighbours', its episode's and its session's (chunk attention), plus cues.
Where sessions are each about one thing, a session is needed as a whole: the more cohesive a bank is, the more a
session's evidence counts and the less a single turn's own, the more long turns lean on their neighbours, and the
likelier recent sessions are gone on with (log-odds fall with the log of age, as Anderson and Schooler 1991 found of
people's).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, Ints, among
from memkit.recall.index.row_groups import RowGroups
from memkit.recall.ranking.chunk_attention import Unseen, chunk_evidence, log_attention
from memkit.recall.ranking.cues import Cues
from memkit.recall.ranking.event_dates import Windows
from memkit.recall.ranking.row_features import RowFeatures
from memkit.settings import RankingSettings
from memkit.times import to_micros


@dataclass
class Scope:
    """The rows that are scored, and what a question finds in them; arrays are (n,)."""

    scene: RowFeatures
    dense: FloatArray
    lexical: FloatArray
    windows: Windows = ()  # the times that the question tells from an event
    unseen_episodes: Unseen | None = None  # where only candidates are scored
    unseen_sessions: Unseen | None = None


def by_evidence(scope: Scope, weights: RankingSettings) -> dict[str, FloatArray]:
    """The parts of each row's score that follow from its evidence and from that around it."""
    scene, share = scope.scene, scope.scene.open_to_context
    dense, lexical = weights.dense * scope.dense, weights.lexical * scope.lexical
    own, itself = dense + lexical, 1 + weights.cohesive_own * scene.cohesion
    session = weights.session + weights.cohesive_session * scene.cohesion
    return {
        "dense": itself * dense,
        "lexical": itself * lexical,
        "neighbours": _neighbours(own, scene, weights) * share,
        "episode": weights.episode * _lift(own, scene.episodes, scope.unseen_episodes) * share,
        "session": session * _lift(own, scene.sessions, scope.unseen_sessions) * share,
    }


def _neighbours(own: FloatArray, scene: RowFeatures, weights: RankingSettings) -> FloatArray:
    found, linked = np.zeros_like(own), scene.linked
    _share(found, own, linked, 1, weights.neighbour)
    _share(found, own, linked[1:] & linked[:-1], 2, weights.second_neighbour)
    found[1:] += weights.answered * own[:-1] * (linked & scene.asks[:-1])
    return found


def _share(found: FloatArray, own: FloatArray, linked: Bools, step: int, weight: float) -> None:
    if len(own) > step:
        found[step:] += weight * own[:-step] * linked
        found[:-step] += weight * own[step:] * linked


def _lift(own: FloatArray, chunks: RowGroups, unseen: Unseen | None) -> FloatArray:
    """The log-attention of each row's chunk; 0 for rows that lie in none."""
    sizes = None if unseen is None else unseen.sizes
    return chunks.spread(log_attention(chunk_evidence(own, chunks, sizes), unseen), len(own))


def by_cues(scope: Scope, cues: Cues, weights: RankingSettings) -> dict[str, FloatArray]:
    """The parts that follow from who and when the question names; each only where it names any, but for times."""
    scene = scope.scene
    parts = {"time": (weights.time + weights.when * cues.asks_when) * scene.timed.astype(np.float32)}
    if len(cues.named) == 1:
        parts["speaker"] = weights.speaker * among(scene.speaker, cues.named).astype(np.float32)
    if cues.span or scope.windows:
        span = [(to_micros(cues.span.start), to_micros(cues.span.end))] if cues.span else []
        parts["date"] = weights.date * _inside(scene.occurred_at, [*scope.windows, *span])
    return parts


def _inside(moments: Ints, spans: Sequence[tuple[int, int]]) -> FloatArray:
    inside = np.zeros(len(moments), dtype=bool)
    for start, end in spans:
        inside |= (moments >= start) & (moments < end)
    return inside.astype(np.float32)
