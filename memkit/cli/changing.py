"""By hand: add, correct, pin, forget, undo."""

import json as json_format
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, AsJson, Bank, Database, EncoderName, MemoryId, bank_parts
from memkit.cli.output import out, say, shown, table, write_json
from memkit.cli.stores import bank_in, opened, warmed
from memkit.errors import InputError
from memkit.models import Receipt


def add(
    bank: Bank,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT", help="A sentence to remember, or several.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Store sentences as thoughts; what says the same as one that is there is skipped. Makes the bank."""
    with opened(db, encoder=encoder, make=True) as store:
        warmed(store)
        chosen = store.bank(*bank_parts(bank))
        _tell(chosen, chosen.insert(texts), json)


def correct(
    bank: Bank,
    id: MemoryId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What holds instead.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Put what holds now in the place of a memory; the old one stays in history."""
    with opened(db, encoder=encoder, write=True) as store:
        chosen = bank_in(store, bank)
        warmed(store)
        _tell(chosen, chosen.correct(id, text), json)


def pin(
    bank: Bank,
    id: MemoryId,
    off: Annotated[bool, typer.Option("--off", help="Let it fade again.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Keep a memory from fading."""
    with opened(db, write=True) as store:
        chosen = bank_in(store, bank)
        _tell(chosen, chosen.pin(id, pinned=not off), json)


def forget(
    bank: Bank,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of memories.")],
    reason: Annotated[str, typer.Option(help="Kept in history.")] = "asked for on the command line",
    undo: Annotated[bool, typer.Option("--undo", help="Bring forgotten or faded memories back.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Take memories out of recall; they stay in history. To remove one for good, see erase."""
    with opened(db, write=True) as store:
        chosen = bank_in(store, bank)
        receipt = chosen.restore(ids) if undo else chosen.forget(ids, reason=reason)
        _tell(chosen, receipt, json)


def undo(
    bank: Bank,
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
    with opened(db, write=True) as store:
        chosen = bank_in(store, bank)
        _tell(chosen, chosen.undo(_receipt_for(chosen, receipt.read())), json)


def _receipt_for(bank: MemoryBank, text: str) -> Receipt:
    """The receipt of a bank in what a command wrote. Raises InputError where there is none, or more than one."""
    try:
        made = [Receipt.model_validate(value) for value in _receipts_in(json_format.loads(text))]
    except ValueError:
        raise InputError(
            "undo: this is no receipt. Give the file that a command wrote with --json: "
            "memkit think BANK --json > think.json; memkit undo BANK think.json"
        ) from None
    own = [one for one in made if one.bank == bank.name]
    if len(own) != 1:
        raise InputError(f"undo: the file holds {len(own)} receipts of {'/'.join(bank.name)}; it must be one.")
    return own[0]


def _receipts_in(document: Any) -> Iterator[Any]:
    """Receipts as they stand alone, or in the reports of audit."""
    for part in document if isinstance(document, list) else [document]:
        value = part.get("receipt", part) if isinstance(part, dict) else part
        if value is not None:
            yield value


def _tell(bank: MemoryBank, receipt: Receipt, as_json: bool) -> None:
    if as_json:
        write_json(receipt.model_dump(mode="json"))
        return
    made = table("id", "what became of it", "why")
    for outcome in receipt.outcomes:
        made.add_row(shown(outcome.id or "-"), outcome.action, shown(outcome.reason or ""))
    out.print(made) if made.row_count else say(out, "Nothing to do.")
