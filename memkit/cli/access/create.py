"""Create an access token."""

from typing import Annotated

import typer

from memkit.access import EVERY_RIGHT
from memkit.cli.access.options import opened_access, under
from memkit.cli.options import DEFAULT_FILE, AsJson, Database, bank_parts, parse_choices, parse_moment
from memkit.cli.output import answer, line, note

DEFAULT_RIGHTS = ["read", "write"]


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What or whom it is for, on one line.")],
    prefixes: Annotated[
        list[str] | None,
        typer.Option(
            "--under", metavar="PREFIX", help="Banks whose name starts so: acme; may be repeated. Default: all."
        ),
    ] = None,
    right: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RIGHT", help=f"One of {', '.join(EVERY_RIGHT)}; may be repeated. Default: read and write."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Until when it counts: 2027-01-01, or with a time. Default: always."),
    ] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Make an access token, and show its secret, the one time that anybody can see it.

    A server in front of this database asks for one from then on: Authorization: Bearer SECRET.
    """
    rights = parse_choices("--right", right or DEFAULT_RIGHTS, EVERY_RIGHT) or []
    with opened_access(db) as access:
        new = access.create(
            name,
            under=[bank_parts(prefix) for prefix in prefixes] if prefixes else [()],
            rights=rights,
            expires_at=parse_moment(expires, "UTC"),
        )
    note(f"Token {new.token.id} for {under(new.token)}: {', '.join(new.token.rights)}.")
    note("Keep the secret now: it can't be shown again.")
    answer(json, new, [line(new.secret)])
