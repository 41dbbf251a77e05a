"""Plots of recall against the number of results, of small talk, of forgetting (PNG)."""

from collections.abc import Sequence
from math import nan
from pathlib import Path
from typing import Any

from memkit.errors import MissingExtraError
from memkit.evaluation.forgetting import CurveRetention, Simulation, rate_label
from memkit.evaluation.recall.report import RecallReport
from memkit.evaluation.recall.sweep import Sweep

SYSTEM_COLOURS = {"memkit": "#d1495b", "dense": "#3d8fc4", "bm25": "#66873b", "rrf": "#8a5a9e"}
SYSTEM_NAMES = {"memkit": "memkit", "dense": "dense", "bm25": "BM25", "rrf": "dense+BM25"}
LEGEND_STYLE: dict[str, Any] = {"loc": "lower right", "fontsize": 8, "frameon": False}
RATE_COLOURS = ("#1b4f72", "#3d8fc4", "#66873b", "#d9a441", "#d1495b")  # the most asked for first


def plot(reports: Sequence[RecallReport], path: str | Path) -> Path:
    """Write a PNG, one panel for each report, and give back its path. Raises MissingExtraError."""
    canvas = figure(6.2 * len(reports), 4.6)
    for axes, report in zip(canvas.subplots(1, len(reports), squeeze=False)[0], reports, strict=True):
        _draw(axes, report)
    return _saved(canvas, path)


def plot_sweep(sweeps: Sequence[Sweep], path: str | Path) -> Path:
    """Write a PNG of recall against the share of turns without vectors. Raises MissingExtraError."""
    canvas = figure(6.2, 4.6)
    axes = canvas.subplots()
    for sweep, colour in zip(sweeps, SYSTEM_COLOURS.values(), strict=False):
        shares = [100 * row.filtered for row in sweep.rows]
        for at, style in zip(range(len(sweep.ks)), (":", "-", "--"), strict=True):
            axes.plot(
                shares,
                [row.fractions[at] for row in sweep.rows],
                style,
                color=colour,
                marker=".",
                label=f"{sweep.format} @{sweep.ks[at]}",
            )
    axes.set(ylim=(0, 1), xlabel="% of the turns without vectors", ylabel="fraction of the evidence fractions")
    _finish(axes, "What small talk without vectors costs")
    axes.legend(**LEGEND_STYLE)
    return _saved(canvas, path)


def plot_forgetting(simulation: Simulation, path: str | Path) -> Path:
    """Write a PNG of the share remembered by age, a panel for each curve and a line for each rate.

    Raises MissingExtraError.
    """
    canvas = figure(11, 6.4)
    *panels, last = canvas.subplots(2, 3, sharex=True, sharey=True).flat
    for axes, retention in zip(panels, simulation.curves, strict=True):
        _draw_rates(axes, simulation, retention)
    last.axis("off")
    handles, labels = panels[-1].get_legend_handles_labels()
    last.legend(handles, labels, loc="center left", title="asked for", alignment="left", frameon=False)
    canvas.supxlabel("age in days", fontsize=10)
    canvas.supylabel(f"share remembered after {simulation.days:,} days", fontsize=10)
    return _saved(canvas, path)


def _draw_rates(axes: Any, simulation: Simulation, retention: CurveRetention) -> None:
    middles = [age - simulation.ages[0] / 2 for age in simulation.ages]
    for shares, rate, colour in zip(retention.shares, simulation.rates, RATE_COLOURS, strict=True):
        drawn = [nan if share is None else share for share in shares]
        axes.plot(middles, drawn, color=colour, marker=".", linewidth=1.8, label=rate_label(rate))
    axes.set(xlim=(0, simulation.days), ylim=(-0.03, 1.03))
    axes.tick_params(labelbottom=True)
    _finish(axes, f"{retention.curve}: {retention.share:.1%} in all")


def figure(width: float, height: float) -> Any:
    """An empty figure, sizes in inches, drawn without a screen. Raises MissingExtraError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "plot: matplotlib isn't installed. Install it: python -m pip install matplotlib"
        ) from None
    canvas = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(canvas)
    return canvas


def _draw(axes: Any, report: RecallReport) -> None:
    for name, system in report.systems.items():
        ks = range(1, len(system.curve) + 1)
        axes.plot(
            ks,
            system.curve,
            label=SYSTEM_NAMES.get(name, name),
            color=SYSTEM_COLOURS.get(name),
            linewidth=2.4 if name == "memkit" else 1.4,
        )
    axes.set(xlim=(1, 50), ylim=(0, 1), xlabel="results", ylabel=f"fraction of the evidence {report.unit}s fractions")
    _finish(axes, f"{report.format}: {report.questions} questions")
    axes.legend(**LEGEND_STYLE)


def _finish(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.grid(visible=True, color="#e8e4dc", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _saved(canvas: Any, path: str | Path) -> Path:
    canvas.savefig(path, format="png")
    return Path(path)
