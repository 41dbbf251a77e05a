"""Curves of retention as the page's charts take them: of one memory and of a bank, past and to come."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from memkit.forget.decay import FADING_KINDS
from memkit.forget.plot import KIND_PLURALS, RETENTION_BANDS, Floats, Timeline, moments_around, timeline
from memkit.models import Memory
from memkit.settings import DecaySettings
from memkit.text.curve import Curve

MAX_SPAN = timedelta(days=36_500)  # beyond it, a memory counts as never fading


class RetentionCurve(NamedTuple):
    """Retention of one memory: `now` is R at this moment, `until` when it falls below the threshold, if ever.

    `chart`: JSON for the page's charts; None where it never fades.
    """

    now: float
    until: datetime | None
    threshold: float
    chart: str | None


def retention_of(memory: Memory, now: datetime, settings: DecaySettings) -> RetentionCurve:
    """The curve of one memory, as if nobody recalled it any more."""
    curve = Curve.of(settings)
    until = _fades_at(memory, curve, settings.threshold)
    chart = None
    if memory.kind in FADING_KINDS and not memory.pinned:
        line = timeline(
            [memory.model_copy(update={"state": "active"})], _moments(memory, now, until, settings), settings
        )
        chart = _chart(line, now, {"retention": line.means[memory.kind]}, settings.threshold)
    return RetentionCurve(curve.at(memory, now), until, settings.threshold, chart)


def _moments(memory: Memory, now: datetime, until: datetime | None, settings: DecaySettings) -> list[datetime]:
    """Moments around now, up to where it has faded."""
    usual = moments_around([memory], now, settings)
    if until is None or until <= usual[-1]:
        return usual
    steps = len(usual) // 2
    return sorted({*usual, *(usual[-1] + (until - usual[-1]) * (step + 1) / steps for step in range(steps))})


def _fades_at(memory: Memory, curve: Curve, threshold: float) -> datetime | None:
    if memory.pinned or memory.kind not in FADING_KINDS:
        return None
    days = curve.lasts(threshold, memory.strength, curve.constant(memory.kind, memory.salience))
    start = max(memory.occurred_at, memory.recalled_at or memory.occurred_at)
    return start + timedelta(days=days) if days < MAX_SPAN.days and start.year < 9000 else None


class BankRetention(NamedTuple):
    """Retention over a bank: a chart of how many memories are how vivid, one of the means by kind, and a table."""

    bands: str
    means: str
    rows: list[tuple[str, list[int]]]  # at which moment, how many in each band
    band_names: list[str]


def retention_over(memories: Sequence[Memory], now: datetime, settings: DecaySettings) -> BankRetention:
    """The retention of all these memories, as if nobody recalled them any more."""
    line = timeline(memories, moments_around(memories, now, settings), settings)
    names = [name for name, _ in RETENTION_BANDS]
    bands = {name: line.bands[place].astype(np.float64) for place, name in enumerate(names)}
    means = {KIND_PLURALS[kind]: mean for kind, mean in line.means.items()}
    marks = {"today": now, "in half a year": now + timedelta(days=182), "in a year": now + timedelta(days=365)}
    at_marks = timeline(memories, list(marks.values()), settings)
    rows = [(name, at_marks.bands[:, place].tolist()) for place, name in enumerate(marks)]
    chart, mean_chart = _chart(line, now, bands, None), _chart(line, now, means, settings.threshold)
    return BankRetention(chart, mean_chart, rows, names)


def _chart(line: Timeline, now: datetime, series: dict[str, Floats], threshold: float | None) -> str:
    """A chart as JSON: moments in seconds since 1970, and values, None for those that aren't there."""
    columns = {name: [None if np.isnan(v) else round(float(v), 4) for v in values] for name, values in series.items()}
    moments = [round(moment.timestamp()) for moment in line.moments]
    return json.dumps({"moments": moments, "now": now.timestamp(), "threshold": threshold, "series": columns})
