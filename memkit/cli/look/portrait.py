"""Portrait: the people in a bank, and their mood."""

from collections.abc import Sequence

import typer

from memkit.cli.options import DEFAULT_FILE, EXIT_REFUSED, AsJson, BankName, Database
from memkit.cli.output import new_table, note, out, say, shown, write_json
from memkit.cli.stores import existing_bank, open_store
from memkit.text.times.periods import readable_period
from memkit.think.mood import Mood


def portrait(bank_name: BankName, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """The portrait of the people in a bank, and their mood by week. None was drawn yet: exit code 3."""
    with open_store(db) as store:
        bank = existing_bank(store, bank_name)
        drawn, moods = bank.portrait(), bank.mood()
        if json:
            plain = None if drawn is None else drawn.model_dump(mode="json")
            write_json({"bank": bank_name, "portrait": plain, "mood": [mood.model_dump(mode="json") for mood in moods]})
        elif drawn is not None:
            say(out, drawn.text)
            if any(mood.felt for mood in moods):
                out.print(_moods(moods))
    if drawn is None:
        note("No portrait was drawn yet: run memkit reflect first.")
        raise typer.Exit(EXIT_REFUSED)


def _moods(moods: Sequence[Mood]) -> object:
    table = new_table(
        "week", "who", "mood (-1 to 1)", "turns that show it", right=("mood (-1 to 1)", "turns that show it")
    )
    for mood in moods:
        valence = "" if mood.valence is None else f"{mood.valence:+.2f}"
        table.add_row(readable_period(mood.week), shown(mood.speaker), valence, f"{mood.felt} of {mood.turns}")
    return table
