"""What reflection writes: reflect, portrait."""

from collections import Counter
from collections.abc import Sequence

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, REFUSED, AsJson, Bank, Database, EncoderName
from memkit.cli.output import err, note, out, say, shown, table, write_json
from memkit.cli.stores import bank_in, opened
from memkit.models import Memory, Outcome
from memkit.text.times.periods import readable_period as shown_period
from memkit.think.mood import Mood


def reflect(bank: Bank, db: Database = DEFAULT_FILE, encoder: EncoderName = None, json: AsJson = False) -> None:
    """Sum up the days, weeks and months that grew, and draw the portrait again."""
    with opened(db, encoder=encoder, write=True) as store:
        chosen = bank_in(store, bank)
        with err.status("Reflecting …"):
            receipt = chosen.reflect()
        if json:
            write_json(receipt.model_dump(mode="json"))
        elif receipt.outcomes:
            _show_written(chosen, receipt.outcomes)
        else:
            say(out, "Nothing grew since the last reflection.")


def _show_written(bank: MemoryBank, outcomes: Sequence[Outcome]) -> None:
    made = table("of", "what became of it", "text")
    for outcome in outcomes:
        memory = None if outcome.id is None else bank.get(outcome.id)
        if memory is not None and outcome.action != "skipped":
            made.add_row(_time_of(memory), outcome.action, shown(memory.text))
    if made.row_count:
        out.print(made)
    counted = Counter(outcome.action for outcome in outcomes)
    say(out, ", ".join(f"{count} {action}" for action, count in counted.items()))
    if extracted := [o.reason for o in outcomes if o.reason and o.reason.startswith("extracted")]:
        note(f"{len(extracted)} without the model: {extracted[0]}.")


def _time_of(memory: Memory) -> str:
    return shown_period(str(memory.metadata.get("period", ""))) or memory.kind


def portrait(bank: Bank, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """The portrait of the people in a bank, and their mood by week. None was drawn yet: exit code 3."""
    with opened(db) as store:
        chosen = bank_in(store, bank)
        drawn, moods = chosen.portrait(), chosen.mood()
        if json:
            plain = None if drawn is None else drawn.model_dump(mode="json")
            write_json({"bank": bank, "portrait": plain, "mood": [mood.model_dump(mode="json") for mood in moods]})
        elif drawn is not None:
            say(out, drawn.text)
            if any(mood.felt for mood in moods):
                out.print(_moods(moods))
    if drawn is None:
        note("No portrait was drawn yet: run memkit reflect first.")
        raise typer.Exit(REFUSED)


def _moods(moods: Sequence[Mood]) -> object:
    made = table("week", "who", "mood (-1 to 1)", "turns that show it", right=("mood (-1 to 1)", "turns that show it"))
    for mood in moods:
        valence = "" if mood.valence is None else f"{mood.valence:+.2f}"
        made.add_row(shown_period(mood.week), shown(mood.speaker), valence, f"{mood.felt} of {mood.turns}")
    return made
