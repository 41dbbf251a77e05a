"""Receipts: the erasures that were carried out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts, open_store
from memkit.cli.output import answer, line, new_table, shown
from memkit.forget.erasure_plan import plural
from memkit.identifiers import bank_path
from memkit.models import ErasureReceipt


def receipts(
    prefix: Prefix = None,
    to: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write all as JSON lines.")] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """List what was erased, when, and on whose request. With --out, the list that restore takes."""
    with open_store(db) as store:
        receipts = store.receipts(bank_parts(prefix) if prefix else ())
        if to is not None:
            store.export_receipts(to)
    answer(json, receipts, [_receipts_table(receipts) if receipts else line("Nothing was erased.")])


def _receipts_table(receipts: Sequence[ErasureReceipt]) -> Table:
    rows = (
        (
            str(receipt.number),
            f"{receipt.at:%Y-%m-%d %H:%M}",
            shown(bank_path(receipt.bank)),
            ", ".join(f"{count} {plural(kind, count)}" for kind, count in receipt.counts.items()),
            str(len(receipt.remade)),
            shown(receipt.requested_by or ""),
            bytes_word(receipt),
        )
        for receipt in receipts
    )
    columns = ("no", "when", "bank", "what went", "made again", "asked by", "bytes")
    return new_table(columns, rows, right=("no", "made again"))


def bytes_word(receipt: ErasureReceipt) -> str:
    """State of an erasure's bytes, in a word or two."""
    if not receipt.bytes_pending:
        return "gone"
    return "pending" if receipt.bytes_checkable else "can't tell"
