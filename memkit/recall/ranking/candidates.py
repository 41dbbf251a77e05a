"""Candidates: the rows that are scored for one question, with their features and what the question finds in them.

Traits are the parts of a score that follow from a row alone. Recency is one in cohesive banks only, where sessions
are taken up again: the log-odds of that fall with the log of age, as Anderson and Schooler (1991) found of people's.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from memkit.batches import NO_VALUE
from memkit.models import MEMORY_KINDS, TURN_ROLES
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, Columns
from memkit.recall.index.groups import RowGroups
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.evidence import LexicalEvidence
from memkit.settings import RankingSettings
from memkit.text.curve import Curve

Lengths = npt.NDArray[np.int32]
DAY_MICROS = 86_400_000_000


@dataclass(frozen=True)
class RowFeatures:
    """Rows of a bank, in order of seq, with what holds of them whatever is asked; arrays are (n,)."""

    rows: Ints
    seqs: Ints
    episodes: RowGroups
    sessions: RowGroups
    half_adjacent: FloatArray  # (n - 1,): a half where row i+1 follows row i in the bank
    linked: FloatArray  # (n - 1,): 1 where it does, and is of its session
    linked_twice: FloatArray  # (n - 2,): 1 where the row after the next is of its session, and so is that between
    answering: FloatArray  # (n - 1,): 1 where row i asks, and row i+1 is linked to it
    speaker: Ints
    occurred_at: Ints
    replies: Bools  # said by an assistant
    timed: FloatArray  # 1 where it names a time or a number
    open_to_context: FloatArray  # which part of its full share each takes of the evidence around it
    lengths: Lengths  # characters
    traits: dict[str, FloatArray]  # parts of the score
    cohesion: float  # of the bank, 0..1

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def telling(self) -> FloatArray:
        """The sum of the traits, (n,): how much each row tells, whatever is asked."""
        return np.asarray(sum(self.traits.values(), np.zeros(len(self))), dtype=np.float32)


def row_features(columns: Columns, rows: Ints, cohesion: float, weights: RankingSettings) -> RowFeatures:
    """Features of these rows of a bank."""
    statistics, lengths, asks = columns.statistics, columns.at("length", rows), columns.at("asks", rows)
    replies = columns.at("role", rows) == TURN_ROLES.index("assistant")
    session_of, adjacent = columns.at("session", rows), _adjacent(rows, columns.at("kind", rows))
    linked, sessions = adjacent & (session_of[1:] == session_of[:-1]), RowGroups.of(session_of)
    answering = (asks[:-1] & linked).astype(np.float32)
    traits = {
        "role": weights.assistant * replies.astype(np.float32),
        "asks": weights.asks * asks * share_of(weights.whole_question, lengths),
        "answers": weights.answers * np.append(np.zeros(min(len(rows), 1), np.float32), answering),
        "length": weights.length * statistics.log_length(lengths),
    }
    if cohesion:
        since = sessions.spread(statistics.sessions_since(sessions.numbers))
        traits["recency"] = -weights.cohesive_recency * cohesion * np.log(since.astype(np.float32) + 1)
    return RowFeatures(
        rows=rows,
        seqs=columns.at("seq", rows),
        episodes=RowGroups.of(columns.at("episode", rows)),
        sessions=sessions,
        half_adjacent=np.float32(0.5) * adjacent,
        linked=linked.astype(np.float32),
        linked_twice=(linked[1:] & linked[:-1]).astype(np.float32),
        answering=answering,
        speaker=columns.at("speaker", rows),
        occurred_at=columns.at("occurred_at", rows),
        replies=np.asarray(replies, dtype=bool),
        timed=statistics.timed(rows).astype(np.float32),
        open_to_context=context_share(lengths, cohesion, weights),
        lengths=lengths,
        traits=traits,
        cohesion=cohesion,
    )


def context_share(lengths: Lengths, cohesion: float, weights: RankingSettings) -> FloatArray:
    """The part of its full share that a text of each length takes of the evidence around it, (n,)."""
    return share_of(weights.whole_context + weights.cohesive_context * cohesion, lengths)


def share_of(characters: float, lengths: Lengths) -> FloatArray:
    """The share of each text that so many characters are, at most 1."""
    return np.asarray(np.minimum(1, characters / np.maximum(lengths, 1).astype(np.float32)), dtype=np.float32)


def _adjacent(rows: Ints, kinds: npt.NDArray[np.int8]) -> Bools:
    """Mask of rows but the last: turns that are followed by the bank's next row, another turn."""
    turns = kinds == MEMORY_KINDS.index("turn")
    return np.asarray((rows[1:] - rows[:-1] == 1) & turns[:-1] & turns[1:], dtype=bool)


class Fading(NamedTuple):
    """Moments at which each row was said, or recalled last, in microseconds; its rate of forgetting in each, (n,)."""

    used_at: Ints
    rates: npt.NDArray[np.float64]

    @classmethod
    def of(cls, features: RowFeatures, columns: Columns, curve: Curve) -> Self:
        """Fading of these rows by a curve; what is pinned stays."""
        used_at, rates = features.occurred_at, curve.rates(columns.at("strength", features.rows)) / DAY_MICROS
        if columns.has("recalled_at"):
            recalled = columns.at("recalled_at", features.rows)
            used_at = np.where(recalled == NO_VALUE, used_at, recalled)
        rates[columns.at("pinned", features.rows)] = 0
        return cls(used_at, rates)


@dataclass(frozen=True)
class UnseenChunks:
    """Chunks as far as they are not scored where only candidates are: their other members, and all other chunks.

    `sizes`: how many rows a question may find in each chunk that has a candidate; `sample`: evidence of rows that
    stand for the whole bank. A member that was not scored has average evidence, 0.
    """

    sizes: npt.NDArray[np.integer]
    sample: FloatArray
    count: int  # of the bank's chunks
    row_count: int  # of the bank's rows that lie in any

    @cached_property
    def shares(self) -> npt.NDArray[np.float64]:
        """The share of each of these chunks that one row is, (m,)."""
        return np.asarray(1 / np.maximum(self.sizes, 1))

    @cached_property
    def usual(self) -> tuple[float, float]:
        """The mean of that evidence, and of its square."""
        evidence = self.evidence.astype(np.float64)
        return float(evidence.sum()) / len(evidence), float(evidence @ evidence) / len(evidence)

    @cached_property
    def evidence(self) -> FloatArray:
        """The evidence of chunks made of the sample, as large as the bank's are: what chance gives, (any,)."""
        size = max(1, round(self.row_count / max(self.count, 1)))
        whole = len(self.sample) // size * size
        groups = self.sample[:whole].reshape(-1, size)
        return np.asarray(groups.max(axis=1) + groups.mean(axis=1), dtype=np.float32)


@dataclass
class Candidates:
    """The rows that are scored for one question, and what each step of the search computed for them, arrays of (n,)."""

    # the choice of candidates
    features: RowFeatures
    eligible: Bools  # rows that the options allow as results
    words: LexicalEvidence
    lexical: FloatArray  # evidence by words, in standard deviations
    completed: FloatArray = field(init=False)  # the same, the words completed from beside
    reranked: FloatArray | None  # evidence by a reranker, from 0, in standard deviations; None where there is none
    cosines: FloatArray  # NaN where a row has no vector
    exact: Bools  # whose cosines are exact, not estimated from sketches
    sample: FloatArray  # cosines of vectors that stand for the whole bank, (any number,)
    reading: float = 1.0  # how far the encoder reads the question, 0..1
    meaning: float = 1.0  # how far its vectors are of meaning, 0..1

    # how far sessions decide: the bank's cohesion as far as the question's evidence lies in sessions
    cohesion: float = 0.0
    open_to_context: FloatArray = field(init=False)

    # scores; refinement computes them anew
    unseen_episodes: UnseenChunks | None = None  # None where every row of the bank is a candidate
    unseen_sessions: UnseenChunks | None = None
    fixed_parts: dict[str, FloatArray] = field(default_factory=dict)  # those that no cosine changes
    parts: dict[str, FloatArray] = field(default_factory=dict)  # all that the score is the sum of
    score: FloatArray = field(init=False)
    tokens: FloatArray | None = None  # evidence by words, in standard deviations, NaN where none were compared

    # calibration, and links to thoughts
    evidence: FloatArray = field(init=False)
    relevance: FloatArray = field(init=False)  # 0..1
    thoughts: dict[int, list[int]] = field(default_factory=dict)  # seq of a turn -> seqs of thoughts

    def traits(self, *, asks_assistant: bool) -> dict[str, FloatArray]:
        """Traits of the rows as this question takes them; one about what an assistant said turns that of its role."""
        traits = dict(self.features.traits)
        if asks_assistant:
            traits["role"] = -traits["role"]
        if "recency" in traits:
            traits["recency"] = traits["recency"] * np.float32(self.cohesion / self.features.cohesion)
        return traits

    def of_eligible(self, values: FloatArray) -> FloatArray:
        """The values of the rows that may be results."""
        return values if self.eligible.all() else values[self.eligible]

    def best(self, floor: float, k: int) -> Ints:
        """Places of the k best rows that may be results and are at least as relevant as a floor, best first."""
        places = np.flatnonzero(self.eligible & (self.relevance >= floor))
        score = self.score.take(places)
        if 0 < k < len(places):
            leading = np.flatnonzero(score >= np.partition(score, -k)[-k])
            places, score = places.take(leading), score.take(leading)
        return places[np.lexsort((-self.features.rows.take(places), -score))][:k]

    @cached_property
    def saturations(self) -> FloatArray:
        """The saturation of each of the question's terms in each row, (terms, n)."""
        return self.words.saturations_in(self.features.rows)

    @cached_property
    def information(self) -> FloatArray:
        """The question's information that each row holds, in nats."""
        return self.words.information(self.features.rows, self.features.lengths, self.saturations)

    def rounded_parts(self, places: Ints) -> list[dict[str, float]]:
        """The summands of each of these ranks, and the cosine, rounded; without what is 0 or unknown."""
        values = {**self.parts, "cosine": self.cosines}
        table = np.array([column.take(places) for column in values.values()], dtype=np.float64).round(4).T.tolist()
        return [
            {name: value for name, value in zip(values, row, strict=True) if value and value == value} for row in table
        ]
