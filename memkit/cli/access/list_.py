"""List access tokens."""

from memkit.cli.access.options import opened_access, tokens_table
from memkit.cli.options import DEFAULT_FILE, AsJson, Database, check_exists
from memkit.cli.output import answer, line
from memkit.times import utc_now


def list_(db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """List all access tokens that were ever made, never their secrets."""
    check_exists(db)
    with opened_access(db, read_only=True) as access:
        tokens = access.list()
    answer(json, tokens, [tokens_table(tokens, utc_now()) if tokens else line("There are no access tokens.")])
