"""Add: sentences stored as thoughts."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, EncoderName, bank_parts
from memkit.cli.receipt_tables import show_receipt
from memkit.cli.stores import load_encoder, open_store


def add(
    bank_name: BankName,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT", help="A sentence to remember, or several.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Store sentences as thoughts; what says the same as one that is there is skipped. Makes the bank."""
    with open_store(db, encoder=encoder, create=True) as store:
        load_encoder(store)
        bank = store.bank(*bank_parts(bank_name))
        show_receipt(bank.insert(texts), json)
