"""Undo: what a command did, taken back by its receipt."""

import json as json_format
from typing import Annotated

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, open_bank
from memkit.cli.tables import show_receipt
from memkit.errors import InputError
from memkit.forget.requests import ThinkingReceipt
from memkit.identifiers import bank_path
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
    with open_bank(db, bank_name, write=True) as bank:
        show_receipt(bank.undo(_receipt_for(bank, receipt.read())), json)


def _receipt_for(bank: MemoryBank, text: str) -> Receipt:
    """The receipt of a bank in what a command wrote. Raises InputError where there is none, or more than one.

    Receipts stand alone, or in the reports of audit.
    """
    try:
        document = json_format.loads(text)
        parts = document if isinstance(document, list) else [document]
        values = [part.get("receipt", part) if isinstance(part, dict) else part for part in parts]
        receipts = [ThinkingReceipt.model_validate(value) for value in values if value is not None]
    except ValueError:
        raise InputError(
            "undo: this is no receipt. Give the file that a command wrote with --json: "
            "memkit think BANK --json > think.json; memkit undo BANK think.json"
        ) from None
    own = [receipt for receipt in receipts if receipt.bank == bank.name]
    if len(own) != 1:
        raise InputError(f"undo: the file holds {len(own)} receipts of {bank_path(bank.name)}; it must be one.")
    return own[0]
