"""Curve: what the forgetting curve keeps of a thousand simulated days."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import AsJson
from memkit.cli.output import note, out, say, table, write_json
from memkit.evaluation.forgetting import Simulation, often, simulate
from memkit.settings import DecaySettings

ABOUT = {
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
    """What a forgetting curve keeps of a thousand days, by how often a memory is asked for and by its age.

    Simulated, with recalls that follow Zipf's law: the memory of rank r is asked for every r days, on average. Below
    the threshold a memory is let go, and asking finds it no more. Takes some seconds.
    """
    made = simulate(DecaySettings(), days=days, per_day=per_day, people=people, seed=seed)
    if plot is not None:
        from memkit.evaluation.plot import plot_forgetting

        note(f"The plot is in {plot_forgetting(made, plot)}.")
    if json:
        write_json(made.model_dump(mode="json"))
        return
    _show(made)


def _show(made: Simulation) -> None:
    names = [kept.curve for kept in made.curves]
    columns = ("memories", *names)
    by_rate = table("asked for", *columns, right=columns, title="Share remembered, by how often it is asked for")
    for row, rate in enumerate(made.rates):
        by_rate.add_row(often(rate), f"{sum(made.counts[row]):,}", *(_share(kept.by_rate[row]) for kept in made.curves))
    out.print(by_rate)
    by_age = table("days old", *columns, right=columns, title="Share remembered, by age")
    for column, age in enumerate(made.ages):
        count = sum(row[column] for row in made.counts)
        by_age.add_row(f"up to {age:,.0f}", f"{count:,}", *(_share(kept.by_age[column]) for kept in made.curves))
    by_age.add_row("all", f"{made.memories:,}", *(_share(kept.share) for kept in made.curves))
    out.print(by_age)
    for name, words in ABOUT.items():
        note(f"{name}: {words}")
    say(out, f"{made.days:,} days, {made.memories:,} memories, asked for {made.recalls:,} times", f", seed {made.seed}")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
