"""Stats: size, growth, queue and encoder of a database."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, open_store
from memkit.cli.output import answer, new_table, note, pairs, shown, size
from memkit.storage.locations import public_name

MAX_BANK_CHARS = 24  # characters of a bank's name on one line
TOLD_UNREAD_SHARE = 0.1  # of a bank's newest turns that its encoder can't read
Measure = Annotated[
    bool,
    typer.Option(
        "--measure",
        help="Also how each bank is searched, exactly or by sketches, and the share of exact search's ten best "
        "that the sketches find. Reads every vector.",
    ),
]


def stats(measure: Measure = False, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Bytes by part, memories and growth by bank, the thinking queue, the encoder."""
    with open_store(db) as store:
        figures = store.stats(measure=measure)
    answer(json, figures, _tables(figures, db, measure=measure))


def _tables(figures: dict[str, Any], db: str, *, measure: bool) -> Iterator[RenderableType]:
    encoder, banks = figures["encoder"], figures["banks"]
    memories = sum(bank["memories"] for bank in banks.values())
    yield pairs(
        {
            "database": public_name(db),
            "encoder": f"{encoder['name']}, {encoder['dimension']} dimensions",
            "banks": f"{len(banks):,}",
            "memories": f"{memories:,}",
        }
    )
    yield _parts(figures["bytes"], memories)
    yield _by_bank(banks)
    if measure:
        yield _by_search(banks)
    for name, bank in banks.items():
        if bank.get("unread", 0) >= TOLD_UNREAD_SHARE:
            note(
                f"{name}: the encoder can't read {bank['unread']:.0%} of its newest turns; they are found by their "
                "words alone. A model of their language reads them: see the page on encoders."
            )
        if bank.get("without_rules"):
            note(
                f"{name}: no thoughts form from {bank['without_rules']} of its newest turns: "
                f"they are in a language without rules ({', '.join(bank['languages'])})."
            )


def _parts(parts: dict[str, int], memories: int) -> Table:
    total = parts.get("total") or sum(parts.values()) or 1
    rows = (
        (name, size(count), f"{count / total:.0%}", size(count / max(memories, 1)))
        for name, count in sorted(parts.items(), key=lambda part: (part[0] == "total", -part[1]))
    )
    return new_table(("part", "bytes", "share", "per memory"), rows, right=("bytes", "share", "per memory"))


def _by_bank(banks: dict[str, Any]) -> Table:
    numbers = ("memories", "turns", "thoughts", "new 1/7/30 d", "to think", "encode")
    rows = []
    for name, bank in banks.items():
        kinds, queue = bank.get("kinds", {}), bank.get("queue", {})
        counts = [bank["memories"], kinds.get("turn", 0), kinds.get("thought", 0)]
        grown = "/".join(f"{count:,}" for count in bank.get("growth", {}).values())
        waiting = [queue.get("waiting", 0), bank.get("unencoded", 0)]
        rows.append((shown(name), *map("{:,}".format, counts), grown, *map("{:,}".format, waiting)))
    return new_table(
        ("bank", *numbers), rows, right=numbers, least={"bank": min(max(map(len, banks), default=0), MAX_BANK_CHARS)}
    )


def _by_search(banks: dict[str, Any]) -> Table:
    numbers, rows = ("sketches taken", "of exact @10"), []
    for name, bank in banks.items():
        recall = bank["sketch_recall"]
        figures = ("", "") if recall is None else (f"{bank['candidates']:,}", f"{recall:.3f}")
        rows.append((shown(name), bank["search"], *figures))
    return new_table(("bank", "search", *numbers), rows, right=numbers)
