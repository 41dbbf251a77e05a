"""Undo: what a command did, taken back by its receipt."""

import json as json_format
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database
from memkit.cli.receipt_tables import show_receipt
from memkit.cli.stores import existing_bank, open_store
from memkit.errors import InputError
from memkit.models import Receipt


def undo(
    bank_name: BankName,
    receipt: Annotated[
        typer.FileText,
        typer.Argument(encoding="utf-8", metavar="FILE", help="What the command wrote with --json; - for stdin."),
    ],
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Take back what a command did, by its receipt: all of it, or nothing where something was built on it since.

    Takes what add, think, reflect, correct, pin, forget, audit --fix and undo itself write with --json. What was
    added is forgotten, and stays in history. An erasure can't be undone.
    """
    with open_store(db, write=True) as store:
        bank = existing_bank(store, bank_name)
        show_receipt(bank.undo(_receipt_for(bank, receipt.read())), json)


def _receipt_for(bank: MemoryBank, text: str) -> Receipt:
    """The receipt of a bank in what a command wrote. Raises InputError where there is none, or more than one."""
    try:
        receipts = [Receipt.model_validate(value) for value in _receipts_in(json_format.loads(text))]
    except ValueError:
        raise InputError(
            "undo: this is no receipt. Give the file that a command wrote with --json: "
            "memkit think BANK --json > think.json; memkit undo BANK think.json"
        ) from None
    own = [receipt for receipt in receipts if receipt.bank == bank.name]
    if len(own) != 1:
        raise InputError(f"undo: the file holds {len(own)} receipts of {'/'.join(bank.name)}; it must be one.")
    return own[0]


def _receipts_in(document: Any) -> Iterator[Any]:
    """Receipts as they stand alone, or in the reports of audit."""
    for part in document if isinstance(document, list) else [document]:
        value = part.get("receipt", part) if isinstance(part, dict) else part
        if value is not None:
            yield value
