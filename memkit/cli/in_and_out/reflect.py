"""Reflect: summaries and the portrait, written anew."""

from collections import Counter
from collections.abc import Sequence

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, EncoderName
from memkit.cli.output import err, new_table, note, out, say, shown, write_json
from memkit.cli.stores import existing_bank, open_store
from memkit.models import Memory, Outcome
from memkit.text.times.periods import readable_period


def reflect(
    bank_name: BankName, db: Database = DEFAULT_FILE, encoder: EncoderName = None, json: AsJson = False
) -> None:
    """Sum up the days, weeks and months that grew, and draw the portrait again."""
    with open_store(db, encoder=encoder, write=True) as store:
        bank = existing_bank(store, bank_name)
        with err.status("Reflecting …"):
            receipt = bank.reflect()
        if json:
            write_json(receipt.model_dump(mode="json"))
        elif receipt.outcomes:
            _show_written(bank, receipt.outcomes)
        else:
            say(out, "Nothing grew since the last reflection.")


def _show_written(bank: MemoryBank, outcomes: Sequence[Outcome]) -> None:
    table = new_table("of", "what became of it", "text")
    for outcome in outcomes:
        memory = None if outcome.id is None else bank.get(outcome.id)
        if memory is not None and outcome.action != "skipped":
            table.add_row(_time_of(memory), outcome.action, shown(memory.text))
    if table.row_count:
        out.print(table)
    counts = Counter(outcome.action for outcome in outcomes)
    say(out, ", ".join(f"{count} {action}" for action, count in counts.items()))
    if reasons := [o.reason for o in outcomes if o.reason and o.reason.startswith("extracted")]:
        note(f"{len(reasons)} without the model: {reasons[0]}.")


def _time_of(memory: Memory) -> str:
    return readable_period(str(memory.metadata.get("period", ""))) or memory.kind
