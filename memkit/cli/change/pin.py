"""Pin: a memory that doesn't fade."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, MemoryId
from memkit.cli.receipt_tables import show_receipt
from memkit.cli.stores import existing_bank, open_store


def pin(
    bank_name: BankName,
    id: MemoryId,
    off: Annotated[bool, typer.Option("--off", help="Let it fade again.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Keep a memory from fading."""
    with open_store(db, write=True) as store:
        bank = existing_bank(store, bank_name)
        show_receipt(bank.pin(id, pinned=not off), json)
