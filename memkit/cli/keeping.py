"""The file itself: banks, stats, doctor, export, load, backup, restore, receipts."""

from pathlib import Path
from typing import Annotated, Any

import typer

import memkit
from memkit.cli.options import DEFAULT_FILE, ERROR, REFUSED, AsJson, Database, EncoderName, bank_parts
from memkit.cli.output import bar, err, note, out, pairs, say, shown, size, table, write_json
from memkit.cli.stores import opened, warmed
from memkit.errors import CorruptError, InputError, NotADatabaseError
from memkit.forget.erasure_plan import plural

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
    """Check the file and its indexes. Exit code 3 where problems remain.

    A damaged file is rebuilt from what can be read; it is kept beside the new one, as FILE.damaged.
    """
    found, left = _examined(db, repair=repair)
    if json:
        write_json({"problems": left, "repaired": len(found) - len(left) if repair else 0})
    else:
        _diagnosis(found, left, repair=repair)
    if left:
        raise typer.Exit(REFUSED)


def _examined(db: Path, *, repair: bool) -> tuple[list[str], list[str]]:
    """The problems that there were, and those that are left."""
    saved: list[str] = []
    try:
        with opened(db, write=repair):
            pass
    except (CorruptError, NotADatabaseError):
        if not repair:
            raise
        saved = memkit.repair(db)
    with opened(db, write=repair) as store, err.status("Checking …"):
        found = [*saved, *store.doctor(repair=repair)]
        return found, store.doctor() if repair and found else found


def _diagnosis(found: list[str], left: list[str], *, repair: bool) -> None:
    for problem in left:
        say(out, "✗ ", problem, style="red")
    if repair and found:
        for problem in found:
            note(problem)
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


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; an older backup there is replaced.")],
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Write a consistent copy of the database, also while it is in use."""
    with opened(db) as store, err.status("Copying …"):
        store.backup(file)
    if json:
        write_json({"file": str(file), "bytes": file.stat().st_size})
    else:
        say(out, f"{size(file.stat().st_size)}", f" are in {file}.", style="bold")


def restore(
    file: Annotated[Path, typer.Argument(metavar="BACKUP", exists=True, dir_okay=False, help="What backup wrote.")],
    erasures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Whose list of erasures to carry out: a database, or what receipts --out wrote. Default: that of "
            "the database that is written over.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before a database is written over.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Put a backup in the place of the database, and carry out again every erasure that was made since."""
    if db.exists() and not yes:
        if json:
            raise InputError(f"restore: {db} would be written over, and --json doesn't ask. Add --yes.")
        if not typer.confirm(f"Write over {db}?", err=True):
            note("Nothing was restored.")
            raise typer.Exit(ERROR)
    with err.status("Restoring …"):
        done = memkit.restore(file, db, erasures=erasures)
    if json:
        write_json([receipt.model_dump(mode="json") for receipt in done])
    else:
        say(out, f"{db} is restored.", f" {len(done):,} erasures since were carried out again.", style="bold")


def receipts(
    prefix: Prefix = None,
    to: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write all as JSON lines.")] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """What was erased, when, and on whose request. With --out, the list that restore takes."""
    with opened(db) as store:
        found = store.receipts(bank_parts(prefix) if prefix else ())
        if to is not None:
            store.export_receipts(to)
    if json:
        write_json([receipt.model_dump(mode="json") for receipt in found])
        return
    made = table("no", "when", "bank", "what went", "made again", "asked by", "bytes", right=("no", "made again"))
    for receipt in found:
        went = ", ".join(f"{count} {plural(kind, count)}" for kind, count in receipt.counts.items())
        state = "pending" if receipt.bytes_pending else "gone"
        day = f"{receipt.at:%Y-%m-%d %H:%M}"
        again = str(len(receipt.remade))
        names = [shown("/".join(receipt.bank)), went, again, shown(receipt.requested_by or "")]
        made.add_row(str(receipt.number), day, *names, state)
    out.print(made) if found else say(out, "Nothing was erased.")
