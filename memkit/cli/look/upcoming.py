"""Upcoming: what people have ahead of them."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, open_bank
from memkit.cli.output import answer, new_table, shown
from memkit.recall.present.asides import days_of

Days = Annotated[int, typer.Option(min=1, max=100_000, help="Within so many days, before and after today.")]


def upcoming(bank_name: BankName, days: Days = 14, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Plans that people told, in order of time; first what was due and never spoken of since."""
    with open_bank(db, bank_name) as bank:
        plans, zone = bank.upcoming(within=timedelta(days=days)), ZoneInfo(bank.zone)
    rows = ((days_of(plan, zone), shown(plan.memory.speaker or ""), shown(plan.text)) for plan in plans)
    answer(json, plans, [new_table(("when", "who", "plan"), rows)])
