"""Banks: their names."""

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts, open_store
from memkit.cli.output import answer, line, note


def banks(prefix: Prefix = None, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """The names of the banks in the database."""
    with open_store(db) as store:
        names = ["/".join(name) for name in store.banks(bank_parts(prefix) if prefix else ())]
    answer(json, names, map(line, names))
    if not json:
        note(f"{len(names):,} {'bank' if len(names) == 1 else 'banks'} in {db}")
