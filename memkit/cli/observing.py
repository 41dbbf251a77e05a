"""In: observe, think, maintain."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import DEFAULT_FILE, REFUSED, AsJson, Bank, Database, EncoderName, bank_parts
from memkit.cli.output import bar, err, note, out, pairs, say, shown, table, write_json
from memkit.cli.stores import bank_in, opened, warmed
from memkit.errors import InputError
from memkit.evaluation.formats.files import FORMATS, known_format, read_document
from memkit.evaluation.formats.jsonl import lines
from memkit.models import Outcome, Receipt
from memkit.store import MemoryStore

CHUNK = 500  # turns in one call: large enough for the encoder, small enough for the bar
SHOWN = 5  # refused inputs that are listed


class Heard(NamedTuple):
    """What goes into one bank: turns as `bank.observe` takes them."""

    bank: tuple[str, ...]
    turns: Sequence[Any]


class Observed(NamedTuple):
    """What became of the turns of one bank."""

    bank: str
    outcomes: list[Outcome]


def observe(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=f"{FORMATS[0].upper()}{FORMATS[1:]}.")],
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
    heard = _heard(file, bank)
    with opened(db, encoder=encoder, make=True) as store:
        loading = warmed(store)
        start = time.perf_counter()
        done = _observed(store, heard)
        seconds = time.perf_counter() - start
    turns = sum(len(part.turns) for part in heard)
    figures = {
        "turns": turns,
        "seconds": seconds,
        "turns_per_second": turns / max(seconds, 1e-9),
        "encoder_load_seconds": loading,
    }
    if json:
        write_json({"db": str(db), **figures, "banks": {one.bank: _counts(one) for one in done}})
    else:
        _report(done, db, figures)
    if any(outcome.action == "rejected" for one in done for outcome in one.outcomes):
        raise typer.Exit(REFUSED)


def _heard(file: Path, bank: str | None) -> list[Heard]:
    document = read_document(file)
    known = known_format(file, document)
    if known is not None:
        kind, conversations = known
        prefix = bank_parts(bank or kind)
        return [Heard((*prefix, conversation.name), conversation.turns) for conversation in conversations]
    turns = document if isinstance(document, list) else [item for _, item in lines(file)]
    if not turns:
        raise InputError(f"{file.name}: holds no turns. Give {FORMATS}.")
    return [Heard(bank_parts(bank or file.stem), turns)]


def _observed(store: MemoryStore, heard: Sequence[Heard]) -> list[Observed]:
    done = []
    with bar() as progress:
        task = progress.add_task("observing", total=sum(len(part.turns) for part in heard))
        for part in heard:
            name = "/".join(part.bank)
            progress.update(task, description=shown(name))
            outcomes: list[Outcome] = []
            for chunk in _chunks(part.turns):
                outcomes += _taken(store.bank(*part.bank), chunk)
                progress.advance(task, len(chunk))
            done.append(Observed(name, outcomes))
    return done


def _taken(bank: MemoryBank, chunk: Sequence[Any]) -> Sequence[Outcome]:
    """Outcomes of a chunk; where all of it was refused, of its turns one by one."""
    try:
        return bank.observe(chunk).outcomes
    except InputError as error:
        refused = Outcome(id=None, action="rejected", reason=str(error), error=type(error).__name__)
        return [refused] * len(chunk)


def _chunks(turns: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(turns)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _counts(done: Observed) -> dict[str, int]:
    return dict(sorted(Counter(outcome.action for outcome in done.outcomes).items()))


def _report(done: Sequence[Observed], db: Path, figures: dict[str, float]) -> None:
    actions = sorted({action for one in done for action in _counts(one)})
    made = table("bank", *actions, right=actions, least={"bank": min(24, max(len(one.bank) for one in done))})
    for one in done:
        counts = _counts(one)
        made.add_row(shown(one.bank), *(f"{counts.get(action, 0):,}" for action in actions))
    out.print(made)
    say(
        out,
        f"{figures['turns']:,.0f} turns in {figures['seconds']:.1f} s: {figures['turns_per_second']:,.0f} per second",
        f", after {figures['encoder_load_seconds']:.1f} s for loading the encoder. Stored in {db}.",
        style="bold",
    )
    refused = [o for one in done for o in one.outcomes if o.action == "rejected"]
    for reason, count in Counter(o.reason or o.error or "" for o in refused).most_common(SHOWN):
        say(err, f"{count} refused: ", reason, style="red")


def think(bank: Bank, db: Database = DEFAULT_FILE, encoder: EncoderName = None, json: AsJson = False) -> None:
    """Turn what was observed since the last time into thoughts: inserted, merged, superseded."""
    with opened(db, encoder=encoder, write=True) as store:
        chosen = bank_in(store, bank)
        with err.status("Thinking …"):
            receipt = chosen.think()
        _show_receipt(chosen, receipt, json, nothing="No exchange was waiting to be thought about.")


def _show_receipt(bank: MemoryBank, receipt: Receipt, as_json: bool, *, nothing: str) -> None:
    if as_json:
        write_json(receipt.model_dump(mode="json"))
        return
    made = table("what became of it", "kind", "text")
    for outcome in receipt.outcomes:
        memory = None if outcome.id is None else bank.get(outcome.id)
        if memory is not None and outcome.action != "skipped":
            made.add_row(outcome.action, memory.kind, shown(memory.text))
    if made.row_count:
        out.print(made)
    counted = Counter(outcome.action for outcome in receipt.outcomes)
    say(out, ", ".join(f"{count} {action}" for action, count in counted.items()) or nothing)


def maintain(
    budget: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="About how long it may take.")] = 60.0,
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Think, reflect, fade and encode for all banks that are due; several may run at once."""
    with opened(db, encoder=encoder, write=True) as store, err.status(f"Maintaining, for up to {budget:g} s …"):
        report = store.maintain(budget)
    values = report.model_dump(mode="json")
    if json:
        write_json(values)
        return
    out.print(pairs({name: value for name, value in values.items() if name != "finished"}))
    if not report.finished:
        note("The time ran out before everything was done: run it again.")
