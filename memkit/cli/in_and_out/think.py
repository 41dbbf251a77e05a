"""Think: what was observed becomes thoughts."""

from collections import Counter

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, EncoderName
from memkit.cli.output import err, new_table, out, say, shown, write_json
from memkit.cli.stores import existing_bank, open_store
from memkit.models import Receipt


def think(bank_name: BankName, db: Database = DEFAULT_FILE, encoder: EncoderName = None, json: AsJson = False) -> None:
    """Turn what was observed since the last time into thoughts: inserted, merged, superseded."""
    with open_store(db, encoder=encoder, write=True) as store:
        bank = existing_bank(store, bank_name)
        with err.status("Thinking …"):
            receipt = bank.think()
        _show_receipt(bank, receipt, json, nothing="No exchange was waiting to be thought about.")


def _show_receipt(bank: MemoryBank, receipt: Receipt, as_json: bool, *, nothing: str) -> None:
    if as_json:
        write_json(receipt.model_dump(mode="json"))
        return
    table = new_table("what became of it", "kind", "text")
    for outcome in receipt.outcomes:
        memory = None if outcome.id is None else bank.get(outcome.id)
        if memory is not None and outcome.action != "skipped":
            table.add_row(outcome.action, memory.kind, shown(memory.text))
    if table.row_count:
        out.print(table)
    counts = Counter(outcome.action for outcome in receipt.outcomes)
    say(out, ", ".join(f"{count} {action}" for action, count in counts.items()) or nothing)
