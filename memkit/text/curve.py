"""The Ebbinghaus forgetting curve, R = exp(-t / (c S)) (MemoryBank, arXiv 2305.10250), as a value.

t is in days, S is a memory's strength (1 at first mention), c a constant in days. The paper has c = 1;
its authors' published code computes exp(-t S / 5), by which a stronger memory fades faster: that is kept
here as LEGACY, for reproduction only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, inf, log, log2, nan
from typing import Literal, Self, overload

import numpy as np
import numpy.typing as npt

from memkit.models import Memory
from memkit.settings import DecaySettings

Array = npt.NDArray[np.float64]
ArrayLike = Array | npt.NDArray[np.float32] | npt.NDArray[np.int64]
Form = Literal["ebbinghaus", "legacy"]
GrowthMode = Literal["log", "paper"]

MIN_STRENGTH = 1e-9  # a strength of zero or less would divide by zero
SALIENCE_RANGE = 2.0  # salience makes a memory last at most this many times longer, or shorter
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Curve:
    """Curve by which memories weaken with time and grow stronger by use. A value: no clock, no state.

    `days` is c; `kinds` multiplies it per kind, and a kind that is absent or None never fades. `step` is
    what the first recall adds to S. `growth_mode` "paper" adds it at every recall (S + 1); "log" adds
    less and less, so that S = 1 + step log2(1 + n) after n well spaced recalls: a thousand recalls make
    a memory last 11 times as long, not 1,001 times. `spacing` (days) discounts a recall that comes soon
    after the last one.
    """

    days: float = 1.0
    kinds: Mapping[str, float | None] | None = None
    step: float = 1.0
    growth_mode: GrowthMode = "paper"
    spacing: float = 0.0
    salience_weight: float = 0.0
    salience_typical: float = 1.0
    form: Form = "ebbinghaus"

    @classmethod
    def of(cls, settings: DecaySettings) -> Self:
        """The curve that settings describe."""
        return cls(
            days=settings.days,
            kinds=settings.kinds,
            step=settings.growth,
            growth_mode=settings.growth_mode,
            spacing=settings.spacing,
            salience_weight=settings.salience_weight,
            salience_typical=settings.salience_typical,
        )

    @overload
    def retention(self, t: float, strength: float = ..., constant: float | None = ...) -> float: ...
    @overload
    def retention(
        self, t: ArrayLike, strength: ArrayLike | float = ..., constant: ArrayLike | float | None = ...
    ) -> Array: ...
    def retention(
        self,
        t: ArrayLike | float,
        strength: ArrayLike | float = 1.0,
        constant: ArrayLike | float | None = None,
    ) -> Array | float:
        """R in [0, 1] after `t` days, element by element where arrays are given.

        `constant` is c in days (default: the curve's own; infinite: never fades). A time in the future
        counts as now, and what is unknown (NaN) as not forgotten: R = 1.
        """
        days = np.fmax(np.asarray(t, np.float64), 0.0)
        s = np.fmax(np.asarray(strength, np.float64), MIN_STRENGTH)
        c = np.asarray(self.days if constant is None else constant, np.float64)
        r = np.exp(self._exponent(days, s, c))
        r = np.where(np.isnan(r) | np.isnan(np.asarray(strength, np.float64)), 1.0, r)
        return float(r) if r.ndim == 0 else r

    def _exponent(self, t: Array, s: Array, c: Array) -> Array:
        with np.errstate(all="ignore"):
            if self.form == "legacy":
                return -t * s / c
            return np.asarray(np.where(t == 0, 0.0, -t / (c * s)))

    def rates(self, strength: ArrayLike) -> Array:
        """The rate at which each of these strengths fades, per day: R = exp(-rate t); 0 for what is unknown (NaN)."""
        s = np.fmax(np.asarray(strength, np.float64), MIN_STRENGTH)
        rates = -self._exponent(np.ones(()), s, np.asarray(self.days))
        return np.where(np.isnan(strength), 0.0, rates)

    def constant(self, kind: str, salience: float | None = None) -> float:
        """c of a memory, in days; infinite for a kind that never fades."""
        factor = 1.0 if self.kinds is None else self.kinds.get(kind)
        return inf if factor is None else self.days * factor * self.importance(salience)

    def importance(self, salience: float | None) -> float:
        """Factor by which a memory lasts longer for its salience: 1 at the typical one, from 1/2 to 2.

        `salience` is the mean surprisal of a text's tokens, in nats (SirLLM, arXiv 2405.12528).
        """
        if salience is None or salience != salience:
            return 1.0
        weighed: float = (max(salience, 0.0) / self.salience_typical) ** self.salience_weight
        return min(max(weighed, 1 / SALIENCE_RANGE), SALIENCE_RANGE)

    def at(self, memory: Memory, now: datetime) -> float:
        """R of a memory at a moment; 1 where it is pinned or of a kind that never fades."""
        if memory.pinned:
            return 1.0
        constant = self.constant(memory.kind, memory.salience)
        return self.retention(days_since_use(memory, now), memory.strength, constant)

    def lasts(self, threshold: float, strength: float = 1.0, constant: float | None = None) -> float:
        """Days until R falls to `threshold`; infinite where it never does."""
        c = self.days if constant is None else constant
        if threshold <= 0 or c == inf:
            return inf
        s = max(strength, MIN_STRENGTH)
        return -log(threshold) * (c / s if self.form == "legacy" else c * s)

    def growth(self, strength: float, since_last_recall: float | None = None) -> float:
        """Strength that a recall adds to S.

        `since_last_recall`: days since the recall before this one; None at the first, which counts in
        full. Later ones count by 1 - exp(-days / spacing): cramming adds little.
        """
        s = 1.0 if strength != strength else max(strength, 1.0)
        grown = self.step
        if self.growth_mode == "log":
            # S = 1 + step log2(1 + n), solved for n and taken one recall further
            grown *= log2(1 + 2 ** -min((s - 1) / self.step, 1000.0))
        return grown * self._spaced(since_last_recall)

    def _spaced(self, since: float | None) -> float:
        if since is None or since != since or self.spacing == 0:
            return 1.0
        return 1 - exp(-max(since, 0.0) / self.spacing)

    def growth_of(self, memory: Memory, at: datetime) -> float:
        """Strength that a recall of this memory at this moment adds to its S."""
        since = nan if memory.recalled_at is None else (at - memory.recalled_at) / ONE_DAY
        return self.growth(memory.strength, since)


PAPER_CURVE = Curve()
LEGACY_CURVE = Curve(days=5.0, form="legacy")


def days_since_use(memory: Memory, now: datetime) -> float:
    """t of a memory: days since it happened, or since it was last recalled."""
    return (now - max(memory.occurred_at, memory.recalled_at or memory.occurred_at)) / ONE_DAY
