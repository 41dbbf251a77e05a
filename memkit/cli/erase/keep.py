"""Keep: the rules of retention in a file."""

from typing import Annotated

import typer
from pydantic import ValidationError

import memkit
from memkit.cli.options import DEFAULT_FILE, AsJson, Database, open_store, parse_keep_rule
from memkit.cli.output import answer, line, note
from memkit.errors import InputError
from memkit.forget.erasure_plan import plural
from memkit.identifiers import bank_path
from memkit.settings import KeepRule, Settings


def keep(
    rules: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RULE]...", help="turn=90, thought=forever, acme/trial:all=7,erase, turn+thought=30."),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Take all rules away.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Show the rules of retention in the file, or put these in their place: how many days a kind is kept.

    A rule may hold for banks that start so (acme/trial:...). What is past its days is archived by decay, or with
    ",erase" erased by prune; maintain does both. What is pinned stays.
    """
    if rules and none:
        raise InputError("keep: give rules, or --none.")
    new_rules = tuple(parse_keep_rule(text) for text in rules or ())
    with open_store(db, write=bool(rules or none)) as store:
        settings = store.settings
    if rules or none:
        settings = _with_rules(settings, new_rules)
        memkit.open(db, settings=settings).close()
    held = settings.keep or ()
    answer(json, held, (line(str(rule), f": {_describe(rule)}") for rule in held))
    if not (json or held):
        note("There are no rules: the curve alone decides.")


def _with_rules(settings: Settings, rules: tuple[KeepRule, ...]) -> Settings:
    try:
        return Settings(**{**dict(settings), "keep": rules})
    except ValidationError as error:
        raise InputError(f"keep: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _describe(rule: KeepRule) -> str:
    kinds = ", ".join(plural(kind, 2) for kind in rule.kinds) or "everything"
    where = f" of banks under {bank_path(rule.under)}" if rule.under else ""
    if rule.days is None:
        return f"{kinds}{where} kept for ever"
    fate = "erased for good" if rule.then == "erase" else "archived"
    return f"{kinds}{where} {fate} after {rule.days:,} {'day' if rule.days == 1 else 'days'}"
