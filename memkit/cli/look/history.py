"""History: the changes of one memory."""

from memkit.cli.options import (
    DEFAULT_FILE,
    AsJson,
    BankName,
    Database,
    MemoryId,
)
from memkit.cli.output import excerpt, new_table, out, shown, when, write_json
from memkit.cli.stores import existing_bank, open_store


def history(bank_name: BankName, id: MemoryId, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Every change of one memory, oldest first: what, when, by whom, why."""
    with open_store(db) as store:
        bank = existing_bank(store, bank_name)
        entries = bank.history(id)
        zone = bank.zone
    if json:
        write_json([entry.model_dump(mode="json") for entry in entries])
        return
    table = new_table("when", "event", "by", "why", "before")
    for entry in entries:
        before = "" if entry.before is None else f"{entry.before.state}: {excerpt(entry.before.text)}"
        table.add_row(when(entry.at, zone), entry.event, entry.author, shown(entry.reason or ""), before)
    out.print(table)
