"""Attack: attempts to get at what was erased."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import AsJson, ModelName
from memkit.cli.output import err, new_table, out, say, write_json
from memkit.cli.stores import encoder_from_option
from memkit.encoders import default_encoder
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
    model = encoder_from_option(encoder) or default_encoder()
    report = AttackReport()
    for file in files:
        for conversation in read_conversations(file)[1]:
            with err.status(f"Attacking {conversation.name} …"):
                attack_erasure(conversation, model, count=count, report=report)
    if json:
        write_json(asdict(report))
    else:
        _show(report)


def _show(report: AttackReport) -> None:
    numbers = ("tries", "before", "after", "never heard")
    table = new_table("attack", *numbers, right=numbers)
    for kind, tally in report.attacks.items():
        if tally.tries:
            shares = [f"{part / tally.tries:.2f}" for part in (tally.before, tally.after, tally.control)]
            table.add_row(kind, f"{tally.tries:,}", *shares)
    intact = report.intact
    if intact.tries:
        shares = [f"{part / intact.tries:.2f}" for part in (intact.after, intact.control)]
        table.add_row("(neighbours found)", f"{intact.tries:,}", "", *shares)
    out.print(table)
    same = f"{report.alike:,} of {report.queries:,} queries"
    say(out, same, " are answered as by the bank that never heard it: results, order, scores.", style="bold")
