"""Curve: a thousand days of forgetting, simulated."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from memkit.cli.options import AsJson
from memkit.cli.output import answer, line, new_table, note
from memkit.evaluation.forgetting import Simulation, rate_label, simulate
from memkit.settings import DecaySettings

CURVE_DESCRIPTIONS = {
    "default": "memkit's own settings",
    "paper": "MemoryBank's curve, R = exp(-t/S) in days, S + 1 at each recall",
    "legacy": "what MemoryBank's published code computes, exp(-t S/5)",
    "slow": "with as many days to c as the default has",
}


def curve(
    days: Annotated[int, typer.Option(min=10, max=10_000, help="How long it goes on.")] = 1000,
    per_day: Annotated[int, typer.Option(min=1, max=100, help="Memories that come each day, to each person.")] = 2,
    people: Annotated[int, typer.Option(min=1, max=1000, help="How many people's memories.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 1,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it (PNG).")] = None,
    json: AsJson = False,
) -> None:
    """Simulate what a forgetting curve keeps of a thousand days, by how often a memory is asked for and by its age.

    Recalls follow Zipf's law: the memory of rank r is asked for every r days, on average. Below
    the threshold a memory is let go, and asking finds it no more. Takes some seconds.
    """
    simulation = simulate(DecaySettings(), days=days, per_day=per_day, people=people, seed=seed)
    if plot is not None:
        from memkit.evaluation.plot import plot_forgetting

        note(f"The plot is in {plot_forgetting(simulation, plot)}.")
    answer(json, simulation, _shares_remembered(simulation))


def _shares_remembered(simulation: Simulation) -> Iterator[RenderableType]:
    curves = simulation.curves
    columns = ("memories", *(curve.curve for curve in curves))
    by_rate = [
        (rate_label(rate), f"{sum(counts):,}", *(_share(curve.by_rate[row]) for curve in curves))
        for row, (rate, counts) in enumerate(zip(simulation.rates, simulation.counts, strict=True))
    ]
    yield new_table(
        ("asked for", *columns), by_rate, right=columns, title="Share remembered, by how often it is asked for"
    )
    by_age = [
        (f"up to {age:,.0f}", f"{sum(counts):,}", *(_share(curve.by_age[row]) for curve in curves))
        for row, (age, counts) in enumerate(zip(simulation.ages, zip(*simulation.counts, strict=True), strict=True))
    ]
    by_age.append(("all", f"{simulation.memories:,}", *(_share(curve.share) for curve in curves)))
    yield new_table(("days old", *columns), by_age, right=columns, title="Share remembered, by age")
    for name, words in CURVE_DESCRIPTIONS.items():
        note(f"{name}: {words}")
    yield line(
        f"{simulation.days:,} days, {simulation.memories:,} memories, asked for {simulation.recalls:,} times",
        f", seed {simulation.seed}",
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
