"""Forget: memories taken out of recall."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, open_bank
from memkit.cli.tables import show_receipt


def forget(
    bank_name: BankName,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of memories.")],
    reason: Annotated[str, typer.Option(help="Kept in history.")] = "asked for on the command line",
    undo: Annotated[bool, typer.Option("--undo", help="Bring forgotten or faded memories back.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Take memories out of recall; they stay in history. To remove one for good, see erase."""
    with open_bank(db, bank_name, write=True) as bank:
        show_receipt(bank.restore(ids) if undo else bank.forget(ids, reason=reason), json)
