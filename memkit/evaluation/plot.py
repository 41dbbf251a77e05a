"""A picture of recall against the number of results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memkit.errors import MissingExtraError
from memkit.evaluation.report import Report
from memkit.evaluation.sweep import Sweep

COLOURS = {"memkit": "#d1495b", "dense": "#3d8fc4", "bm25": "#66873b", "rrf": "#8a5a9e"}
NAMES = {"memkit": "memkit", "dense": "dense", "bm25": "BM25", "rrf": "dense+BM25"}


def plot(reports: Sequence[Report], path: str | Path) -> Path:
    """Write a PNG, one panel for each report, and give back its path. Raises MissingExtraError."""
    made = figure(6.2 * len(reports), 4.6)
    for axes, report in zip(made.subplots(1, len(reports), squeeze=False)[0], reports, strict=True):
        _draw(axes, report)
    made.savefig(path, format="png")
    return Path(path)


def plot_sweep(sweeps: Sequence[Sweep], path: str | Path) -> Path:
    """Write a PNG of recall against the share of turns without vectors. Raises MissingExtraError."""
    made = figure(6.2, 4.6)
    axes = made.subplots()
    for sweep, colour in zip(sweeps, COLOURS.values(), strict=False):
        shares = [100 * row.filtered for row in sweep.rows]
        for at, style in zip(range(len(sweep.ks)), (":", "-", "--"), strict=True):
            found = [row.fractions[at] for row in sweep.rows]
            axes.plot(shares, found, style, color=colour, marker=".", label=f"{sweep.format} @{sweep.ks[at]}")
    axes.set(ylim=(0, 1), xlabel="% of the turns without vectors", ylabel="fraction of the evidence found")
    axes.set_title("What small talk without vectors costs", loc="left", fontsize=11, fontweight="bold")
    _finish(axes)
    made.savefig(path, format="png")
    return Path(path)


def figure(width: float, height: float) -> Any:
    """An empty figure, sizes in inches, drawn without a screen. Raises MissingExtraError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "plot: matplotlib isn't installed. Install it: python -m pip install matplotlib"
        ) from None
    made = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(made)
    return made


def _draw(axes: Any, report: Report) -> None:
    for name, system in report.systems.items():
        ks = range(1, len(system.curve) + 1)
        width = 2.4 if name == "memkit" else 1.4
        axes.plot(ks, system.curve, label=NAMES.get(name, name), color=COLOURS.get(name), linewidth=width)
    axes.set(xlim=(1, 50), ylim=(0, 1), xlabel="results", ylabel=f"fraction of the evidence {report.unit}s found")
    axes.set_title(f"{report.format}: {report.questions} questions", loc="left", fontsize=11, fontweight="bold")
    _finish(axes)


def _finish(axes: Any) -> None:
    axes.grid(visible=True, color="#e8e4dc", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
