"""History: the changes of one memory."""

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, MemoryId, open_bank
from memkit.cli.output import answer, excerpt, new_table, shown, when


def history(bank_name: BankName, id: MemoryId, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Every change of one memory, oldest first: what, when, by whom, why."""
    with open_bank(db, bank_name) as bank:
        entries, zone = bank.history(id), bank.zone
    rows = (
        (
            when(entry.at, zone),
            entry.event,
            entry.author,
            shown(entry.reason or ""),
            "" if entry.before is None else f"{entry.before.state}: {excerpt(entry.before.text)}",
        )
        for entry in entries
    )
    answer(json, entries, [new_table(("when", "event", "by", "why", "before"), rows)])
