"""Attack: attempts to get at what was erased."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from memkit.cli.options import AsJson, ModelName, encoder_from_option
from memkit.cli.output import answer, err, line, new_table
from memkit.evaluation.attacks import AttackReport, attack_erasure
from memkit.evaluation.formats.files import FORMAT_NAMES, read_conversations

Count = Annotated[int, typer.Option("--count", min=1, help="Turns that are erased from each conversation.")]


def attack(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE...", help=f"Each {FORMAT_NAMES}.")
    ],
    count: Count = 20,
    encoder: ModelName = "minilm",
    json: AsJson = False,
) -> None:
    """Erase what is hardest to forget and try to get at it, before, after, and in a bank that never heard it.

    Erased are turns that answer questions and are most like many others. An attack succeeds where the ten results,
    what stands around them, their thoughts or the portrait show the turn or words that only it holds.
    """
    model = encoder_from_option(encoder)
    report = AttackReport()
    for file in files:
        for conversation in read_conversations(file)[1]:
            with err.status(f"Attacking {conversation.name} …"):
                attack_erasure(conversation, model, count=count, report=report)
    answer(json, report, _successes(report))


def _successes(report: AttackReport) -> Iterator[RenderableType]:
    intact, rows = report.intact, []
    for kind, tally in report.attacks.items():
        if tally.tries:
            shares = (f"{part / tally.tries:.2f}" for part in (tally.before, tally.after, tally.control))
            rows.append((kind, f"{tally.tries:,}", *shares))
    if intact.tries:
        shares = (f"{part / intact.tries:.2f}" for part in (intact.after, intact.control))
        rows.append(("(neighbours found)", f"{intact.tries:,}", "", *shares))
    numbers = ("tries", "before", "after", "never heard")
    yield new_table(("attack", *numbers), rows, right=numbers)
    same = f"{report.alike:,} of {report.queries:,} queries"
    yield line(same, " are answered as by the bank that never heard it: results, order, scores.", style="bold")
