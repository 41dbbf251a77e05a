"""`memkit demo`: a year of conversation remembered, asked about, faded and forgotten."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import EXIT_ERROR, AsJson, ModelName, encoder_from_option
from memkit.cli.output import write_json
from memkit.cli.start.scenes import DemoFiles, play
from memkit.errors import InputError
from memkit.evaluation.formats.jsonl import questions_file
from memkit.evaluation.texts import CONVERSATIONS_FOLDER

DEFAULT_CONVERSATION = CONVERSATIONS_FOLDER / "conversation.jsonl"
DEFAULT_FOLDER = Path("memkit-demo")


def demo(
    conversation: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="A conversation, one turn per line.", show_default="a year that comes with memkit"
        ),
    ] = DEFAULT_CONVERSATION,
    questions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Questions to it.", show_default="beside the conversation")
    ] = None,
    folder: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where files go.")] = DEFAULT_FOLDER,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where retention is drawn (PNG).", show_default="year.png in FOLDER"),
    ] = None,
    encoder: ModelName = "minilm",
    json: AsJson = False,
) -> None:
    """Watch a year of conversation being remembered, asked about, faded and forgotten.

    No key, no server, no network. Exit code 1 where fewer than 8 of 10 answers are right.
    """
    if not conversation.exists():
        raise InputError(
            f"demo: there is no {conversation}. Leave --conversation out for the year that comes with memkit, or give "
            "a file of JSON lines, with its questions beside it."
        )
    files = DemoFiles(conversation, questions or questions_file(conversation), folder, plot or folder / "year.png")
    figures = play(files, encoder_from_option(encoder), quiet=json)
    if json:
        write_json(figures.dump())
    if not figures.good:
        raise typer.Exit(EXIT_ERROR)
