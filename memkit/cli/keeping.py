"""The file itself: banks, stats, doctor, export, load."""

from pathlib import Path
from typing import Annotated, Any

import typer

from memkit.cli.options import DEFAULT_FILE, REFUSED, AsJson, Database, EncoderName, bank_parts
from memkit.cli.output import bar, err, note, out, pairs, say, shown, size, table, write_json
from memkit.cli.stores import opened, warmed

Prefix = Annotated[str | None, typer.Argument(metavar="[PREFIX]", help="Only banks whose name starts so: acme.")]

Measure = Annotated[
    bool,
    typer.Option(
        "--measure",
        help="Also how each bank is searched, exactly or by sketches, and the share of exact search's ten best "
        "that the sketches find. Reads every vector.",
    ),
]

WIDEST = 24  # characters of a bank's name on one line


def banks(prefix: Prefix = None, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """The names of the banks in the database."""
    with opened(db) as store:
        names = ["/".join(name) for name in store.banks(bank_parts(prefix) if prefix else ())]
    if json:
        write_json(names)
        return
    for name in names:
        out.print(shown(name), soft_wrap=True)
    note(f"{len(names):,} {'bank' if len(names) == 1 else 'banks'} in {db}")


def stats(measure: Measure = False, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Bytes by part, memories and growth by bank, the thinking queue, the encoder."""
    with opened(db) as store:
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
            note(f"{name}: no thoughts form from {bank['without_rules']} of its newest turns: {_foreign(bank)}.")


def _foreign(bank: dict[str, Any]) -> str:
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
    made = table("part", "bytes", "share", "per memory", right=("bytes", "share", "per memory"))
    total = parts.get("total") or sum(parts.values()) or 1
    for name, count in sorted(parts.items(), key=lambda part: (part[0] == "total", -part[1])):
        made.add_row(name, size(count), f"{count / total:.0%}", size(count / max(memories, 1)))
    return made


def _by_bank(every: dict[str, Any]) -> Any:
    numbers = ("memories", "turns", "thoughts", "new 1/7/30 d", "to think", "encode")
    longest = max(map(len, every), default=0)
    made = table("bank", *numbers, right=numbers, least={"bank": min(longest, WIDEST)})
    for name, bank in every.items():
        kinds, queue = bank.get("kinds", {}), bank.get("queue", {})
        counts = [bank["memories"], kinds.get("turn", 0), kinds.get("thought", 0)]
        grown = "/".join(f"{count:,}" for count in bank.get("growth", {}).values())
        waiting = [queue.get("waiting", 0), bank.get("unencoded", 0)]
        made.add_row(shown(name), *map("{:,}".format, counts), grown, *map("{:,}".format, waiting))
    return made


def _by_search(every: dict[str, Any]) -> Any:
    numbers = ("sketches taken", "of exact @10")
    made = table("bank", "search", *numbers, right=numbers)
    for name, bank in every.items():
        count, found = bank["candidates"], bank["sketch_recall"]
        share = "" if found is None else f"{found:.3f}"
        made.add_row(shown(name), bank["search"], "" if found is None else f"{count:,}", share)
    return made


def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Check the file and its indexes. Exit code 3 where problems remain."""
    with opened(db, write=repair) as store, err.status("Checking …"):
        found = store.doctor(repair=repair)
        left = store.doctor() if repair and found else found
    if json:
        write_json({"problems": left, "repaired": len(found) - len(left) if repair else 0})
    else:
        _diagnosis(found, left, repair=repair)
    if left:
        raise typer.Exit(REFUSED)


def _diagnosis(found: list[str], left: list[str], *, repair: bool) -> None:
    for problem in left:
        say(out, "✗ ", problem, style="red")
    if repair and found:
        say(out, f"{len(found)} problems found, {len(left)} left.", style="bold")
    elif left:
        note("memkit doctor --repair mends what can be mended.")
    else:
        say(out, "✓ ", "healthy", style="green")


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: JSON lines.")],
    prefix: Prefix = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Write memories as JSON lines, whole and readable; load reads them back."""
    with opened(db) as store, err.status("Exporting …"):
        count = store.export(file, prefix=bank_parts(prefix) if prefix else ())
    if json:
        write_json({"file": str(file), "memories": count})
    else:
        say(out, f"{count:,} memories", f" are in {file}.", style="bold")


def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What export wrote.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Read back what export wrote, into banks of the same names. Makes the database."""
    with file.open("rb") as opened_file:
        total = sum(1 for _ in opened_file)
    with opened(db, encoder=encoder, make=True) as store:
        warmed(store)
        with bar() as progress:
            task = progress.add_task("loading", total=total)
            count = store.load(file, progress=lambda done: progress.advance(task, done))
    if json:
        write_json({"file": str(file), "new": count})
    else:
        say(out, f"{count:,} new memories", f" from {file} are in {db}.", style="bold")
