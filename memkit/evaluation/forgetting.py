"""Simulation of forgetting over 1,000 days: shares remembered, by frequency of asking and by age.

Memories come evenly over the days. How often each is asked for follows Zipf's law: the one of rank r every r days, on
average, at random moments (a Poisson process). Being asked for recalls a memory that is still there, and finds nothing
of one that was let go. The curve itself is memkit's own (`memkit.text.curve`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.models import FrozenModel
from memkit.settings import DecaySettings
from memkit.text.curve import LEGACY_CURVE, PAPER_CURVE, Curve

DAYS_PER_YEAR = 365.0
RATE_EDGES = (52.0, 12.0, 4.0, 1.0, 0.0)  # times a year: the lower edges of the groups, the most asked for first
AGE_BANDS = 10  # groups by age

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class ForgettingRule(NamedTuple):
    """A curve, and when a memory is let go: below `threshold`, but not within `guard` days of its last use."""

    curve: Curve
    threshold: float
    guard: float

    def until(self, used: float, strength: float) -> float:
        """The day on which a memory that was last used then is let go."""
        return used + max(self.curve.lasts(self.threshold, strength), self.guard)


def forgetting_rules(settings: DecaySettings) -> dict[str, ForgettingRule]:
    """memkit's own curve, the paper's (S + 1 at each recall) and that of its published code, by name.

    The two that were published come as they are, and slowed down so that what nobody asks for lasts as long as by
    the settings.
    """
    rules = {"default": ForgettingRule(Curve.of(settings), settings.threshold, settings.archive_after)}
    for name, curve in (("paper", PAPER_CURVE), ("legacy", LEGACY_CURVE)):
        rules[name] = ForgettingRule(curve, settings.threshold, 0)
        rules[f"{name}, slow"] = ForgettingRule(replace(curve, days=settings.days), settings.threshold, 0)
    return rules


@dataclass(frozen=True)
class SimulatedMemories:
    """Memories to be remembered: for each the day it came, how often a year it is asked for, and on which days.

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


def draw_memories(*, days: int, per_day: int, people: int, seed: int) -> SimulatedMemories:
    """So many people's memories, each with ranks of their own."""
    chance = np.random.default_rng(seed)
    count = days * per_day
    born = np.tile(np.arange(count) / per_day, people)
    ranks = np.concatenate([chance.permutation(count) + 1 for _ in range(people)])
    times = chance.poisson((days - born) / ranks)
    asked = [np.sort(chance.uniform(start, days, n)) for start, n in zip(born, times, strict=True)]
    return SimulatedMemories(days, born, DAYS_PER_YEAR / ranks, asked)


def remembered(memories: SimulatedMemories, rule: ForgettingRule) -> npt.NDArray[np.bool_]:
    """Mask (n,) of the memories that are still there on the last day."""
    lasting = (_end_of_life(born, asked, rule) for born, asked in zip(memories.born, memories.asked, strict=True))
    return np.fromiter(lasting, np.float64, len(memories.born)) > memories.days


def _end_of_life(born: float, asked: Floats, rule: ForgettingRule) -> float:
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


class CurveRetention(FrozenModel):
    """Share remembered under one curve, by rate (rows, as in RATE_EDGES) and age (columns); None: no such memory.

    `by_rate` and `by_age` are the shares over all ages, and over all rates.
    """

    curve: str
    shares: list[list[float | None]]
    by_rate: list[float | None]
    by_age: list[float | None]
    share: float


class Simulation(FrozenModel):
    """Result of a simulation, for each curve. Ages are in days, the upper edges of their groups."""

    days: int
    memories: int
    recalls: int
    seed: int
    rates: list[float]
    ages: list[float]
    counts: list[list[int]]
    curves: list[CurveRetention]


def simulate(
    settings: DecaySettings, *, days: int = 1000, per_day: int = 2, people: int = 50, seed: int = 1
) -> Simulation:
    """Retention under each curve, of the same memories, asked for on the same days."""
    memories = draw_memories(days=days, per_day=per_day, people=people, seed=seed)
    edges = [days * (band + 1) / AGE_BANDS for band in range(AGE_BANDS)]
    cells = np.searchsorted(-np.array(RATE_EDGES), -memories.rates), np.searchsorted(edges, memories.ages)
    total = _sum_by_cell(cells, np.ones(len(memories.born)))
    return Simulation(
        days=days,
        memories=len(memories.born),
        recalls=sum(map(len, memories.asked)),
        seed=seed,
        rates=list(RATE_EDGES),
        ages=edges,
        counts=total.astype(int).tolist(),
        curves=[
            _retention(name, _sum_by_cell(cells, remembered(memories, rule).astype(np.float64)), total)
            for name, rule in forgetting_rules(settings).items()
        ],
    )


def _sum_by_cell(cells: tuple[Ints, Ints], weights: Floats) -> Floats:
    sums = np.zeros((len(RATE_EDGES), AGE_BANDS))
    np.add.at(sums, cells, weights)
    return sums


def _retention(curve: str, there: Floats, total: Floats) -> CurveRetention:
    return CurveRetention(
        curve=curve,
        shares=[_shares(*pair) for pair in zip(there, total, strict=True)],
        by_rate=_shares(there.sum(axis=1), total.sum(axis=1)),
        by_age=_shares(there.sum(axis=0), total.sum(axis=0)),
        share=float(there.sum() / total.sum()),
    )


def _shares(there: Floats, total: Floats) -> list[float | None]:
    return [part / whole if whole else None for part, whole in zip(there.tolist(), total.tolist(), strict=True)]


def rate_label(rate: float) -> str:
    """A group of RATE_EDGES in words, by its lower edge."""
    above = {low: high for high, low in pairwise(RATE_EDGES)}
    if rate not in above:
        return f"{rate:g} times a year or more"
    return f"{rate:g} to {above[rate]:g} times a year" if rate else "less than once a year"
