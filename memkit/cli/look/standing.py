"""Standing: what people asked for until further notice."""

from memkit.cli.options import DEFAULT_FILE, AsJson, BankName, Database, open_bank
from memkit.cli.output import answer, new_table, shown, when


def standing(bank_name: BankName, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Standing instructions that people gave and that hold now, newest first, at most ten."""
    with open_bank(db, bank_name) as bank:
        instructions, zone = bank.standing(), bank.zone
    rows = ((when(each.said_at, zone), shown(each.speaker or ""), shown(each.text)) for each in instructions)
    answer(json, instructions, [new_table(("said", "who", "asked for"), rows)])
