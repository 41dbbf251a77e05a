"""A thousand days of remembering, simulated: what a forgetting curve keeps, by how often it is asked for and by age.

Memories come evenly over the days. How often each is asked for follows Zipf's law: the one of rank r every r days, on
average, at random moments (a Poisson process). Being asked for recalls a memory that is still there, and finds nothing
of one that was let go. The curve itself is memkit's own (`memkit.text.curve`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.models import FrozenModel
from memkit.settings import DecaySettings
from memkit.text.curve import LEGACY_CURVE, PAPER_CURVE, Curve

YEAR = 365.0
RATES = (52.0, 12.0, 4.0, 1.0, 0.0)  # times a year: the lower edges of the groups, the most asked for first
BANDS = 10  # groups by age

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Rule(NamedTuple):
    """A curve, and when a memory is let go: below `threshold`, but not within `guard` days of its last use."""

    curve: Curve
    threshold: float
    guard: float

    def until(self, used: float, strength: float) -> float:
        """The day on which a memory that was last used then is let go."""
        return used + max(self.curve.lasts(self.threshold, strength), self.guard)


def rules(settings: DecaySettings) -> dict[str, Rule]:
    """memkit's own curve, the paper's (S + 1 at each recall) and that of its published code, by name.

    The two that were published come as they are, and slowed down so that what nobody asks for lasts as long as by
    the settings.
    """
    own = Rule(Curve.of(settings), settings.threshold, settings.archive_after)
    made = {"default": own}
    for name, curve in (("paper", PAPER_CURVE), ("legacy", LEGACY_CURVE)):
        made[name] = Rule(curve, settings.threshold, 0)
        made[f"{name}, slow"] = Rule(replace(curve, days=settings.days), settings.threshold, 0)
    return made


@dataclass(frozen=True)
class Lives:
    """What is to be remembered: for each memory the day it came, how often a year it is asked for, and on which days.

    born, rates: (n,); asked: n arrays of days, rising.
    """

    days: int
    born: Floats
    rates: Floats
    asked: Sequence[Floats]

    @property
    def ages(self) -> Floats:
        """Days, (n,)."""
        return self.days - self.born


def live(*, days: int, per_day: int, people: int, seed: int) -> Lives:
    """So many people's memories, each with ranks of their own."""
    chance = np.random.default_rng(seed)
    count = days * per_day
    born = np.tile(np.arange(count) / per_day, people)
    ranks = np.concatenate([chance.permutation(count) + 1 for _ in range(people)])
    times = chance.poisson((days - born) / ranks)
    asked = [np.sort(chance.uniform(start, days, n)) for start, n in zip(born, times, strict=True)]
    return Lives(days, born, YEAR / ranks, asked)


def remembered(lives: Lives, rule: Rule) -> npt.NDArray[np.bool_]:
    """Which memories are still there on the last day, (n,)."""
    lasting = (_until(born, asked, rule) for born, asked in zip(lives.born, lives.asked, strict=True))
    return np.fromiter(lasting, np.float64, len(lives.born)) > lives.days


def _until(born: float, asked: Floats, rule: Rule) -> float:
    """The day on which a memory is let go, as its recalls up to then have it."""
    strength, used, recalled = 1.0, born, False
    until = rule.until(used, strength)
    for day in asked.tolist():
        if day >= until:
            return until
        strength += rule.curve.growth(strength, day - used if recalled else None)
        used, recalled = day, True
        until = rule.until(used, strength)
    return until


class Kept(FrozenModel):
    """What one curve keeps: the share remembered by rate (rows, as in RATES) and age (columns); None: no such memory.

    `by_rate` and `by_age` are the shares over all ages, and over all rates.
    """

    curve: str
    shares: list[list[float | None]]
    by_rate: list[float | None]
    by_age: list[float | None]
    share: float


class Simulation(FrozenModel):
    """What was simulated, and what each curve kept. Ages are in days, the upper edges of their groups."""

    days: int
    memories: int
    recalls: int
    seed: int
    rates: list[float]
    ages: list[float]
    counts: list[list[int]]
    curves: list[Kept]


def simulate(
    settings: DecaySettings, *, days: int = 1000, per_day: int = 2, people: int = 50, seed: int = 1, bands: int = BANDS
) -> Simulation:
    """What the curves keep of the same memories, asked for on the same days."""
    lives = live(days=days, per_day=per_day, people=people, seed=seed)
    edges = [days * (band + 1) / bands for band in range(bands)]
    cells = _cells(lives, edges)
    return Simulation(
        days=days,
        memories=len(lives.born),
        recalls=sum(map(len, lives.asked)),
        seed=seed,
        rates=list(RATES),
        ages=edges,
        counts=_counted(cells, np.ones(len(lives.born)), bands).astype(int).tolist(),
        curves=list(_kept(lives, rules(settings), cells, bands)),
    )


def _cells(lives: Lives, edges: Sequence[float]) -> tuple[Ints, Ints]:
    """Row and column of each memory."""
    rows = np.array([next(i for i, least in enumerate(RATES) if rate >= least) for rate in lives.rates.tolist()])
    return rows, np.searchsorted(edges, lives.ages)


def _counted(cells: tuple[Ints, Ints], weights: Floats, bands: int) -> Floats:
    made = np.zeros((len(RATES), bands))
    np.add.at(made, cells, weights)
    return made


def _kept(lives: Lives, rules: Mapping[str, Rule], cells: tuple[Ints, Ints], bands: int) -> Iterator[Kept]:
    total = _counted(cells, np.ones(len(lives.born)), bands)
    for name, rule in rules.items():
        there = _counted(cells, remembered(lives, rule).astype(np.float64), bands)
        yield Kept(
            curve=name,
            shares=[_shares(*pair) for pair in zip(there, total, strict=True)],
            by_rate=_shares(there.sum(axis=1), total.sum(axis=1)),
            by_age=_shares(there.sum(axis=0), total.sum(axis=0)),
            share=float(there.sum() / total.sum()),
        )


def _shares(there: Floats, total: Floats) -> list[float | None]:
    return [part / whole if whole else None for part, whole in zip(there.tolist(), total.tolist(), strict=True)]


def often(rate: float) -> str:
    """A group of RATES in words, by its lower edge."""
    above = {RATES[i + 1]: RATES[i] for i in range(len(RATES) - 1)}
    if rate not in above:
        return f"{rate:g} times a year or more"
    return f"{rate:g} to {above[rate]:g} times a year" if rate else "less than once a year"
