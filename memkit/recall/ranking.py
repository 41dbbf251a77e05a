"""Ranking: from the evidence for each turn to its score, by rules that follow the bank, the turn and the query.

All evidence is in standard deviations. A turn's score is its own evidence (dense and lexical), plus
shares of its neighbours', its episode's and its session's (chunk attention), plus cues.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from memkit.models import ROLES
from memkit.protocols import FloatArray
from memkit.recall.chunk_attention import chunk_evidence, log_attention
from memkit.recall.columns import NONE, Bools, Ints
from memkit.recall.cues import Cues
from memkit.recall.moments import Windows
from memkit.times import to_micros


@dataclass(frozen=True)
class Weights:
    """How much each part counts, in standard deviations of the turn's own evidence."""

    dense: float = 1.0
    lexical: float = 0.85
    neighbour: float = 0.3  # the turns right before and after
    second_neighbour: float = 0.2
    episode: float = 0.35
    session: float = 0.35
    speaker: float = 1.25  # the person whom the question names spoke
    assistant: float = -1.0  # evidence about a person is mostly in what the person said
    asks: float = -1.5  # a turn that only asks; less, the more a longer one says besides
    answers: float = 0.3  # the turn after a question
    answered: float = 0.4  # the share of a question's evidence that the answer to it takes besides
    length: float = 0.6  # per standard deviation of the log length
    date: float = 1.0  # said in the time that the question names
    time: float = 0.3  # names a time or a number
    when: float = 1.0  # the same, where the question asks when, how long or how many
    recency: float = 0.0  # per unit of log(1 + days): what is needed falls with the log of its age
    whole_question: float = 60.0  # characters up to which a turn that asks only asks
    whole_context: float = 300.0  # characters up to which a turn takes its full share of its context

    def adapted(self, assistant_share: float) -> "Weights":
        """The weights for a bank in which this share of the turns is an assistant's.

        Between people, questions come from anywhere in the past. With an assistant they mostly go on with a
        task: recent sessions are likelier to be needed (log-odds fall with the log of age, as Anderson and
        Schooler 1991 found of people's), a whole session is about one thing, and long messages lean on
        their neighbours as well. Half of the turns being an assistant's counts in full.
        """
        a = min(1.0, 2 * assistant_share)
        return replace(
            self,
            lexical=self.lexical + 0.15 * a,
            session=self.session + 0.25 * a,
            recency=self.recency + 0.4 * a,
            whole_context=self.whole_context + 700 * a,
        )


@dataclass
class Scope:
    """The rows that are scored, in order of seq, with what is known of them; arrays are (n,)."""

    dense: FloatArray
    lexical: FloatArray
    episode: Ints
    session: Ints
    speaker: Ints
    role: npt.NDArray[np.int8]
    occurred_at: Ints
    length: npt.NDArray[np.int32]
    asks: Bools
    timed: Bools  # names a time or a number
    age: FloatArray  # days before the moment of asking
    adjacent: Bools  # row i+1 follows row i in the bank
    windows: Windows = ()  # the times that the question tells from an event
    parts: dict[str, FloatArray] = field(default_factory=dict)


def score(scope: Scope, cues: Cues, weights: Weights) -> FloatArray:
    """The score of each row; what it is made of is left in `scope.parts`."""
    weights = weights.adapted(_assistant_share(scope))
    own = weights.dense * scope.dense + weights.lexical * scope.lexical
    share = np.minimum(1.0, weights.whole_context / np.maximum(scope.length, 1))
    scope.parts = {
        "dense": weights.dense * scope.dense,
        "lexical": weights.lexical * scope.lexical,
        "neighbours": _neighbours(own, scope, weights) * share,
        "episode": weights.episode * _chunks(own, scope.episode) * share,
        "session": weights.session * _chunks(own, scope.session) * share,
        **_cues(scope, cues, weights),
    }
    total = sum(scope.parts.values())
    return np.asarray(total, dtype=np.float32)


def _assistant_share(scope: Scope) -> float:
    return float((scope.role == ROLES.index("assistant")).mean()) if len(scope.role) else 0.0


def _neighbours(own: FloatArray, scope: Scope, weights: Weights) -> FloatArray:
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


def _chunks(own: FloatArray, chunks: Ints) -> FloatArray:
    """The log-attention of each row's chunk; 0 for rows that lie in none."""
    lifted = np.zeros_like(own)
    inside = chunks != NONE
    if not inside.any():
        return lifted
    _, numbers = np.unique(chunks[inside], return_inverse=True)
    evidence = chunk_evidence(own[inside], numbers, int(numbers.max()) + 1)
    lifted[inside] = log_attention(evidence)[numbers]
    return lifted


def _cues(scope: Scope, cues: Cues, weights: Weights) -> dict[str, FloatArray]:
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
        "length": weights.length * _log_length(scope.length),
        "date": weights.date * _in_span(scope, cues),
        "recency": -weights.recency * np.log1p(np.maximum(scope.age, 0)),
        "time": (weights.time + weights.when * cues.asks_when) * scope.timed.astype(np.float32),
    }


def _log_length(length: npt.NDArray[np.int32]) -> FloatArray:
    logs = np.log1p(length.astype(np.float32))
    return np.asarray((logs - logs.mean()) / max(float(logs.std()), 0.3), dtype=np.float32)


def _in_span(scope: Scope, cues: Cues) -> FloatArray:
    span = cues.span and (to_micros(cues.span.start), to_micros(cues.span.end))
    inside = np.zeros(len(scope.dense), dtype=bool)
    for start, end in (*scope.windows, *([span] if span else [])):
        inside |= (scope.occurred_at >= start) & (scope.occurred_at < end)
    return inside.astype(np.float32)
