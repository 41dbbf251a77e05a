"""Arguments and options that several commands share: what they mean, the stores and banks that they open."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError

import memkit
from memkit.cli.output import err, note
from memkit.errors import InputError, UnknownOptionError
from memkit.identifiers import bank_name, bank_path
from memkit.models import MEMORY_KINDS
from memkit.storage.locations import is_server

if TYPE_CHECKING:
    from memkit.bank import MemoryBank
    from memkit.protocols import Encoder
    from memkit.settings import KeepRule
    from memkit.store import MemoryStore

Choice = TypeVar("Choice", bound=str)

EXIT_ERROR, EXIT_REFUSED = 1, 3

DEFAULT_FILE = "memkit.db"
RULE_PARTS = {
    "kinds": f"it names a kind that isn't one of {', '.join(MEMORY_KINDS)} or all",
    "days": "its days are no whole number from 1 to 100,000, nor forever",
    "then": "after the comma stands only archive or erase",
}

BANK_ARGUMENT = typer.Argument(metavar="BANK", help="A bank's name, its parts separated by slashes: acme/ana.")
BankName = Annotated[str, BANK_ARGUMENT]
OptionalBankName = Annotated[str | None, BANK_ARGUMENT]
MemoryId = Annotated[str, typer.Argument(metavar="ID", help="The id of a memory, as show and recall --why give it.")]
Database = Annotated[
    str,
    typer.Option(
        "--db",
        "-d",
        envvar="MEMKIT_DB",
        metavar="FILE",
        help="The database: a file, or the URL of a PostgreSQL database, postgresql://user@host/name.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document, for programs.")]
EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder", metavar="NAME", help="minilm, hashing (no model), or an exported folder. Default: the file's own."
    ),
]
ModelName = Annotated[
    str, typer.Option("--encoder", metavar="NAME", help="minilm, hashing (no model), or an exported folder.")
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help=f"Only these: {', '.join(MEMORY_KINDS)}.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help='Only with this metadata; the same key again: either value. VALUE may be a filter: n={"$gte": 3}.',
    ),
]
Speaker = Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person said.")]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="Only from then on: 2025-05-01, or with a time.")]
Prefix = Annotated[str | None, typer.Argument(metavar="[PREFIX]", help="Only banks whose name starts so: acme.")]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Only before then.")]


def bank_parts(name: str) -> tuple[str, ...]:
    """ "acme/ana" as the parts of a bank's name; %2F is a slash within one."""
    return bank_name(name)


def parse_moment(value: str | None, zone: str) -> datetime | None:
    """A date or time as typed; without an offset it is meant in the bank's zone. Raises InputError."""
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise InputError(f"{value!r} is no date or time. Write 2025-05-01 or 2025-05-01T18:30+02:00.") from None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=ZoneInfo(zone))


def parse_keep_rule(text: str) -> "KeepRule":
    """A rule of retention as typed: [BANK:]KIND=DAYS[,erase]. Raises InputError."""
    from memkit.settings import KeepRule

    bank, colon, rest = text.rpartition(":")
    names, _, span = rest.partition("=")
    days, _, then = span.partition(",")
    values = {
        "under": bank_parts(bank) if colon else (),
        "kinds": () if names == "all" else tuple(names.split("+")),
        "days": None if days == "forever" else days,
        "then": then or "archive",
    }
    try:
        return KeepRule.model_validate(values)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise InputError(
            f"keep: {text!r} is no rule: {RULE_PARTS[field]}. "
            "Write turn=90, thought=forever, acme/trial:all=7,erase or turn+thought=30."
        ) from None


def parse_conditions(pairs: list[str] | None) -> dict[str, Any] | None:
    """KEY=VALUE pairs as a `where`. A VALUE that is JSON counts as that. Raises InputError."""
    if not pairs:
        return None
    where: dict[str, list[Any]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InputError("--where: takes KEY=VALUE, for example --where topic=work.")
        where.setdefault(key, []).append(_parse_value(value))
    return {key: values[0] if len(values) == 1 else values for key, values in where.items()}


def parse_choices(option: str, names: list[str] | None, choices: Sequence[Choice]) -> list[Choice] | None:
    """The values of an option that takes some of these words. Raises UnknownOptionError."""
    words: dict[str, Choice] = {str(choice): choice for choice in choices}
    for name in names or ():
        if name not in words:
            raise UnknownOptionError(f"{option}: there is no {name!r}; known are {', '.join(words)}.")
    return [words[name] for name in names or ()] or None


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def encoder_from_option(name: str) -> "Encoder":
    """The encoder of an --encoder option. Raises InputError."""
    from memkit.encoders import encoder_of_choice

    return encoder_of_choice(name)


def check_exists(db: str) -> None:
    """Raise InputError where there is no such file; a server tells by itself."""
    if not is_server(db) and not Path(db).exists():
        raise InputError(
            f"{db}: there is no such database. Name one with --db or MEMKIT_DB; `memkit observe FILE` makes one."
        )


@contextmanager
def open_store(
    db: str, *, encoder: str | None = None, write: bool = False, create: bool = False
) -> "Iterator[MemoryStore]":
    """The store in a file. Raises InputError where there is none and none is to be created."""
    if not create:
        check_exists(db)
    given = None if encoder is None else encoder_from_option(encoder)
    with memkit.open(db, encoder=given, read_only=not (write or create)) as store:
        yield store


@contextmanager
def open_bank(
    db: str, name: str, *, encoder: str | None = None, write: bool = False, warm: bool = False
) -> "Iterator[MemoryBank]":
    """A bank that is there, of the store in a file; `warm`: with its encoder loaded. Raises InputError."""
    with open_store(db, encoder=encoder, write=write) as store:
        bank = existing_bank(store, name)
        if warm:
            load_encoder(store)
        yield bank


def existing_bank(store: "MemoryStore", name: str) -> "MemoryBank":
    """A bank of the database. Raises InputError where there is none of that name, and names others."""
    bank = store.bank(*bank_parts(name))
    if bank.name not in store.banks(bank.name):
        near = [bank_path(other) for other in store.banks()[:5]]
        there = f"There is {', '.join(near)}." if near else "There is none yet."
        raise InputError(f"{name}: no such bank in this database. {there}")
    return bank


def load_encoder(store: "MemoryStore") -> float:
    """Load the encoder; the seconds that it took."""
    start = time.perf_counter()
    with err.status("Loading the encoder …"):
        store.warm()
    return time.perf_counter() - start


def confirm(question: str, *, yes: bool, as_json: bool, unasked: str, refused: str) -> None:
    """Ask whether to go on. Raises InputError where nobody can be asked, Exit after a no."""
    if yes:
        return
    if as_json:
        raise InputError(unasked)
    if not typer.confirm(question, err=True):
        note(refused)
        raise typer.Exit(EXIT_ERROR)


def confirm_erasure(*, yes: bool, as_json: bool) -> None:
    """Ask whether to erase."""
    unasked = "erase: --json doesn't ask. Add --yes to erase, or --dry-run to see the plan."
    confirm("Erase this for good?", yes=yes, as_json=as_json, unasked=unasked, refused="Nothing was erased.")
