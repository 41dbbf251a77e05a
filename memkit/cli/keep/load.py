"""Load: exported memories read back."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import DEFAULT_FILE, AsJson, Database, EncoderName, load_encoder, open_store
from memkit.cli.output import answer, bar, line


def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What export wrote.")],
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Read back what export wrote, into banks of the same names. Makes the database."""
    with file.open("rb") as opened_file:
        total = sum(1 for _ in opened_file)
    with open_store(db, encoder=encoder, create=True) as store:
        load_encoder(store)
        with bar() as progress:
            task = progress.add_task("loading", total=total)
            count = store.load(file, progress=lambda done: progress.advance(task, done))
    sentence = line(f"{count:,} new memories", f" from {file} are in {db}.", style="bold")
    answer(json, {"file": str(file), "new": count}, [sentence])
