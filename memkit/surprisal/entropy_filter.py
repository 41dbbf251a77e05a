"""SirLLM's cache policy (arXiv 2405.12528): of an endless stream, keep the start, what surprised, the newest.

`EntropyFilter` streams tokens through it; `kept_positions` is one eviction, for whoever holds the cache.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from memkit.errors import CorruptError, InputError
from memkit.protocols import Token
from memkit.surprisal.logits import Mode

Positions = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
Turn = TypeVar("Turn", Scores, list[int])


@dataclass(frozen=True)
class Budget:
    """The number of tokens to keep: the first `start`, the `entropy` most surprising, the newest `recent`.

    `decay` multiplies every score once per turn. The paper's: 4/1020/0/1, 4/508/0/0.7, 4/1020/0/0.9.
    """

    start: int = 4
    entropy: int = 1020
    recent: int = 0
    decay: float = 1.0

    def __post_init__(self) -> None:
        if min(self.start, self.entropy, self.recent) < 0 or self.entropy + self.recent == 0:
            raise InputError("Budget: start, entropy and recent are counts, and one of the last two is positive.")
        if not 0 <= self.decay <= 1:
            raise InputError("Budget: decay lies between 0 and 1.")

    @property
    def capacity(self) -> int:
        """Tokens kept at most."""
        return self.start + self.entropy + self.recent

    @property
    def longest(self) -> int:
        """Tokens of one turn at most: what comes in must find room without the start giving way."""
        return self.entropy + self.recent


def kept_positions(scores: npt.ArrayLike, coming: int, budget: Budget, *, mode: Mode = "paper") -> Positions:
    """Positions (ascending) that stay when `coming` tokens are about to join the scored ones, shape (n,).

    All of them while all fit. Else "paper": the start, the newest (what comes counts as the newest first),
    and of the others the most surprising. "reference", the authors' code: the (entropy - coming) highest
    anywhere, the start, then the newest but never position 0, until the cache and what comes fill the
    budget. Ties go to the earlier position. Raises InputError where more comes than `budget.longest`, or a
    score is NaN.
    """
    values = np.asarray(scores, np.float64)
    _check_numbers(values)
    if coming > budget.longest and len(values) + coming > budget.capacity:
        raise InputError(
            f"a turn of {coming} tokens doesn't fit a filter that holds {budget.longest} beside its start. "
            "Raise entropy or recent, or split long turns."
        )
    if len(values) + coming <= budget.capacity:
        return np.arange(len(values))
    return (_as_written if mode == "paper" else _as_coded)(values, coming, budget)


def _as_written(scores: Scores, coming: int, budget: Budget) -> Positions:
    recent = max(0, budget.recent - coming)
    entropy = budget.entropy - max(0, coming - budget.recent)
    newest = max(budget.start, len(scores) - recent)
    middle = budget.start + _highest(scores[budget.start : newest], entropy)
    return np.concatenate([np.arange(budget.start), middle, np.arange(newest, len(scores))])


def _as_coded(scores: Scores, coming: int, budget: Budget) -> Positions:
    target = budget.capacity - coming
    keep = np.zeros(len(scores), dtype=bool)
    keep[_highest(scores, max(0, budget.entropy - coming))] = True
    keep[: budget.start] = True
    others = np.flatnonzero(~keep[1:])[::-1] + 1
    keep[others[: max(0, target - int(keep.sum()))]] = True
    return np.flatnonzero(keep)


def _highest(scores: Scores, count: int) -> Positions:
    """Positions of the highest scores, ascending; ties go to the earlier position."""
    lower = len(scores) - count
    if lower <= 0 or count <= 0:
        return np.arange(len(scores) if lower <= 0 else 0)
    least = np.partition(scores, lower)[lower]
    chosen = scores > least
    ties = np.flatnonzero(scores == least)
    chosen[ties[: count - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen)


def _check_numbers(scores: Scores) -> None:
    if np.isnan(scores).any():
        raise InputError(
            "a surprisal is NaN, which is no number to compare. Half precision overflows: look at the logits."
        )


def pieces(turn: Turn, split_for: Budget | None) -> Iterator[Turn]:
    """A turn's tokens whole, or in pieces that the budget holds; of an empty turn the turn itself."""
    size = max(1, len(turn)) if split_for is None else split_for.longest
    return (turn[i : i + size] for i in range(0, max(1, len(turn)), size))


class Span(NamedTuple):
    """A run of tokens: characters `start` to `end` of the turn with this number (counted from 0)."""

    turn: int
    start: int
    end: int


class KeptToken(NamedTuple):
    """A token that the filter holds: its place in the stream, its turn, its characters, its score now."""

    position: int
    turn: int
    start: int
    end: int
    score: float


class EntropyFilter:
    """Streams turns of scored tokens through a budget; holds at most `budget.capacity` of them.

    Each turn: evict, multiply all that is left by the decay, then append the turn undecayed, as SirLLM does.
    It holds numbers only; whoever has the texts finds the words by `Span`. `split` feeds a turn that is too
    long in pieces (and decays once) instead of raising InputError.
    """

    def __init__(self, budget: Budget | None = None, *, mode: Mode = "paper", split: bool = False) -> None:
        if mode not in ("paper", "reference"):
            raise InputError("EntropyFilter: unknown mode; known are paper, reference.")
        self.budget, self.mode, self.split = budget or Budget(), mode, split
        self.turns = 0  # fed so far
        self.seen = 0  # tokens fed so far
        self._places = np.zeros((0, 4), dtype=np.int64)  # position, turn, start, end
        self._scores = np.zeros(0)

    def __len__(self) -> int:
        return len(self._scores)

    def feed(self, tokens: Sequence[Token]) -> list[Span]:
        """Take the next turn; gives the spans that were evicted for it, oldest first. Raises InputError."""
        rows = np.fromiter(chain.from_iterable(tokens), np.float64, 3 * len(tokens)).reshape(-1, 3)
        _check_numbers(rows)
        evicted: list[Span] = []
        decay = self.budget.decay
        for piece in pieces(rows, self.budget if self.split else None):
            evicted += self._evict(len(piece))
            self._scores *= decay
            self._append(piece)
            decay = 1.0
        self.turns += 1
        return evicted

    @property
    def positions(self) -> Positions:
        """The places in the stream of what the filter holds, counted from 0, ascending, shape (n,)."""
        return self._places[:, 0].copy()

    @property
    def tokens(self) -> list[KeptToken]:
        """The tokens that the filter holds, in the order of the stream."""
        rows = zip(self._places.tolist(), self._scores.tolist(), strict=True)
        return [KeptToken(position, turn, start, end, score) for (position, turn, start, end), score in rows]

    def spans(self) -> list[Span]:
        """The tokens that the filter holds, as runs of those that were fed one after another."""
        return _joined(self._places)

    def key_phrases(self, text_of: Callable[[int], str], *, most: int = 8) -> list[str]:
        """The runs that surprised most among what is kept, dearest first; `text_of(turn)` gives the texts."""
        best = {span: self._peak(span) for span in self.spans()}
        dearest = sorted(best, key=lambda span: (-best[span], span))[:most]
        return list(dict.fromkeys(text_of(span.turn)[span.start : span.end] for span in dearest))

    def to_bytes(self) -> bytes:
        """The whole state; it holds no text."""
        state = {
            "budget": asdict(self.budget), "mode": self.mode, "split": self.split, "turns": self.turns,
            "seen": self.seen, "places": self._places.tolist(), "scores": self._scores.tolist(),
        }  # fmt: skip
        return json.dumps(state, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "EntropyFilter":
        """The filter that `to_bytes` wrote. Raises CorruptError."""
        try:
            state = json.loads(data)
            restored = cls(Budget(**state["budget"]), mode=state["mode"], split=state["split"])
            restored.turns, restored.seen = int(state["turns"]), int(state["seen"])
            restored._places = np.array(state["places"], dtype=np.int64).reshape(-1, 4)
            restored._scores = np.array(state["scores"], dtype=np.float64).reshape(len(restored._places))
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptError("the state of an entropy filter is damaged.") from error
        return restored

    def _evict(self, coming: int) -> list[Span]:
        keep = kept_positions(self._scores, coming, self.budget, mode=self.mode)
        if len(keep) == len(self):
            return []
        evicted = _joined(np.delete(self._places, keep, axis=0))
        self._places, self._scores = self._places.take(keep, axis=0), self._scores.take(keep)
        return evicted

    def _append(self, rows: Scores) -> None:
        """Rows of start, end and surprisal, shape (n, 3)."""
        positions = np.arange(self.seen, self.seen + len(rows))
        places = np.column_stack((positions, np.full(len(rows), self.turns), rows[:, :2].astype(np.int64)))
        self._places = np.concatenate((self._places, places))
        self._scores = np.concatenate((self._scores, rows[:, 2]))
        self.seen += len(rows)

    def _peak(self, span: Span) -> float:
        _, turns, starts, ends = self._places.T
        inside = (turns == span.turn) & (starts >= span.start) & (ends <= span.end)
        return float(self._scores[inside].max())


def _joined(places: Positions) -> list[Span]:
    """Runs of neighbouring positions within a turn."""
    runs: list[list[int]] = []
    after = (-1, -1)
    for position, turn, start, end in places.tolist():
        if (position, turn) == after:
            runs[-1][2] = end
        else:
            runs.append([turn, start, end])
        after = (position + 1, turn)
    return [Span(*run) for run in runs]
