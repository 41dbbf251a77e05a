"""A picture of a bank's retention over time, past and to come."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil, inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.errors import InputError, MissingExtraError
from memkit.forget.decay import FADING_KINDS
from memkit.models import Memory
from memkit.settings import DecaySettings
from memkit.text.curve import ONE_DAY, Curve
from memkit.times import to_micros

RETENTION_BANDS = (
    ("vivid, R over .6", "#1b4f72"),
    ("fading, R .2 to .6", "#3d8fc4"),
    ("faint, R under .2", "#a9cfe8"),
    ("below the threshold", "#e8e4dc"),
)
KIND_PLURALS = {"turn": "turns", "thought": "thoughts", "summary": "summaries"}
KIND_COLOURS = {"turn": "#d1495b", "thought": "#8a5a9e", "summary": "#66873b"}
VIVID_RETENTION = 0.6
FAINT_RETENTION = 0.2
PLOT_STEPS = 240
MAX_TICKS = 9

Floats = npt.NDArray[np.float64]


class Timeline(NamedTuple):
    """A bank's retention over time: `bands` (4, n) memories by how vivid, `means` mean R by kind (n,)."""

    moments: list[datetime]
    bands: npt.NDArray[np.int64]
    means: dict[str, Floats]


def timeline(memories: Sequence[Memory], moments: Sequence[datetime], settings: DecaySettings) -> Timeline:
    """Numbers of vivid, fading and faint memories at each moment, if nothing more is recalled.

    Of the past only the last recall is known: before it, a memory is drawn as never recalled, at
    strength 1. A memory counts from when it happened; forgotten ones are left out.
    """
    fading = [m for m in memories if m.kind in FADING_KINDS and m.state in ("active", "archived")]
    table, curve = _Table.of(fading, Curve.of(settings)), Curve.of(settings)
    bands = np.zeros((len(RETENTION_BANDS), len(moments)), np.int64)
    means: dict[str, Floats] = {k: np.full(len(moments), np.nan) for k in FADING_KINDS if k in table.kinds}
    edges = np.maximum([settings.threshold, FAINT_RETENTION, VIVID_RETENTION], settings.threshold)
    for column, moment in enumerate(moments):
        there, retention = table.at(moment, curve)
        bands[:, column] = np.bincount(np.digitize(retention[there], edges), minlength=len(RETENTION_BANDS))[::-1]
        for kind, mean in means.items():
            chosen = retention[there & (table.kinds == kind)]
            mean[column] = chosen.mean() if chosen.size else np.nan
    return Timeline(list(moments), bands, means)


class _Table(NamedTuple):
    """Memories as columns, each (n,); times in days since 1970."""

    kinds: npt.NDArray[np.str_]
    born: Floats
    recalled: Floats  # infinite where never
    strengths: Floats
    constants: Floats

    @classmethod
    def of(cls, memories: Sequence[Memory], curve: Curve) -> "_Table":
        return cls(
            np.array([m.kind for m in memories], np.str_),
            np.array([_days(m.occurred_at) for m in memories], np.float64),
            np.array([np.inf if m.recalled_at is None else _days(m.recalled_at) for m in memories], np.float64),
            np.array([m.strength for m in memories], np.float64),
            np.array([inf if m.pinned else curve.constant(m.kind, m.salience) for m in memories], np.float64),
        )

    def at(self, moment: datetime, curve: Curve) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Mask of the memories that exist at a moment, and R of all."""
        now = _days(moment)
        recalled = self.recalled <= now
        start = np.where(recalled, np.maximum(self.recalled, self.born), self.born)
        strengths = np.where(recalled | np.isinf(self.recalled), self.strengths, 1.0)
        return self.born <= now, curve.retention(now - start, strengths, self.constants)


def _days(moment: datetime) -> float:
    return to_micros(moment) / 86_400e6


def moments_around(memories: Sequence[Memory], now: datetime, settings: DecaySettings) -> list[datetime]:
    """Evenly spaced moments: from the oldest memory, past `now`, to where an average turn has faded."""
    first = min((m.occurred_at for m in memories), default=now - 30 * ONE_DAY)
    ahead = max(Curve.of(settings).lasts(settings.threshold or 0.05) * 1.25, 30.0)
    first, last = min(first, now - ONE_DAY), now + timedelta(days=min(ahead, 3650.0))
    moments = [first + (last - first) * step / PLOT_STEPS for step in range(PLOT_STEPS + 1)]
    return sorted({*moments, now})


def plot(
    memories: Sequence[Memory],
    now: datetime,
    settings: DecaySettings,
    path: str | Path,
    *,
    title: str = "What is remembered",
) -> Path:
    """Write a PNG of the bank's retention over time and give back its path.

    Raises MissingExtraError without matplotlib, InputError where nothing in the bank can fade.
    """
    if not any(m.kind in FADING_KINDS for m in memories):
        raise InputError("plot: this bank holds no turns, thoughts or summaries yet. Observe something first.")
    figure_type, dates = _matplotlib()
    line = timeline(memories, moments_around(memories, now, settings), settings)
    figure = figure_type(figsize=(9, 5.6), dpi=130, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_bands(upper, line, title)
    _draw_means(lower, line, settings.threshold)
    for axes in (upper, lower):
        _frame(axes, now, line.moments[-1])
    where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "xytext": (-1, 4)}
    upper.annotate("now → to come, if nothing is recalled", (now, 1), fontsize=8, annotation_clip=False, **where)
    years = (line.moments[-1] - line.moments[0]) / timedelta(days=365)
    locator = dates.YearLocator(ceil(years / MAX_TICKS)) if years > 3 else dates.AutoDateLocator(maxticks=MAX_TICKS)
    lower.xaxis.set(major_locator=locator, major_formatter=dates.ConciseDateFormatter(locator))
    figure.savefig(path, format="png")
    return Path(path)


def _matplotlib() -> tuple[Any, Any]:
    """Figure and dates of matplotlib: without pyplot, so no screen is needed and no state is shared."""
    try:
        from matplotlib import dates
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "plot: matplotlib isn't installed. Install it: python -m pip install matplotlib"
        ) from None
    return Figure, dates


def _draw_bands(axes: Any, line: Timeline, title: str) -> None:
    axes.stackplot(
        line.moments,
        line.bands,
        colors=[c for _, c in RETENTION_BANDS],
        labels=[n for n, _ in RETENTION_BANDS],
        linewidth=0,
    )
    axes.set(ylabel="memories", ylim=(0, max(1, int(line.bands.sum(axis=0).max())) * 1.02))
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=8, frameon=True, framealpha=0.9)


def _draw_means(axes: Any, line: Timeline, threshold: float) -> None:
    for kind, mean in line.means.items():
        axes.plot(line.moments, mean, color=KIND_COLOURS[kind], linewidth=1.8, label=KIND_PLURALS[kind])
    axes.axhline(threshold, color="#777777", linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set(ylabel="mean retention R", ylim=(0, 1.02))
    axes.text(0.004, threshold + 0.015, "threshold", fontsize=7, transform=axes.get_yaxis_transform())
    axes.legend(loc="upper right", fontsize=8, frameon=True, framealpha=0.9)


def _frame(axes: Any, now: datetime, last: datetime) -> None:
    axes.axvline(now, color="#222222", linewidth=1.1)
    axes.axvspan(now, last, color="#222222", alpha=0.045, linewidth=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0)
