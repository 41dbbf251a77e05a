"""Revoke an access token."""

from typing import Annotated

import typer

from memkit.cli.access.options import opened_access, tokens_table
from memkit.cli.options import DEFAULT_FILE, AsJson, Database, check_exists
from memkit.cli.output import answer
from memkit.times import utc_now


def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="The token's id, as access list gives it.")],
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Revoke an access token for good: from now on no server takes it."""
    check_exists(db)
    with opened_access(db) as access:
        token = access.revoke(id)
    answer(json, token, [tokens_table([token], utc_now())])
