"""What each part of recall is worth: the same questions with that part switched off."""

from collections.abc import Sequence

from memkit.evaluation.metrics import fraction, interval
from memkit.evaluation.recall.figures import AT, grouped, mean_of, ranks_under
from memkit.evaluation.recall.run import Asked
from memkit.evaluation.recall.variants import Variant
from memkit.models import FrozenModel

AT_EACH = (5, 10, 25)


class Ablated(FrozenModel):
    """One variant's fraction at each of AT_EACH, and by how much that at 10 differs from the defaults'."""

    name: str
    fractions: list[float]
    difference: float
    interval: tuple[float, float] | None


class Ablation(FrozenModel):
    """The defaults, then every variant."""

    ks: tuple[int, ...]
    defaults: list[float]
    variants: list[Ablated]


def ablation(asked: Sequence[Asked], variants: Sequence[Variant]) -> Ablation:
    """The table, from questions as written."""
    return Ablation(ks=AT_EACH, defaults=_fractions(asked, None), variants=[_ablated(asked, v.name) for v in variants])


def _ablated(asked: Sequence[Asked], name: str) -> Ablated:
    def gained(one: Asked) -> float:
        return fraction(ranks_under(one, name), AT) - fraction(ranks_under(one, None), AT)

    return Ablated(
        name=name,
        fractions=_fractions(asked, name),
        difference=mean_of(map(gained, asked)),
        interval=interval(grouped(asked, gained)),
    )


def _fractions(asked: Sequence[Asked], variant: str | None) -> list[float]:
    return [mean_of(fraction(ranks_under(one, variant), k) for one in asked) for k in AT_EACH]
