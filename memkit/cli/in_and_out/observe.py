"""Observe: a conversation's file goes into a bank."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, EXIT_REFUSED, AsJson, Database, EncoderName, bank_parts
from memkit.cli.output import bar, err, new_table, out, say, shown, write_json
from memkit.cli.stores import load_encoder, open_store
from memkit.errors import InputError
from memkit.evaluation.formats.files import FORMAT_NAMES, published_format, read_document
from memkit.evaluation.formats.jsonl import lines
from memkit.models import Outcome
from memkit.store import MemoryStore

CHUNK_TURNS = 500  # in one call: large enough for the encoder, small enough for the bar
MAX_REASONS_SHOWN = 5  # of refused inputs


class BankTurns(NamedTuple):
    """Turns for one bank, as `bank.observe` takes them."""

    bank: tuple[str, ...]
    turns: Sequence[Any]


class BankOutcomes(NamedTuple):
    """Outcomes of the turns of one bank."""

    bank: str
    outcomes: list[Outcome]


def observe(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help=f"{FORMAT_NAMES[0].upper()}{FORMAT_NAMES[1:]}.")
    ],
    bank: Annotated[
        str | None, typer.Argument(metavar="[BANK]", help="Where to: acme/ana. Default: named after the file.")
    ] = None,
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Store a conversation: filtered, encoded, and searchable at once. Makes the database.

    JSON lines: {"speaker": "Ana", "text": "...", "at": "2025-03-04T09:30:00+00:00"}, also with id, session
    and metadata; or role and content. The conversations of a LoCoMo file go to banks of their own: BANK/NAME.
    """
    parts = _read_turns(file, bank)
    with open_store(db, encoder=encoder, create=True) as store:
        loading = load_encoder(store)
        start = time.perf_counter()
        outcomes_by_bank = _observe_parts(store, parts)
        seconds = time.perf_counter() - start
    turns = sum(len(part.turns) for part in parts)
    figures = {
        "turns": turns,
        "seconds": seconds,
        "turns_per_second": turns / max(seconds, 1e-9),
        "encoder_load_seconds": loading,
    }
    if json:
        write_json({"db": str(db), **figures, "banks": {each.bank: _counts(each) for each in outcomes_by_bank}})
    else:
        _show_outcomes(outcomes_by_bank, db, figures)
    if any(outcome.action == "rejected" for each in outcomes_by_bank for outcome in each.outcomes):
        raise typer.Exit(EXIT_REFUSED)


def _read_turns(file: Path, bank: str | None) -> list[BankTurns]:
    document = read_document(file)
    dataset = published_format(file, document)
    if dataset is not None:
        kind, conversations = dataset
        prefix = bank_parts(bank or kind)
        return [BankTurns((*prefix, conversation.name), conversation.turns) for conversation in conversations]
    turns = document if isinstance(document, list) else [item for _, item in lines(file)]
    if not turns:
        raise InputError(f"{file.name}: holds no turns. Give {FORMAT_NAMES}.")
    return [BankTurns(bank_parts(bank or file.stem), turns)]


def _observe_parts(store: MemoryStore, parts: Sequence[BankTurns]) -> list[BankOutcomes]:
    outcomes_by_bank = []
    with bar() as progress:
        task = progress.add_task("observing", total=sum(len(part.turns) for part in parts))
        for part in parts:
            name = "/".join(part.bank)
            progress.update(task, description=shown(name))
            outcomes: list[Outcome] = []
            for chunk in _chunks(part.turns):
                outcomes += _observe_chunk(store.bank(*part.bank), chunk)
                progress.advance(task, len(chunk))
            outcomes_by_bank.append(BankOutcomes(name, outcomes))
    return outcomes_by_bank


def _observe_chunk(bank: MemoryBank, chunk: Sequence[Any]) -> Sequence[Outcome]:
    """Outcomes of a chunk; where all of it was refused, of its turns one by one."""
    try:
        return bank.observe(chunk).outcomes
    except InputError as error:
        refused = Outcome(id=None, action="rejected", reason=str(error), error=type(error).__name__)
        return [refused] * len(chunk)


def _chunks(turns: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(turns)
    while chunk := list(islice(rest, CHUNK_TURNS)):
        yield chunk


def _counts(of_bank: BankOutcomes) -> dict[str, int]:
    return dict(sorted(Counter(outcome.action for outcome in of_bank.outcomes).items()))


def _show_outcomes(outcomes_by_bank: Sequence[BankOutcomes], db: Path, figures: dict[str, float]) -> None:
    actions = sorted({action for each in outcomes_by_bank for action in _counts(each)})
    table = new_table(
        "bank", *actions, right=actions, least={"bank": min(24, max(len(each.bank) for each in outcomes_by_bank))}
    )
    for each in outcomes_by_bank:
        counts = _counts(each)
        table.add_row(shown(each.bank), *(f"{counts.get(action, 0):,}" for action in actions))
    out.print(table)
    say(
        out,
        f"{figures['turns']:,.0f} turns in {figures['seconds']:.1f} s: {figures['turns_per_second']:,.0f} per second",
        f", after {figures['encoder_load_seconds']:.1f} s for loading the encoder. Stored in {db}.",
        style="bold",
    )
    refused = [o for each in outcomes_by_bank for o in each.outcomes if o.action == "rejected"]
    for reason, count in Counter(o.reason or o.error or "" for o in refused).most_common(MAX_REASONS_SHOWN):
        say(err, f"{count} refused: ", reason, style="red")
