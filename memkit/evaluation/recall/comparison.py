"""Means over questions, and settings compared by them: parts of recall switched off, each conversation left out.

Leaving out asks whether the defaults were fitted to single conversations: settings are chosen without one, and
tried on that one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from memkit.evaluation.metrics import MeasuredFigures, Ranks, bootstrap_interval, fraction, mean
from memkit.evaluation.recall.run import AskedQuestion
from memkit.evaluation.recall.variants import Variant
from memkit.models import FrozenModel

MAIN_CUTOFF = 10  # of intervals, categories and differences
ABLATION_CUTOFFS = (5, 10, 25)
DEFAULTS_NAME = "defaults"

Value = Callable[[AskedQuestion], float]
Parts = Mapping[tuple[str, str], Sequence[AskedQuestion]]  # (format, conversation) -> its questions as written


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


def mean_fraction(asked: Iterable[AskedQuestion], variant: str | None, k: int = MAIN_CUTOFF) -> float:
    """The mean fraction at k under a variant; None for the defaults."""
    return mean(fraction(ranks_under(a, variant), k) for a in asked)


class AblatedVariant(FrozenModel):
    """One variant's fraction at each of ABLATION_CUTOFFS, and by how much that at 10 differs from the defaults'."""

    name: str
    fractions: list[float]
    difference: float
    interval: tuple[float, float] | None


class Ablation(FrozenModel):
    """The defaults, then every variant."""

    ks: tuple[int, ...]
    defaults: list[float]
    variants: list[AblatedVariant]


def ablation(asked: Sequence[AskedQuestion], variants: Sequence[Variant]) -> Ablation:
    """The table, from questions as written."""
    return Ablation(
        ks=ABLATION_CUTOFFS,
        defaults=_fractions(asked, None),
        variants=[_ablated(asked, variant.name) for variant in variants],
    )


def _ablated(asked: Sequence[AskedQuestion], name: str) -> AblatedVariant:
    def gained(question: AskedQuestion) -> float:
        return fraction(ranks_under(question, name), MAIN_CUTOFF) - fraction(ranks_under(question, None), MAIN_CUTOFF)

    return AblatedVariant(
        name=name,
        fractions=_fractions(asked, name),
        difference=mean(map(gained, asked)),
        interval=bootstrap_interval(grouped(asked, gained)),
    )


def _fractions(asked: Sequence[AskedQuestion], variant: str | None) -> list[float]:
    return [mean_fraction(asked, variant, k) for k in ABLATION_CUTOFFS]


class LeftOutConversation(FrozenModel):
    """One conversation: its fraction at 10 under the defaults, and under what was chosen on all the others."""

    format: str
    conversation: str
    questions: int
    defaults: float
    chosen: float
    candidate: str


class LeaveOneOut(MeasuredFigures):
    """Every conversation left out once; the means are over conversations."""

    candidates: int
    conversations: list[LeftOutConversation]
    defaults: float
    chosen: float


def leave_one_out(asked: Mapping[str, Sequence[AskedQuestion]], candidates: Sequence[Variant]) -> LeaveOneOut:
    """The table over the questions of all formats. Each needs to have been asked under every candidate."""
    parts = {
        (kind, name): [question for question in questions if question.conversation == name]
        for kind, questions in asked.items()
        for name in dict.fromkeys(question.conversation for question in questions)
    }
    names = [None, *(variant.name for variant in candidates)]
    rows = [_left_out(parts, left, names) for left in parts]
    return LeaveOneOut(
        candidates=len(names),
        conversations=rows,
        defaults=mean(row.defaults for row in rows),
        chosen=mean(row.chosen for row in rows),
    )


def _left_out(parts: Parts, left: tuple[str, str], names: Sequence[str | None]) -> LeftOutConversation:
    chosen = best_candidate({key: asked for key, asked in parts.items() if key != left}, names)
    return LeftOutConversation(
        format=left[0],
        conversation=left[1],
        questions=len(parts[left]),
        defaults=mean_fraction(parts[left], None),
        chosen=mean_fraction(parts[left], chosen),
        candidate=chosen or DEFAULTS_NAME,
    )


def best_candidate(parts: Parts, names: Sequence[str | None]) -> str | None:
    """The best candidate: questions count alike within a format, formats alike. Of equal ones the first."""
    kinds = dict.fromkeys(kind for kind, _ in parts)
    formats = [[q for (kind, _), own in parts.items() if kind == each for q in own] for each in kinds]
    return max(names, key=lambda name: mean(mean_fraction(asked, name) for asked in formats))
