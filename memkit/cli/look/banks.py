"""Banks: their names."""

from contextlib import closing

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, Prefix, bank_parts, check_exists
from memkit.cli.output import answer, line, note
from memkit.identifiers import bank_path
from memkit.storage import open_storage
from memkit.storage.locations import public_name


def banks(prefix: Prefix = None, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """The names of the banks in the database."""
    check_exists(db)
    with closing(open_storage(db, read_only=True)) as storage:  # without a store over it, whose modules are many
        states = storage.banks(bank_parts(prefix) if prefix else ())
    names = [bank_path(state.name) for state in states]
    answer(json, names, map(line, names))
    if not json:
        note(f"{len(names):,} {'bank' if len(names) == 1 else 'banks'} in {public_name(db)}")
