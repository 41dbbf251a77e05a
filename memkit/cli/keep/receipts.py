"""Receipts: the erasures that were carried out."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts
from memkit.cli.output import new_table, out, say, shown, write_json
from memkit.cli.stores import open_store
from memkit.forget.erasure_plan import plural


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
    if json:
        write_json([receipt.model_dump(mode="json") for receipt in receipts])
        return
    table = new_table("no", "when", "bank", "what went", "made again", "asked by", "bytes", right=("no", "made again"))
    for receipt in receipts:
        went = ", ".join(f"{count} {plural(kind, count)}" for kind, count in receipt.counts.items())
        state = "pending" if receipt.bytes_pending else "gone"
        day = f"{receipt.at:%Y-%m-%d %H:%M}"
        again = str(len(receipt.remade))
        names = [shown("/".join(receipt.bank)), went, again, shown(receipt.requested_by or "")]
        table.add_row(str(receipt.number), day, *names, state)
    out.print(table) if receipts else say(out, "Nothing was erased.")
