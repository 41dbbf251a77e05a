"""From what a run found out to figures: as values for programs, tables are made from them elsewhere."""

from collections.abc import Sequence
from statistics import quantiles
from typing import Any

from memkit.evaluation.formats.cases import Conversation
from memkit.evaluation.metrics import METRICS, Ranks, fraction, interval
from memkit.evaluation.recall.ablation import Ablation, ablation
from memkit.evaluation.recall.figures import AT, as_written, difference, grouped, mean_of, names, rounded
from memkit.evaluation.recall.run import BUDGET, USUAL, Asked, Options, Outcome
from memkit.models import FrozenModel

KS = (5, 10, 25, 50)
CURVE = 50  # recall against k is kept up to here


class System(FrozenModel):
    """One system's figures: metric -> mean at each of `ks`; by category and conversation: fraction at 10."""

    metrics: dict[str, list[float]]
    interval: tuple[float, float] | None
    lead: tuple[float, float, float] | None  # memkit's fraction at 10 less this one's, and its interval
    categories: dict[str, list[float]]  # fraction at each of `ks`
    conversations: dict[str, float]
    wordings: list[float]
    curve: list[float]  # fraction at 1, 2, ... 50


class Floor(FrozenModel):
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


class Speed(FrozenModel):
    """Milliseconds of a recall of ten, without the question's encoding."""

    p50: float
    p95: float


class Sketches(FrozenModel):
    """How near search by sketches comes to exact search; None where nothing was measured."""

    sketch_recall: float | None  # share of exact search's ten best vectors found, mean over conversations
    same_top: float | None  # share of the questions with the same ten results


class Report(FrozenModel):
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
    sketches: Sketches
    ablation: Ablation | None

    def dump(self) -> dict[str, Any]:
        """Plain values, rounded to what they can mean."""
        return {key: rounded(value) for key, value in self.model_dump(mode="json").items()}


def report(
    kind: str, conversations: Sequence[Conversation], outcome: Outcome, encoder: str, options: Options
) -> Report:
    """The figures of a run."""
    first = as_written(outcome.asked)
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
        prompt_tokens=mean_of(asked.tokens for asked in first),
        prompt_budget=BUDGET,
        sketches=_sketches(first, outcome),
        ablation=ablation(first, options.ablated) if options.ablated else None,
    )


def _system(name: str, first: Sequence[Asked], every: Sequence[Asked]) -> System:
    def at_ten(asked: Asked) -> float:
        return fraction(asked.ranks[name], AT)

    ranks = [asked.ranks[name] for asked in first]
    return System(
        metrics={metric: [mean_of(f(r, k) for r in ranks) for k in KS] for metric, f in METRICS.items()},
        interval=interval(grouped(first, at_ten)),
        lead=None if name == "memkit" else _lead(first, name),
        categories={c: _fractions([a.ranks[name] for a in first if a.category == c]) for c in names(first, "category")},
        conversations={
            c: mean_of(at_ten(a) for a in first if a.conversation == c) for c in names(first, "conversation")
        },
        wordings=[mean_of(at_ten(a) for a in every if a.wording == w) for w in sorted({a.wording for a in every})],
        curve=[mean_of(fraction(r, k) for r in ranks) for k in range(1, CURVE + 1)],
    )


def _fractions(ranks: Sequence[Ranks]) -> list[float]:
    return [mean_of(fraction(r, k) for r in ranks) for k in KS]


def _lead(first: Sequence[Asked], name: str) -> tuple[float, float, float] | None:
    def ahead(asked: Asked) -> float:
        return fraction(asked.ranks["memkit"], AT) - fraction(asked.ranks[name], AT)

    return difference(first, ahead)


def _sketches(first: Sequence[Asked], outcome: Outcome) -> Sketches:
    same = [float(asked.same_top) for asked in first if asked.same_top is not None]
    measured = outcome.sketch_recall
    return Sketches(sketch_recall=mean_of(measured) if measured else None, same_top=mean_of(same) if same else None)


def _floor(first: Sequence[Asked], outcome: Outcome) -> Floor:
    return Floor(
        unrelated_questions=len(outcome.unrelated),
        unrelated_results=mean_of(outcome.unrelated),
        unrelated_answered=mean_of(count > 0 for count in outcome.unrelated),
        other_questions=len(outcome.others),
        other_results=mean_of(outcome.others),
        unknown_questions=len(outcome.unknown),
        unknown_answered=sum(count > 0 for count in outcome.unknown),
        recall_without=mean_of(fraction(a.unfloored, USUAL) for a in first),
        recall_with=mean_of(fraction(a.floored, USUAL) for a in first),
    )


def _speed(times: Sequence[float]) -> Speed:
    if len(times) < 2:
        return Speed(p50=mean_of(times), p95=mean_of(times))
    cuts = quantiles(times, n=20, method="inclusive")
    return Speed(p50=cuts[9], p95=cuts[18])
