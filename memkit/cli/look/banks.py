"""Banks: their names."""

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts
from memkit.cli.output import note, out, shown, write_json
from memkit.cli.stores import open_store


def banks(prefix: Prefix = None, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """The names of the banks in the database."""
    with open_store(db) as store:
        names = ["/".join(name) for name in store.banks(bank_parts(prefix) if prefix else ())]
    if json:
        write_json(names)
        return
    for name in names:
        out.print(shown(name), soft_wrap=True)
    note(f"{len(names):,} {'bank' if len(names) == 1 else 'banks'} in {db}")
