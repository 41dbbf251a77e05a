"""Means over questions, and their grouping by conversation."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from memkit.evaluation.metrics import Ranks, bootstrap_interval, fraction
from memkit.evaluation.recall.run import AskedQuestion

MAIN_CUTOFF = 10  # of intervals, categories and differences

Value = Callable[[AskedQuestion], float]


def as_written(asked: Sequence[AskedQuestion]) -> list[AskedQuestion]:
    """The questions in their first wording."""
    return [question for question in asked if question.wording == 0]


def ranks_under(asked: AskedQuestion, variant: str | None) -> Ranks:
    """The evidence's ranks under a variant; None for the defaults."""
    return asked.ranks["memkit"] if variant is None else asked.varied[variant]


def distinct(asked: Sequence[AskedQuestion], field: str) -> list[str]:
    """Distinct values of a field, in order."""
    return sorted({getattr(a, field) for a in asked})


def grouped(asked: Sequence[AskedQuestion], value: Value) -> list[list[float]]:
    """A value of each question, by conversation."""
    return [[value(a) for a in asked if a.conversation == name] for name in distinct(asked, "conversation")]


def difference(asked: Sequence[AskedQuestion], value: Value) -> tuple[float, float, float] | None:
    """The mean of a value and its interval; None where there are too few conversations."""
    bounds = bootstrap_interval(grouped(asked, value))
    return None if bounds is None else (mean(map(value, asked)), *bounds)


def fraction_at_ten(asked: Iterable[AskedQuestion], variant: str | None) -> float:
    """The mean fraction at 10."""
    return mean(fraction(ranks_under(a, variant), MAIN_CUTOFF) for a in asked)


def mean(values: Iterable[float]) -> float:
    """The mean; 0 of nothing."""
    listed = [float(value) for value in values]
    return fmean(listed) if listed else 0.0


def rounded(value: object) -> object:
    """Plain values with the decimals that they can mean."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value
