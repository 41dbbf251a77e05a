"""Ranking: from the evidence for each turn to its score, by rules that follow the bank, the turn and the query.

All evidence is in standard deviations. A turn's score is its own evidence (dense and lexical), plus
shares of its neighbours', its episode's and its session's (chunk attention), plus cues.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memkit.models import ROLES
from memkit.protocols import FloatArray
from memkit.recall.chunk_attention import Unseen, chunk_evidence, log_attention
from memkit.recall.columns import Bools, Ints, among
from memkit.recall.cues import Cues
from memkit.recall.groups import Groups
from memkit.recall.moments import Windows
from memkit.settings import RankingSettings
from memkit.times import to_micros


@dataclass
class Scope:
    """The rows that are scored, in order of seq, with what is known of them; arrays are (n,)."""

    dense: FloatArray
    lexical: FloatArray
    episodes: Groups
    sessions: Groups
    adjacent: Bools  # (n - 1,): row i+1 follows row i in the bank
    linked: Bools  # (n - 1,): and is of its session
    speaker: Ints
    role: npt.NDArray[np.int8]
    occurred_at: Ints
    length: npt.NDArray[np.int32]
    log_length: FloatArray  # in standard deviations of the bank's
    asks: Bools
    timed: Bools  # names a time or a number
    since: Ints  # sessions that began after the row's
    cohesion: float  # of the bank, 0..1
    windows: Windows = ()  # the times that the question tells from an event
    unseen_episodes: Unseen | None = None  # where only candidates are scored
    unseen_sessions: Unseen | None = None


def by_evidence(scope: Scope, weights: RankingSettings) -> dict[str, FloatArray]:
    """The parts of each row's score that follow from its evidence and from that around it."""
    w = adapted(weights, scope.cohesion)
    own = w.dense * scope.dense + w.lexical * scope.lexical
    share = part(w.whole_context, scope.length)
    itself = 1 + weights.cohesive_own * scope.cohesion
    return {
        "dense": itself * w.dense * scope.dense,
        "lexical": itself * w.lexical * scope.lexical,
        "neighbours": _neighbours(own, scope, w) * share,
        "episode": w.episode * _lift(own, scope.episodes, scope.unseen_episodes) * share,
        "session": w.session * _lift(own, scope.sessions, scope.unseen_sessions) * share,
    }


def part(whole: float, lengths: npt.NDArray[np.int32]) -> FloatArray:
    """Which part of each text so many characters are, at most 1."""
    return np.asarray(np.minimum(1, whole / np.maximum(lengths, 1).astype(np.float32)), dtype=np.float32)


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
    found, linked = np.zeros_like(own), scope.linked
    _share(found, own, linked, 1, weights.neighbour)
    _share(found, own, linked[1:] & linked[:-1], 2, weights.second_neighbour)
    found[1:] += weights.answered * own[:-1] * (linked & scope.asks[:-1])
    return found


def _share(found: FloatArray, own: FloatArray, linked: Bools, step: int, weight: float) -> None:
    if len(own) > step:
        found[step:] += weight * own[:-step] * linked
        found[:-step] += weight * own[step:] * linked


def _lift(own: FloatArray, chunks: Groups, unseen: Unseen | None) -> FloatArray:
    """The log-attention of each row's chunk; 0 for rows that lie in none."""
    sizes = None if unseen is None else unseen.sizes(chunks.numbers)
    return chunks.spread(log_attention(chunk_evidence(own, chunks, sizes), unseen), len(own))


def by_cues(scope: Scope, cues: Cues, weights: RankingSettings) -> dict[str, FloatArray]:
    """The parts that don't depend on any evidence; those that are 0 everywhere are left out."""
    answers = np.zeros(len(scope.length), np.float32)
    answers[1:] = scope.asks[:-1] & scope.linked
    parts = {
        "recency": -weights.cohesive_recency * scope.cohesion * np.log1p(scope.since.astype(np.float32)),
        "role": weights.assistant * (scope.role == ROLES.index("assistant")).astype(np.float32),
        "asks": weights.asks * scope.asks * part(weights.whole_question, scope.length),
        "answers": weights.answers * answers,
        "length": weights.length * scope.log_length,
        "time": (weights.time + weights.when * cues.asks_when) * scope.timed.astype(np.float32),
    }
    if len(cues.named) == 1:
        parts["speaker"] = weights.speaker * among(scope.speaker, cues.named).astype(np.float32)
    if cues.span or scope.windows:
        parts["date"] = weights.date * _in_span(scope, cues)
    return parts


def _in_span(scope: Scope, cues: Cues) -> FloatArray:
    span = cues.span and (to_micros(cues.span.start), to_micros(cues.span.end))
    inside = np.zeros(len(scope.dense), dtype=bool)
    for start, end in (*scope.windows, *([span] if span else [])):
        inside |= (scope.occurred_at >= start) & (scope.occurred_at < end)
    return inside.astype(np.float32)
