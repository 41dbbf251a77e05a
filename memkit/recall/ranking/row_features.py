"""Rows with what is known of them whatever is asked, and what of their rank follows from that alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from memkit.models import MEMORY_KINDS, TURN_ROLES
from memkit.protocols import FloatArray
from memkit.recall.index.bank_statistics import BankStatistics
from memkit.recall.index.columns import Bools, Columns, Ints
from memkit.recall.index.row_groups import RowGroups
from memkit.settings import RankingSettings

SHORT = 300  # characters: a longer text holds many words by chance, and they count for less

Lengths = npt.NDArray[np.int32]


@dataclass(frozen=True)
class RowFeatures:
    """Some rows of a bank, in order of seq; arrays are (n,)."""

    rows: Ints
    seqs: Ints
    episodes: RowGroups
    sessions: RowGroups
    adjacent: Bools  # (n - 1,): row i+1 follows row i in the bank
    linked: Bools  # (n - 1,): and is of its session
    speaker: Ints
    occurred_at: Ints
    asks: Bools
    timed: Bools  # names a time or a number
    open_to_context: FloatArray  # which part of its full share each takes of the evidence around it
    open_to_words: FloatArray  # how much it counts that a row holds a question's words
    traits: dict[str, FloatArray]  # parts of the score
    cohesion: float  # of the bank, 0..1

    def __len__(self) -> int:
        return len(self.rows)


def row_features(
    columns: Columns, standing: BankStatistics, rows: Ints, cohesion: float, weights: RankingSettings
) -> RowFeatures:
    """What is known of these rows of a bank."""

    def column(name: str) -> Any:
        return columns.at(name, rows)

    own, adjacent = column("session"), _adjacent(rows, column("kind"))
    linked, sessions = adjacent & (own[1:] == own[:-1]), RowGroups.of(own)
    context = weights.whole_context + weights.cohesive_context * cohesion
    traits = {
        "role": weights.assistant * (column("role") == TURN_ROLES.index("assistant")).astype(np.float32),
        "asks": weights.asks * column("asks") * part(weights.whole_question, column("length")),
        "answers": weights.answers * _answering(column("asks"), linked),
        "length": weights.length * standing.log_length(column("length")),
    }
    if cohesion:
        since = sessions.spread(standing.sessions_since(sessions.numbers), len(rows))
        traits["recency"] = -weights.cohesive_recency * cohesion * np.log(since.astype(np.float32) + 1)
    return RowFeatures(
        rows=rows,
        seqs=column("seq"),
        episodes=RowGroups.of(column("episode")),
        sessions=sessions,
        adjacent=adjacent,
        linked=linked,
        speaker=column("speaker"),
        occurred_at=column("occurred_at"),
        asks=column("asks"),
        timed=standing.timed(rows),
        open_to_context=part(context, column("length")),
        open_to_words=np.sqrt(part(SHORT, column("length"))),
        traits=traits,
        cohesion=cohesion,
    )


def part(whole: float, lengths: Lengths) -> FloatArray:
    """Which part of each text so many characters are, at most 1."""
    return np.asarray(np.minimum(1, whole / np.maximum(lengths, 1).astype(np.float32)), dtype=np.float32)


def _adjacent(rows: Ints, kinds: npt.NDArray[np.int8]) -> Bools:
    """Which rows but the last are turns that are followed by the bank's next row, another turn."""
    turns = kinds == MEMORY_KINDS.index("turn")
    return np.asarray((rows[1:] - rows[:-1] == 1) & turns[:-1] & turns[1:], dtype=bool)


def _answering(asks: Bools, linked: Bools) -> FloatArray:
    answers = np.zeros(len(asks), np.float32)
    answers[1:] = asks[:-1] & linked
    return answers
