"""Doctor: the file checked and repaired."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

import memkit
from memkit.cli.options import DEFAULT_FILE, EXIT_REFUSED, AsJson, Database, open_store
from memkit.cli.output import answer, err, line, note
from memkit.errors import CorruptError, NotADatabaseError


def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Check the file and its indexes. Exit code 3 where problems remain.

    A damaged file is rebuilt from what can be read; it is kept beside the new one, as FILE.damaged.
    """
    problems, left = _examine(db, repair=repair)
    answer(
        json,
        {"problems": left, "repaired": len(problems) - len(left) if repair else 0},
        _diagnosis(problems, left, repair=repair),
    )
    if left:
        raise typer.Exit(EXIT_REFUSED)


def _examine(db: str, *, repair: bool) -> tuple[list[str], list[str]]:
    """The problems that there were, and those that are left."""
    saved: list[str] = []
    try:
        with open_store(db, write=repair):
            pass
    except (CorruptError, NotADatabaseError):
        if not repair:
            raise
        saved = memkit.repair(db)
    with open_store(db, write=repair) as store, err.status("Checking …"):
        problems = [*saved, *store.doctor(repair=repair)]
        return problems, store.doctor() if repair and problems else problems


def _diagnosis(problems: list[str], left: list[str], *, repair: bool) -> Iterator[Text]:
    yield from (line("✗ ", problem, style="red") for problem in left)
    if repair and problems:
        for problem in problems:
            note(problem)
        yield line(f"{len(problems)} problems found, {len(left)} left.", style="bold")
    elif left:
        note("memkit doctor --repair mends what can be mended.")
    else:
        yield line("✓ ", "healthy", style="green")
