"""Stats: size, growth, queue and encoder of a database."""

from pathlib import Path
from typing import Annotated, Any

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database
from memkit.cli.output import new_table, note, out, pairs, shown, size, write_json
from memkit.cli.stores import open_store

MAX_BANK_CHARS = 24  # characters of a bank's name on one line
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
    if json:
        write_json(figures)
        return
    memories = sum(bank["memories"] for bank in figures["banks"].values())
    out.print(_about(figures, db, memories))
    out.print(_parts(figures["bytes"], memories))
    out.print(_by_bank(figures["banks"]))
    if measure:
        out.print(_by_search(figures["banks"]))
    for name, bank in figures["banks"].items():
        if bank.get("without_rules"):
            reason = _languages_without_rules(bank)
            note(f"{name}: no thoughts form from {bank['without_rules']} of its newest turns: {reason}.")


def _languages_without_rules(bank: dict[str, Any]) -> str:
    return "they are in a language without rules (" + ", ".join(bank["languages"]) + ")"


def _about(figures: dict[str, Any], db: Path, memories: int) -> Any:
    encoder = figures["encoder"]
    return pairs(
        {
            "database": db,
            "encoder": f"{encoder['name']}, {encoder['dimension']} dimensions",
            "banks": f"{len(figures['banks']):,}",
            "memories": f"{memories:,}",
        }
    )


def _parts(parts: dict[str, int], memories: int) -> Any:
    table = new_table("part", "bytes", "share", "per memory", right=("bytes", "share", "per memory"))
    total = parts.get("total") or sum(parts.values()) or 1
    for name, count in sorted(parts.items(), key=lambda part: (part[0] == "total", -part[1])):
        table.add_row(name, size(count), f"{count / total:.0%}", size(count / max(memories, 1)))
    return table


def _by_bank(banks: dict[str, Any]) -> Any:
    numbers = ("memories", "turns", "thoughts", "new 1/7/30 d", "to think", "encode")
    longest = max(map(len, banks), default=0)
    table = new_table("bank", *numbers, right=numbers, least={"bank": min(longest, MAX_BANK_CHARS)})
    for name, bank in banks.items():
        kinds, queue = bank.get("kinds", {}), bank.get("queue", {})
        counts = [bank["memories"], kinds.get("turn", 0), kinds.get("thought", 0)]
        grown = "/".join(f"{count:,}" for count in bank.get("growth", {}).values())
        waiting = [queue.get("waiting", 0), bank.get("unencoded", 0)]
        table.add_row(shown(name), *map("{:,}".format, counts), grown, *map("{:,}".format, waiting))
    return table


def _by_search(banks: dict[str, Any]) -> Any:
    numbers = ("sketches taken", "of exact @10")
    table = new_table("bank", "search", *numbers, right=numbers)
    for name, bank in banks.items():
        count, recall = bank["candidates"], bank["sketch_recall"]
        share = "" if recall is None else f"{recall:.3f}"
        table.add_row(shown(name), bank["search"], "" if recall is None else f"{count:,}", share)
    return table
