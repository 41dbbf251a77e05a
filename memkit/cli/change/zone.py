"""Zone: where a bank's days begin."""

from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, open_bank
from memkit.cli.output import answer, line


def zone(
    bank_name: BankName,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[ZONE]", help="Another one: Europe/Lisbon. Without it, the bank's is shown."),
    ] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Show a bank's time zone, which says where its days begin, or give it another.

    Terms of dates are made again; summaries are due again, and the next reflect or maintain writes them.
    """
    with open_bank(db, bank_name, write=name is not None) as bank:
        if name is not None:
            bank.change_zone(name)
        answer(json, {"bank": bank_name, "zone": bank.zone}, [line(bank.zone, style="bold")])
