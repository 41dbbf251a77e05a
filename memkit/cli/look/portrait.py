"""Portrait: the people in a bank, and their mood."""

from collections.abc import Iterator, Sequence

import typer
from rich.console import RenderableType

from memkit.cli.options import DEFAULT_FILE, EXIT_REFUSED, AsJson, BankName, Database, open_bank
from memkit.cli.output import answer, line, new_table, note, shown
from memkit.models import Memory
from memkit.text.times.periods import readable_period
from memkit.think.mood import Mood


def portrait(bank_name: BankName, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """The portrait of the people in a bank, and their mood by week. None was drawn yet: exit code 3."""
    with open_bank(db, bank_name) as bank:
        drawn, moods = bank.portrait(), bank.mood()
    answer(json, {"bank": bank_name, "portrait": drawn, "mood": moods}, _parts(drawn, moods))
    if drawn is None:
        note("No portrait was drawn yet: run memkit reflect first.")
        raise typer.Exit(EXIT_REFUSED)


def _parts(drawn: Memory | None, moods: Sequence[Mood]) -> Iterator[RenderableType]:
    if drawn is not None:
        yield line(drawn.text)
    if drawn is not None and any(mood.felt for mood in moods):
        numbers = ("mood (-1 to 1)", "turns that show it")
        rows = (
            (
                readable_period(mood.week),
                shown(mood.speaker),
                "" if mood.valence is None else f"{mood.valence:+.2f}",
                f"{mood.felt} of {mood.turns}",
            )
            for mood in moods
        )
        yield new_table(("week", "who", *numbers), rows, right=numbers)
