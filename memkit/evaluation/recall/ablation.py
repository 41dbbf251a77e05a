"""Ablation: the same questions, asked with a part of recall switched off."""

from collections.abc import Sequence

from memkit.evaluation.metrics import bootstrap_interval, fraction
from memkit.evaluation.recall.aggregation import MAIN_CUTOFF, grouped, mean, ranks_under
from memkit.evaluation.recall.run import AskedQuestion
from memkit.evaluation.recall.variants import Variant
from memkit.models import FrozenModel

ABLATION_CUTOFFS = (5, 10, 25)


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
        ks=ABLATION_CUTOFFS, defaults=_fractions(asked, None), variants=[_ablated(asked, v.name) for v in variants]
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
    return [mean(fraction(ranks_under(question, variant), k) for question in asked) for k in ABLATION_CUTOFFS]
