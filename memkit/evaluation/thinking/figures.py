"""Figures over judged cases: counts, precision and recall, by kind of case."""

from collections.abc import Sequence
from dataclasses import dataclass

from memkit.evaluation.thinking.judging import JudgedCase


@dataclass(frozen=True)
class ThinkingFigures:
    """Counts of thoughts, and the shares that they make."""

    cases: int
    expected: int
    formed: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.formed if self.formed else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0

    def dump(self) -> dict[str, float]:
        counts = {name: getattr(self, name) for name in ("cases", "expected", "formed", "right")}
        return {**counts, "precision": round(self.precision, 4), "recall": round(self.recall, 4)}


def figures(judged: Sequence[JudgedCase]) -> ThinkingFigures:
    """The counts over cases."""
    right = sum(len(judgement.right) for judgement in judged)
    formed = right + sum(len(judgement.wrong) for judgement in judged)
    return ThinkingFigures(len(judged), sum(len(judgement.case.expect) for judgement in judged), formed, right)


def figures_by_kind(judged: Sequence[JudgedCase]) -> dict[str, ThinkingFigures]:
    """The counts by the kind of the cases."""
    kinds = dict.fromkeys(judgement.case.kind for judgement in judged)
    return {kind: figures([judgement for judgement in judged if judgement.case.kind == kind]) for kind in kinds}
