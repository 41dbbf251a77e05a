"""Correct: what holds now in the place of a memory."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, EncoderName, MemoryId
from memkit.cli.receipt_tables import show_receipt
from memkit.cli.stores import existing_bank, load_encoder, open_store


def correct(
    bank_name: BankName,
    id: MemoryId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What holds instead.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Put what holds now in the place of a memory; the old one stays in history."""
    with open_store(db, encoder=encoder, write=True) as store:
        bank = existing_bank(store, bank_name)
        load_encoder(store)
        show_receipt(bank.correct(id, text), json)
