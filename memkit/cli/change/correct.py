"""Correct: what holds now in the place of a memory."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, EncoderName, MemoryId, open_bank
from memkit.cli.tables import show_receipt


def correct(
    bank_name: BankName,
    id: MemoryId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What holds instead.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Put what holds now in the place of a memory; the old one stays in history."""
    with open_bank(db, bank_name, encoder=encoder, write=True, warm=True) as bank:
        show_receipt(bank.correct(id, text), json)
