"""Figures of a run, as values for programs; the command line makes tables of them."""

from collections.abc import Sequence
from statistics import quantiles

from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.metrics import METRIC_FUNCTIONS, MeasuredFigures, Ranks, bootstrap_interval, fraction, mean
from memkit.evaluation.recall.comparison import (
    MAIN_CUTOFF,
    Ablation,
    ablation,
    as_written,
    difference,
    distinct,
    grouped,
)
from memkit.evaluation.recall.run import PROMPT_BUDGET, USUAL_RESULTS, AskedQuestion, RunOptions, RunOutcome
from memkit.models import FrozenModel

RANK_CUTOFFS = (1, 5, 10, 25, 50)
ADVERSARIAL_CATEGORY = "adversarial"  # LoCoMo's fifth category, which others leave out
WITHOUT_ADVERSARIAL = f"all but {ADVERSARIAL_CATEGORY}"
CURVE_LENGTH = 50  # recall against k is recorded up to here


class SystemFigures(FrozenModel):
    """One system's figures: metric -> mean at each of `ks`; by category and conversation: fraction at 10.

    `sessions`: the fraction of the evidence's sessions at each of `ks`, as far as the ranked turns lead to them; None
    where sessions are scored anyway.
    """

    metrics: dict[str, list[float]]
    interval: tuple[float, float] | None
    lead: tuple[float, float, float] | None  # memkit's fraction at 10 less this one's, and its interval
    categories: dict[str, list[float]]  # fraction at each of `ks`
    sessions: list[float] | None = None
    conversations: dict[str, float]
    wordings: list[float]
    curve: list[float]  # fraction at 1, 2, ... 50


class FloorFigures(FrozenModel):
    """Effect of the default floor: results given to questions that nothing answers, evidence that it costs."""

    unrelated_questions: int
    unrelated_results: float  # on average
    unrelated_answered: float  # share of the questions with any result
    other_questions: int
    other_results: float
    unknown_questions: int
    unknown_answered: int
    recall_without: float
    recall_with: float


class RecallTimes(FrozenModel):
    """Milliseconds of a recall of ten, without the question's encoding."""

    p50: float
    p95: float


class SketchFigures(FrozenModel):
    """Agreement of search by sketches with exact search; None where nothing was measured."""

    sketch_recall: float | None  # share of exact search's ten best vectors found, mean over conversations
    same_top: float | None  # share of the questions with the same ten results


class RecallReport(MeasuredFigures):
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
    systems: dict[str, SystemFigures]
    floor: FloorFigures
    speed: RecallTimes
    prompt_tokens: float  # in a prompt of ten results, an upper bound
    prompt_budget: int
    sketches: SketchFigures
    ablation: Ablation | None


def report(
    kind: str, conversations: Sequence[Conversation], outcome: RunOutcome, encoder: str, options: RunOptions
) -> RecallReport:
    """The figures of a run."""
    first = as_written(outcome.asked)
    return RecallReport(
        format=kind,
        unit=conversations[0].unit,
        encoder=encoder,
        conversations=len(conversations),
        turns=outcome.turns,
        questions=len(first),
        counts={name: len(asked) for name, asked in _by_category(first).items()},
        thoughts=options.think,
        ks=RANK_CUTOFFS,
        systems={name: _system(name, first, outcome.asked) for name in (first[0].ranks if first else ())},
        floor=_floor(first, outcome),
        speed=_speed([asked.milliseconds for asked in first]),
        prompt_tokens=mean(asked.tokens for asked in first),
        prompt_budget=PROMPT_BUDGET,
        sketches=_sketches(first, outcome),
        ablation=ablation(first, options.ablated) if options.ablated else None,
    )


def _system(name: str, first: Sequence[AskedQuestion], every: Sequence[AskedQuestion]) -> SystemFigures:
    def at_ten(asked: AskedQuestion) -> float:
        return fraction(asked.ranks[name], MAIN_CUTOFF)

    def ahead(asked: AskedQuestion) -> float:
        return fraction(asked.ranks["memkit"], MAIN_CUTOFF) - at_ten(asked)

    ranks = [asked.ranks[name] for asked in first]
    by_session = [asked.session_ranks[name] for asked in first if asked.session_ranks]
    return SystemFigures(
        metrics={
            metric: [mean(f(r, k) for r in ranks) for k in RANK_CUTOFFS] for metric, f in METRIC_FUNCTIONS.items()
        },
        interval=bootstrap_interval(grouped(first, at_ten)),
        lead=None if name == "memkit" else difference(first, ahead),
        categories={c: _fractions([a.ranks[name] for a in asked]) for c, asked in _by_category(first).items()},
        sessions=_fractions(by_session) if by_session else None,
        conversations={
            c: mean(at_ten(a) for a in first if a.conversation == c) for c in distinct(first, "conversation")
        },
        wordings=[mean(at_ten(a) for a in every if a.wording == w) for w in sorted({a.wording for a in every})],
        curve=[mean(fraction(r, k) for r in ranks) for k in range(1, CURVE_LENGTH + 1)],
    )


def _fractions(ranks: Sequence[Ranks]) -> list[float]:
    return [mean(fraction(each, k) for each in ranks) for k in RANK_CUTOFFS]


def _by_category(first: Sequence[AskedQuestion]) -> dict[str, list[AskedQuestion]]:
    """Questions by category, and those of all but the adversarial one where it is there."""
    groups = {name: [a for a in first if a.category == name] for name in distinct(first, "category")}
    if ADVERSARIAL_CATEGORY in groups:
        groups[WITHOUT_ADVERSARIAL] = [a for a in first if a.category != ADVERSARIAL_CATEGORY]
    return groups


def _sketches(first: Sequence[AskedQuestion], outcome: RunOutcome) -> SketchFigures:
    same = [float(asked.same_top) for asked in first if asked.same_top is not None]
    measured = outcome.sketch_recall
    return SketchFigures(sketch_recall=mean(measured) if measured else None, same_top=mean(same) if same else None)


def _floor(first: Sequence[AskedQuestion], outcome: RunOutcome) -> FloorFigures:
    return FloorFigures(
        unrelated_questions=len(outcome.unrelated),
        unrelated_results=mean(outcome.unrelated),
        unrelated_answered=mean(count > 0 for count in outcome.unrelated),
        other_questions=len(outcome.others),
        other_results=mean(outcome.others),
        unknown_questions=len(outcome.unknown),
        unknown_answered=sum(count > 0 for count in outcome.unknown),
        recall_without=mean(fraction(a.unfloored, USUAL_RESULTS) for a in first),
        recall_with=mean(fraction(a.floored, USUAL_RESULTS) for a in first),
    )


def _speed(times: Sequence[float]) -> RecallTimes:
    if len(times) < 2:
        return RecallTimes(p50=mean(times), p95=mean(times))
    cuts = quantiles(times, n=20, method="inclusive")
    return RecallTimes(p50=cuts[9], p95=cuts[18])
