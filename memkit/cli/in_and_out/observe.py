"""Observe: a conversation's file goes into a bank."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from memkit.bank import MemoryBank
from memkit.cli.options import (
    DEFAULT_FILE,
    EXIT_REFUSED,
    AsJson,
    Database,
    EncoderName,
    bank_parts,
    load_encoder,
    open_store,
)
from memkit.cli.output import answer, bar, err, line, new_table, note, say, shown
from memkit.errors import InputError
from memkit.evaluation.formats.files import FORMAT_NAMES, published_format, read_document
from memkit.evaluation.formats.jsonl import lines
from memkit.identifiers import bank_path
from memkit.models import Action, Outcome, Receipt
from memkit.storage.locations import public_name
from memkit.store import MemoryStore

CHUNK_TURNS = 500  # in one call: large enough for the encoder, small enough for the bar
MAX_REASONS_SHOWN = 5  # of refused inputs


class BankTurns(NamedTuple):
    """Turns for one bank, as `bank.observe` takes them."""

    bank: tuple[str, ...]
    turns: Sequence[Any]


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
    turns = sum(len(part.turns) for part in parts)
    with open_store(db, encoder=encoder, create=True) as store:
        loading = load_encoder(store)
        start = time.perf_counter()
        receipts = _observe_parts(store, parts)
        seconds = time.perf_counter() - start
    figures = {
        "turns": turns,
        "seconds": seconds,
        "turns_per_second": turns / max(seconds, 1e-9),
        "encoder_load_seconds": loading,
    }
    counts = {name: dict(sorted(Counter(o.action for o in own.outcomes).items())) for name, own in receipts.items()}
    total = Receipt.joined((), list(receipts.values()))
    document = {"db": public_name(db), **figures, "unencoded": total.unencoded, "banks": counts}
    answer(json, document, [_counts_table(counts), _speed(figures, db)])
    if total.remark and not json:
        note(total.remark)
    refused = [outcome for outcome in total.outcomes if outcome.action == "rejected"]
    reasons = Counter(outcome.reason or outcome.error or "" for outcome in refused)
    for reason, count in () if json else reasons.most_common(MAX_REASONS_SHOWN):
        say(err, f"{count} refused: ", reason, style="red")
    if refused:
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


def _observe_parts(store: MemoryStore, parts: Sequence[BankTurns]) -> dict[str, Receipt]:
    """A receipt for each bank."""
    receipts: dict[str, list[Receipt]] = {}
    with bar() as progress:
        task = progress.add_task("observing", total=sum(len(part.turns) for part in parts))
        for part in parts:
            name = bank_path(part.bank)
            own = receipts.setdefault(name, [])
            progress.update(task, description=shown(name))
            for start in range(0, len(part.turns), CHUNK_TURNS):
                chunk = part.turns[start : start + CHUNK_TURNS]
                own.append(_observe_chunk(store.bank(*part.bank), chunk))
                progress.advance(task, len(chunk))
    return {name: Receipt.joined(bank_parts(name), own) for name, own in receipts.items()}


def _observe_chunk(bank: MemoryBank, chunk: Sequence[Any]) -> Receipt:
    """Receipt of a chunk; where all of it was refused, of its turns one by one."""
    try:
        return bank.observe(chunk)
    except InputError as error:
        return Receipt(bank=bank.name, change=0, outcomes=(Outcome.rejected(error),) * len(chunk))


def _counts_table(counts: Mapping[str, Mapping[Action, int]]) -> Table:
    actions = sorted({action for of_bank in counts.values() for action in of_bank})
    rows = ([shown(name), *(f"{own.get(action, 0):,}" for action in actions)] for name, own in counts.items())
    return new_table(["bank", *actions], rows, right=actions, least={"bank": min(24, max(map(len, counts)))})


def _speed(figures: dict[str, float], db: str) -> Text:
    return line(
        f"{figures['turns']:,.0f} turns in {figures['seconds']:.1f} s: {figures['turns_per_second']:,.0f} per second",
        f", after {figures['encoder_load_seconds']:.1f} s for loading the encoder. Stored in {public_name(db)}.",
        style="bold",
    )
