"""Move: banks to another database, a file or PostgreSQL."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import RenderableType

from memkit.cli.options import AsJson, bank_parts, open_store
from memkit.cli.output import answer, bar, line, new_table, note
from memkit.flows.move import BankMove, MoveReport
from memkit.forget.erasure_plan import plural
from memkit.identifiers import bank_path
from memkit.storage.locations import public_name

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Where the banks are: a file, or the URL of a PostgreSQL database.")
]
Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="Where to: a file or a URL. A new one gets the source's settings.")
]


def move(
    source: Source,
    target: Target,
    bank: Annotated[
        list[str] | None, typer.Option(metavar="BANK", help="Only this bank: acme/ana; may be repeated.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the banks in the source, too: a copy.")] = False,
    json: AsJson = False,
) -> None:
    """Move banks to another database as they are: memories, histories, the queue, receipts, vectors, all numbers.

    A bank leaves the source once the target has all of it and it was compared; the source then refuses its name. Cut
    off at any moment, the same command goes on. A target that has a bank of that name is left as it is.
    """
    names = None if bank is None else [bank_parts(name) for name in bank]
    with open_store(source, write=True) as store, bar() as progress:
        task = progress.add_task("moving", total=None)
        report = store.move(
            target, names, keep=keep, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
    document = {"source": public_name(source), "target": public_name(target), "memories": report.memories}
    answer(json, {**document, **report.model_dump(mode="json")}, _shown(report, public_name(target)))
    if not (report.copied or report.purged):
        note(
            f"Bytes of what was moved may still lie in {public_name(source)}. `memkit purge` drives them out; or "
            "delete the database."
        )


def _shown(report: MoveReport, target: str) -> Iterator[RenderableType]:
    columns = ["bank", "memories", "erasures"]
    yield new_table(columns, map(_row, report.banks), right=columns[1:])
    for sentence in report.notes:
        yield line(sentence)
    count = len(report.banks)
    verb = "copied to" if report.copied else "moved to"
    yield line(
        f"{count:,} {plural('bank', count)}", f" with {report.memories:,} memories {verb} {target}.", style="bold"
    )


def _row(move: BankMove) -> list[str]:
    name = f"{bank_path(move.bank)} (erased)" if move.erased else bank_path(move.bank)
    return [name, f"{move.memories:,}", f"{move.receipts:,}"]
