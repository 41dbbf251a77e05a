"""Add: sentences stored as thoughts."""

from typing import Annotated

import typer

from memkit.cli.options import (
    DEFAULT_FILE,
    AsJson,
    BankName,
    Database,
    EncoderName,
    bank_parts,
    load_encoder,
    open_store,
)
from memkit.cli.tables import show_receipt


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
        show_receipt(store.bank(*bank_parts(bank_name)).insert(texts), json)
