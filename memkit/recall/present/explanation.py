"""Explanations: at which step of a recall a memory fell out, and what would have brought it in."""

from collections.abc import Iterator
from typing import Literal

from memkit.models import FrozenModel

ExplainStep = Literal[
    "found",  # is among the results
    "attached",  # a thought, shown with the turn that it rests on
    "unknown",  # no memory has the id
    "hidden",  # forgotten, archived, merged, or recorded later than `as_of`
    "kind",
    "filters",
    "echo",  # says again what another memory said first, which stands for it
    "request",  # only asks to have something forgotten
    "time",  # the question is about a time alone, and it wasn't said in it
    "candidates",  # neither words nor meaning led to it, in a bank too large to score everything
    "unanswerable",  # the bank was judged unable to answer the question
    "floor",  # not relevant enough
    "rank",  # others were better
]
MAX_LACKS = 2  # parts that are named in the remedy
LEAST_LACK = 0.05  # of a part, to be named


class Explanation(FrozenModel):
    """Why a memory is among the results of a recall, or isn't: the step that decided, in words, and what helps.

    `rank` is its place among all that could be results, from 1; `score` its relevance, 0..1; `parts` the summands of
    its rank, `last_parts` those of the last result (`last_id`), with which it would have had to compete.
    """

    id: str
    step: ExplainStep
    reason: str
    remedy: str = ""
    rank: int | None = None
    score: float | None = None
    parts: dict[str, float] = {}
    last_id: str | None = None
    last_parts: dict[str, float] = {}

    @property
    def lacks(self) -> list[tuple[str, float, float]]:
        """Parts in which it stands behind the last result, the most first: name, its own value, the other's."""
        names = [name for name in self.last_parts if name != "cosine"]
        pairs = [(name, self.parts.get(name, 0.0), self.last_parts[name]) for name in names]
        behind = [pair for pair in pairs if pair[2] - pair[1] >= LEAST_LACK]
        return sorted(behind, key=lambda pair: pair[1] - pair[2])[:MAX_LACKS]

    def __str__(self) -> str:
        lines = [f"{self.id}: {self.step}. {self.reason}", *([self.remedy] if self.remedy else []), *self._table()]
        return "\n".join(lines)

    def _table(self) -> Iterator[str]:
        if self.parts:
            yield f"{'part':<12}{'this':>8}{'last result':>14}" if self.last_parts else f"{'part':<12}{'this':>8}"
        for name in dict.fromkeys([*self.parts, *self.last_parts] if self.parts else []):
            last = f"{self.last_parts.get(name, 0.0):>14.2f}" if self.last_parts else ""
            yield f"{name:<12}{self.parts.get(name, 0.0):>8.2f}{last}"
