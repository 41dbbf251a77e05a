"""Ranking: from the evidence for each turn to its score, by rules that follow the bank, the turn and the query.

All evidence is in standard deviations. A turn's score is its own evidence (dense and lexical), plus
shares of its neighbours', its episode's and its session's (chunk attention), plus cues.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from memkit.models import ROLES
from memkit.protocols import FloatArray
from memkit.recall.chunk_attention import Unseen, chunk_evidence, log_attention
from memkit.recall.columns import Bools, Ints
from memkit.recall.cues import Cues
from memkit.recall.moments import Windows
from memkit.settings import RankingSettings
from memkit.times import to_micros


@dataclass
class Scope:
    """The rows that are scored, in order of seq, with what is known of them; arrays are (n,)."""

    dense: FloatArray
    lexical: FloatArray
    episode: Ints  # -1 for none
    session: Ints
    speaker: Ints
    role: npt.NDArray[np.int8]
    occurred_at: Ints
    length: npt.NDArray[np.int32]
    log_length: FloatArray  # in standard deviations of the bank's
    asks: Bools
    timed: Bools  # names a time or a number
    since: Ints  # sessions that began after the row's
    adjacent: Bools  # row i+1 follows row i in the bank
    cohesion: float  # of the bank, 0..1
    windows: Windows = ()  # the times that the question tells from an event
    unseen_episodes: Unseen | None = None  # where only candidates are scored
    unseen_sessions: Unseen | None = None
    parts: dict[str, FloatArray] = field(default_factory=dict)


def score(scope: Scope, cues: Cues, weights: RankingSettings) -> FloatArray:
    """The score of each row; what it is made of is left in `scope.parts`."""
    w = adapted(weights, scope.cohesion)
    own = w.dense * scope.dense + w.lexical * scope.lexical
    share = np.minimum(1.0, w.whole_context / np.maximum(scope.length, 1))
    itself = 1 + weights.cohesive_own * scope.cohesion
    scope.parts = {
        "dense": itself * w.dense * scope.dense,
        "lexical": itself * w.lexical * scope.lexical,
        "neighbours": _neighbours(own, scope, w) * share,
        "episode": w.episode * _chunks(own, scope.episode, scope.unseen_episodes) * share,
        "session": w.session * _chunks(own, scope.session, scope.unseen_sessions) * share,
        "recency": _recency(scope, w),
        **_cues(scope, cues, w),
    }
    total = sum(scope.parts.values())
    return np.asarray(total, dtype=np.float32)


def _recency(scope: Scope, weights: RankingSettings) -> FloatArray:
    cost = weights.cohesive_recency * scope.cohesion
    return np.asarray(-cost * np.log1p(scope.since), dtype=np.float32)


def adapted(weights: RankingSettings, cohesion: float) -> RankingSettings:
    """The weights of context for a bank of this cohesion.

    Where sessions are each about one thing, a session is needed as a whole: its evidence counts more and
    a single turn's own less, long turns lean on their neighbours as well, and recent sessions are likelier to
    be gone on with (log-odds fall with the log of age, as Anderson and Schooler 1991 found of people's).
    """
    return weights.model_copy(
        update={
            "session": weights.session + weights.cohesive_session * cohesion,
            "whole_context": weights.whole_context + weights.cohesive_context * cohesion,
        }
    )


def _neighbours(own: FloatArray, scope: Scope, weights: RankingSettings) -> FloatArray:
    found = np.zeros_like(own)
    linked = _linked(scope)
    _share(found, own, linked, 1, weights.neighbour)
    _share(found, own, linked[1:] & linked[:-1], 2, weights.second_neighbour)
    found[1:] += weights.answered * own[:-1] * (linked & scope.asks[:-1])
    return found


def _linked(scope: Scope) -> Bools:
    """Which rows but the last are followed by a row of their own session."""
    return np.asarray(scope.adjacent[:-1] & (scope.session[1:] == scope.session[:-1]), dtype=bool)


def _share(found: FloatArray, own: FloatArray, linked: Bools, step: int, weight: float) -> None:
    if len(own) > step:
        found[step:] += weight * own[:-step] * linked
        found[:-step] += weight * own[step:] * linked


def _chunks(own: FloatArray, chunks: Ints, unseen: Unseen | None) -> FloatArray:
    """The log-attention of each row's chunk; 0 for rows that lie in none."""
    lifted = np.zeros_like(own)
    inside = chunks >= 0
    if not inside.any():
        return lifted
    known, numbers = np.unique(chunks[inside], return_inverse=True)
    sizes = None if unseen is None else unseen.sizes(known)
    evidence = chunk_evidence(own[inside], numbers, len(known), sizes)
    lifted[inside] = log_attention(evidence, unseen)[numbers]
    return lifted


def _cues(scope: Scope, cues: Cues, weights: RankingSettings) -> dict[str, FloatArray]:
    zero = np.zeros_like(scope.dense)
    named = np.isin(scope.speaker, list(cues.named)) if len(cues.named) == 1 else np.zeros(len(zero), bool)
    answers = zero.copy()
    answers[1:] = scope.asks[:-1] & _linked(scope)
    only = np.minimum(1.0, weights.whole_question / np.maximum(scope.length, 1)).astype(np.float32)
    return {
        "speaker": weights.speaker * named.astype(np.float32),
        "role": weights.assistant * (scope.role == ROLES.index("assistant")).astype(np.float32),
        "asks": weights.asks * scope.asks * only,
        "answers": weights.answers * answers,
        "length": weights.length * scope.log_length,
        "date": weights.date * _in_span(scope, cues),
        "time": (weights.time + weights.when * cues.asks_when) * scope.timed.astype(np.float32),
    }


def _in_span(scope: Scope, cues: Cues) -> FloatArray:
    span = cues.span and (to_micros(cues.span.start), to_micros(cues.span.end))
    inside = np.zeros(len(scope.dense), dtype=bool)
    for start, end in (*scope.windows, *([span] if span else [])):
        inside |= (scope.occurred_at >= start) & (scope.occurred_at < end)
    return inside.astype(np.float32)
