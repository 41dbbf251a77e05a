"""Pin: a memory that doesn't fade."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, MemoryId, open_bank
from memkit.cli.tables import show_receipt


def pin(
    bank_name: BankName,
    id: MemoryId,
    off: Annotated[bool, typer.Option("--off", help="Let it fade again.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Keep a memory from fading."""
    with open_bank(db, bank_name, write=True) as bank:
        show_receipt(bank.pin(id, pinned=not off), json)
