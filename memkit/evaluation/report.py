"""From what a run found out to figures: as values for programs, tables are made from them elsewhere."""

from collections.abc import Callable, Sequence
from statistics import mean, quantiles
from typing import Any

from memkit.evaluation.cases import Conversation
from memkit.evaluation.metrics import METRICS, Ranks, fraction, interval
from memkit.evaluation.running import BUDGET, USUAL, Asked, Options, Outcome
from memkit.models import Record

KS = (5, 10, 25, 50)
AT = 10  # where intervals, categories and differences are given
CURVE = 50  # recall against k is kept up to here

Value = Callable[[Asked], float]


class System(Record):
    """One system's figures: metric -> mean at each of `ks`; by category and conversation: fraction at 10."""

    metrics: dict[str, list[float]]
    interval: tuple[float, float] | None
    lead: tuple[float, float, float] | None  # memkit's fraction at 10 less this one's, and its interval
    categories: dict[str, list[float]]  # fraction at each of `ks`
    conversations: dict[str, float]
    wordings: list[float]
    curve: list[float]  # fraction at 1, 2, ... 50


class Floor(Record):
    """What the default floor does: results given to questions that nothing answers, evidence that it costs."""

    unrelated_questions: int
    unrelated_results: float  # on average
    unrelated_answered: float  # share of the questions with any result
    other_questions: int
    other_results: float
    unknown_questions: int
    unknown_answered: int
    recall_without: float
    recall_with: float


class Speed(Record):
    """Milliseconds of a recall of ten, without the question's encoding."""

    p50: float
    p95: float


class Report(Record):
    """The figures of a run over conversations of one format."""

    format: str
    unit: str
    encoder: str
    conversations: int
    turns: int
    questions: int
    counts: dict[str, int]  # questions by category
    thoughts: bool
    ks: tuple[int, ...]
    systems: dict[str, System]
    floor: Floor
    speed: Speed
    prompt_tokens: float  # in a prompt of ten results, an upper bound
    prompt_budget: int

    def dump(self) -> dict[str, Any]:
        """Plain values, rounded to what they can mean."""
        return dict(_rounded(self.model_dump(mode="json")))


def report(
    kind: str, conversations: Sequence[Conversation], outcome: Outcome, encoder: str, options: Options
) -> Report:
    """The figures of a run."""
    first = [asked for asked in outcome.asked if asked.wording == 0]
    categories = sorted({asked.category for asked in first})
    return Report(
        format=kind,
        unit=conversations[0].unit,
        encoder=encoder,
        conversations=len(conversations),
        turns=outcome.turns,
        questions=len(first),
        counts={name: sum(asked.category == name for asked in first) for name in categories},
        thoughts=options.think,
        ks=KS,
        systems={name: _system(name, first, outcome.asked) for name in (first[0].ranks if first else ())},
        floor=_floor(first, outcome),
        speed=_speed([asked.milliseconds for asked in first]),
        prompt_tokens=_mean(asked.tokens for asked in first),
        prompt_budget=BUDGET,
    )


def _system(name: str, first: Sequence[Asked], every: Sequence[Asked]) -> System:
    def at_ten(asked: Asked) -> float:
        return fraction(asked.ranks[name], AT)

    ranks = [asked.ranks[name] for asked in first]
    return System(
        metrics={metric: [_mean(f(r, k) for r in ranks) for k in KS] for metric, f in METRICS.items()},
        interval=interval(_grouped(first, at_ten)),
        lead=None if name == "memkit" else _lead(first, name),
        categories={
            c: _fractions([a.ranks[name] for a in first if a.category == c]) for c in _names(first, "category")
        },
        conversations={
            c: _mean(at_ten(a) for a in first if a.conversation == c) for c in _names(first, "conversation")
        },
        wordings=[_mean(at_ten(a) for a in every if a.wording == w) for w in sorted({a.wording for a in every})],
        curve=[_mean(fraction(r, k) for r in ranks) for k in range(1, CURVE + 1)],
    )


def _fractions(ranks: Sequence[Ranks]) -> list[float]:
    return [_mean(fraction(r, k) for r in ranks) for k in KS]


def _names(asked: Sequence[Asked], field: str) -> list[str]:
    return sorted({getattr(a, field) for a in asked})


def _lead(first: Sequence[Asked], name: str) -> tuple[float, float, float] | None:
    def ahead(asked: Asked) -> float:
        return fraction(asked.ranks["memkit"], AT) - fraction(asked.ranks[name], AT)

    bounds = interval(_grouped(first, ahead))
    return None if bounds is None else (_mean(map(ahead, first)), *bounds)


def _grouped(first: Sequence[Asked], value: Value) -> list[list[float]]:
    return [[value(a) for a in first if a.conversation == name] for name in _names(first, "conversation")]


def _floor(first: Sequence[Asked], outcome: Outcome) -> Floor:
    return Floor(
        unrelated_questions=len(outcome.unrelated),
        unrelated_results=_mean(outcome.unrelated),
        unrelated_answered=_mean(count > 0 for count in outcome.unrelated),
        other_questions=len(outcome.others),
        other_results=_mean(outcome.others),
        unknown_questions=len(outcome.unknown),
        unknown_answered=sum(count > 0 for count in outcome.unknown),
        recall_without=_mean(fraction(a.unfloored, USUAL) for a in first),
        recall_with=_mean(fraction(a.floored, USUAL) for a in first),
    )


def _speed(times: Sequence[float]) -> Speed:
    if len(times) < 2:
        return Speed(p50=_mean(times), p95=_mean(times))
    cuts = quantiles(times, n=20, method="inclusive")
    return Speed(p50=cuts[9], p95=cuts[18])


def _mean(values: Any) -> float:
    listed = [float(value) for value in values]
    return mean(listed) if listed else 0.0


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value
