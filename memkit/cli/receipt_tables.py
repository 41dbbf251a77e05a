"""Receipts of changes: JSON for programs, a table for people."""

from memkit.cli.output import new_table, out, say, shown, write_json
from memkit.models import Receipt


def show_receipt(receipt: Receipt, as_json: bool) -> None:
    """Write what became of each input."""
    if as_json:
        write_json(receipt.model_dump(mode="json"))
        return
    table = new_table("id", "what became of it", "why")
    for outcome in receipt.outcomes:
        table.add_row(shown(outcome.id or "-"), outcome.action, shown(outcome.reason or ""))
    out.print(table) if table.row_count else say(out, "Nothing to do.")
