"""Means over questions, and their grouping by conversation."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from memkit.evaluation.metrics import Ranks, fraction, interval
from memkit.evaluation.recall.run import Asked

AT = 10  # where intervals, categories and differences are given

Value = Callable[[Asked], float]


def as_written(asked: Sequence[Asked]) -> list[Asked]:
    """The questions in their first wording."""
    return [one for one in asked if one.wording == 0]


def ranks_under(asked: Asked, variant: str | None) -> Ranks:
    """The evidence's ranks under a variant; None for the defaults."""
    return asked.ranks["memkit"] if variant is None else asked.varied[variant]


def names(asked: Sequence[Asked], field: str) -> list[str]:
    """The values of a field, in order."""
    return sorted({getattr(a, field) for a in asked})


def grouped(asked: Sequence[Asked], value: Value) -> list[list[float]]:
    """A value of each question, by conversation."""
    return [[value(a) for a in asked if a.conversation == name] for name in names(asked, "conversation")]


def difference(asked: Sequence[Asked], value: Value) -> tuple[float, float, float] | None:
    """The mean of a value and its interval; None where there are too few conversations."""
    bounds = interval(grouped(asked, value))
    return None if bounds is None else (mean_of(map(value, asked)), *bounds)


def fraction_at_ten(asked: Iterable[Asked], variant: str | None) -> float:
    """The mean fraction at 10."""
    return mean_of(fraction(ranks_under(a, variant), AT) for a in asked)


def mean_of(values: Iterable[float]) -> float:
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
