"""Maintain: what is due, for all banks."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, EncoderName, open_store
from memkit.cli.output import answer, err, note, pairs


def maintain(
    budget: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="About how long it may take.")] = 60.0,
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Think, reflect, fade and encode for all banks that are due; several may run at once."""
    with open_store(db, encoder=encoder, write=True) as store, err.status(f"Maintaining, for up to {budget:g} s …"):
        report = store.maintain(budget)
    answer(json, report, [pairs(report.model_dump(exclude={"finished"}))])
    if not (json or report.finished):
        note("The time ran out before everything was done: run it again.")
